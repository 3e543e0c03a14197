"""The core decides and does no I/O: what it must not import, and the clock it must not read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "replay" / "cometape"
CORE = PACKAGE / "core"

FORBIDDEN = {
    *("asyncio", "concurrent", "ctypes", "glob", "http", "importlib", "io", "locale", "logging"),
    *("multiprocessing", "os", "pathlib", "platform", "pty", "queue", "random", "secrets"),
    *("select", "selectors", "shutil", "signal", "socket", "socketserver", "sqlite3", "ssl"),
    *("subprocess", "sys", "tempfile", "threading", "time", "urllib.request", "uuid", "warnings"),
    *("click", "httptools", "mitmproxy", "rich", "wsproto", "yaml"),
}
"""I/O, clocks, randomness, threads, and the libraries that belong to the shells."""

FORBIDDEN_NAMES = frozenset({"open", "print", "input", "exec", "eval", "__import__", "breakpoint"})
CLOCKS = frozenset({"now", "utcnow", "today"})
"""Methods of `datetime` that read a clock; the rest of it is arithmetic."""


def violations(source: str) -> Iterator[tuple[int, str]]:
    """Line and name of everything in a module that the core must not use."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Name) and node.id in FORBIDDEN_NAMES:
            yield node.lineno, node.id
            continue
        elif isinstance(node, ast.Attribute) and node.attr in CLOCKS:
            yield node.lineno, f"….{node.attr}"
            continue
        else:
            continue
        for name in names:
            if name in FORBIDDEN or name.partition(".")[0] in FORBIDDEN:
                yield node.lineno, name
                break


def imported_shells(source: str) -> Iterator[tuple[int, str]]:
    """Line and name of every import of a module of this package that is not in the core."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            outside = node.module or ""
            if outside == "cometape" or (
                outside.startswith("cometape.") and not outside.startswith("cometape.core")
            ):
                yield node.lineno, outside


MODULES = sorted(CORE.rglob("*.py"))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(CORE)))
def test_a_module_of_the_core_does_no_io(module: Path) -> None:
    source = module.read_text(encoding="utf-8")
    assert list(violations(source)) == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(CORE)))
def test_a_module_of_the_core_knows_no_shell(module: Path) -> None:
    source = module.read_text(encoding="utf-8")
    depth = len(module.relative_to(CORE).parts)
    climbs = [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and node.level > depth
    ]
    assert list(imported_shells(source)) == []
    assert climbs == [], "a relative import that leaves the core"


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "import os.path",
        "from time import monotonic",
        "from urllib import request",
        "import urllib.request",
        "def f():\n    import socket",
        "open('x')",
        "from datetime import datetime\ndatetime.now()",
    ],
)
def test_the_rule_notices(source: str) -> None:
    assert list(violations(source))


def test_the_rule_allows_arithmetic() -> None:
    assert not list(violations("from urllib.parse import urlsplit\nimport json, hashlib, re"))
