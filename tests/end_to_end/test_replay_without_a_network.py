"""A replay needs nobody but its clients, and cannot reach anybody else (promise 4).

`tests/core/replay/test_replay_is_closed.py` reads the source; here a real `cometape replay` runs:
where no route leads out, under a guard that ends it when anything in it reaches out, and watched
from outside.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import cut_off
from guarded import REACHED_OUT
from raw_client import connected
from running import COMETAPE, running

ROOT = Path(__file__).parents[2]
CASSETTE = str(ROOT / "cassettes" / "pull_workitem.yaml")
SUPPORT = ROOT / "tests" / "support"
REPLAY = (COMETAPE, "replay", "--no-strict", CASSETTE)
GUARDED = (sys.executable, str(SUPPORT / "guarded.py"), "replay", "--no-strict", CASSETTE)


@cache
def namespace() -> tuple[str, ...]:
    """A command that runs another in a network namespace of its own; empty where none may."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return ()
    for way in (("unshare", "--net"), ("unshare", "--map-root-user", "--net")):
        if subprocess.run([*way, "true"], capture_output=True, check=False).returncode == 0:
            return way
    return ()


def whole_session(replay: Sequence[str], within: Sequence[str] = ()) -> dict[str, Any]:
    """What the client of `cut_off.py` got of this replay."""
    done = subprocess.run(
        [*within, sys.executable, str(SUPPORT / "cut_off.py"), *replay],
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def check(found: dict[str, Any]) -> None:
    assert found["me"] == 200
    assert found["events"] == [found["pulled"]] * 2
    assert all(status >= 400 for status in found["refused"])
    assert found["exit_code"] == 0


def test_a_replay_serves_where_no_route_leads_out() -> None:
    """Where this machine forbids namespaces, the guard of the next test proves what it can."""
    found = whole_session(REPLAY if namespace() else GUARDED, within=namespace())
    check(found)
    assert found["cut_off"] or not namespace()


def test_a_replay_under_guard_reaches_out_to_nobody() -> None:
    check(whole_session(GUARDED))


def test_the_guard_is_awake() -> None:
    done = subprocess.run([*GUARDED[:2], "connect"], capture_output=True, timeout=30)
    assert done.returncode == REACHED_OUT
    assert b"reached out: socket.connect" in done.stderr


def sockets(pid: int) -> list[tuple[str, int, int]]:
    """Every socket of a process: kind, local and remote port (Linux)."""
    folder = Path(f"/proc/{pid}/fd")
    links = [os.readlink(one) for one in folder.iterdir() if one.exists() or one.is_symlink()]
    inodes = {link[8:-1] for link in links if link.startswith("socket:[")}
    found: list[tuple[str, int, int]] = []
    for kind in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
        table = Path(f"/proc/{pid}/net/{kind}")
        for line in table.read_text().splitlines()[1:] if table.exists() else ():
            fields = line.split()
            if fields[9] in inodes:
                local, remote = (int(fields[at].rpartition(":")[2], 16) for at in (1, 2))
                found.append((kind, local, remote))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_replay_has_no_socket_but_those_its_clients_came_by() -> None:
    with running(*REPLAY) as replay:
        port = urlsplit(replay.url()).port
        assert port is not None
        with connected(replay.url()) as client:
            check({**cut_off.session(port), "exit_code": 0})
            assert client.get("/api/v2/me?subresources=*").status == 200
            found = sockets(replay.pid)
        listening = {local for _, local, remote in found if remote == 0}
        assert port in listening
        assert port in {local for _, local, remote in found if remote}, "the client's is seen"
        assert {local for _, local, _ in found} == listening, "it has connected to nobody"
        assert {kind for kind, _, _ in found} == {"tcp"}
