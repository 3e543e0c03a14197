"""A replay has no upstream: nothing it runs can open a connection to anywhere."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[3] / "replay" / "cometape"
START = ("cli/replay.py", "core/replay/replay_service.py", "server/listener.py", "pytest_plugin.py")

CLIENTS = {
    *("http.client", "urllib.request", "urllib3", "requests", "aiohttp", "httpx", "httpcore"),
    *("ftplib", "smtplib", "poplib", "imaplib", "telnetlib", "xmlrpc", "websockets", "mitmproxy"),
    *("aiocometd_ng", "subprocess", "multiprocessing", "paramiko", "asyncssh"),
}
"""Modules by which a program reaches out, or starts another that may."""
FRONT = "cometape.mitm"
"""What `--proxy` puts in front of the replay server, which does open connections: to that server
and, as `tests/mitm/test_replay_proxy.py` proves, to nothing else."""
CALLS = {
    *("create_connection", "open_connection", "open_unix_connection", "connect", "connect_ex"),
    *("sock_connect", "create_unix_connection", "create_datagram_endpoint", "sendto", "urlopen"),
    *("start_tls", "popen", "system", "execv", "spawn"),
}
"""Methods and functions that open an outgoing connection (or a process)."""


def module_file(name: str) -> Path | None:
    """The file of a module of this package."""
    stem = PACKAGE.parent / Path(*name.split("."))
    candidates = (stem.with_suffix(".py"), stem / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


def imports(path: Path) -> Iterator[str]:
    """Every module a file imports, wherever in it."""
    package = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts[:-1])
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            base = ".".join(parts[: len(parts) - node.level + 1]) if node.level else ""
            name = ".".join(part for part in (base, node.module or "") if part)
            yield name
            yield from (f"{name}.{alias.name}" for alias in node.names)


def reached() -> dict[Path, list[str]]:
    """Every file of this package that a replay may run, with what it imports."""
    found: dict[Path, list[str]] = {}
    waiting = [PACKAGE / start for start in START if (PACKAGE / start).is_file()]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found[path] = list(imports(path))
        for name in found[path]:
            inside = name.startswith("cometape.") and not name.startswith(FRONT)
            if inside and (file := module_file(name)) is not None:
                waiting.append(file)
    return found


REACHED = reached()


def test_the_walk_reaches_what_a_replay_is_made_of() -> None:
    names = {str(path.relative_to(PACKAGE)) for path in REACHED}
    assert {"core/run/player.py", "core/bayeux/server.py", "server/http_protocol.py"} <= names
    assert not any(name.startswith(("recorder/", "simulator/", "mitm/")) for name in names)


@pytest.mark.parametrize("path", sorted(REACHED), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_in_a_replay_can_open_a_connection(path: Path) -> None:
    for name in REACHED[path]:
        steps = name.split(".")
        ways = {".".join(steps[:length]) for length in range(1, len(steps) + 1)}
        assert not ways & CLIENTS, f"{path} imports {name}"
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            assert called not in CALLS, f"{path}:{node.lineno} calls {called}"
