"""The Bayeux clients that nobody here wrote, and the commands that make them carry out a plan.

| name | what it is | where it comes from |
|---|---|---|
| `cometd3` … `cometd9` | npm's `cometd` 3.1.14, 4.0.9, 5.0.23, 7.0.19 and 9.0.0 | npm, lock files |
| `faye` | Faye's JavaScript client | npm, lock file |
| `chromium` | `cometd` 9.0.0 in a page of another origin | Debian's `chromium`, npm |
| `ruby-faye` | Faye's Ruby client | Debian's `ruby-faye` |
| `aiocometd_ng`, `aiocometd_noloop` | the two living forks of aiocometd | PyPI, the `dev` extra |
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

import node_runtime

NODE = Path(__file__).parents[1] / "node"
RUBY = Path(__file__).parents[1] / "ruby"

Cometd = Literal["cometd3", "cometd4", "cometd5", "cometd7", "cometd9"]
Client = Literal[Cometd, "chromium", "faye", "ruby-faye", "aiocometd_ng", "aiocometd_noloop"]
Transport = Literal["long-polling", "websocket", "callback-polling"]

COMETDS: tuple[Cometd, ...] = ("cometd3", "cometd4", "cometd5", "cometd7", "cometd9")
OTHERS: tuple[Client, ...] = ("chromium", "faye", "ruby-faye", "aiocometd_ng", "aiocometd_noloop")
CLIENTS: tuple[Client, ...] = (*COMETDS, *OTHERS)

OVER: tuple[tuple[Client, Transport], ...] = tuple(
    (client, transport)
    for client in CLIENTS
    for transport in ("long-polling", "websocket", "callback-polling")
    if transport != "callback-polling" or client in (*COMETDS, "chromium")
)
"""Every client over every connection type it has."""


def command(client: Client, plan: str) -> list[str]:
    """What runs a client on its plan."""
    if client == "ruby-faye":
        return ["ruby", str(RUBY / "faye_client.rb"), plan]
    if client in ("aiocometd_ng", "aiocometd_noloop"):
        return [sys.executable, str(Path(__file__).with_name("aiocometd_client.py")), client, plan]
    if client == "chromium":
        return [node_runtime.node(), str(NODE / "browser" / "client.js"), plan]
    return [node_runtime.node(), str(NODE / "client.cjs"), client, plan]


def require(client: Client) -> None:
    """Skips a test whose client is not there and says how to get it; in CI that is a failure."""
    missing = _missing(client)
    if missing is not None:
        unavailable(missing)


def unavailable(reason: str, *, allow_module_level: bool = False) -> None:
    """A tool is missing: a failure in CI, else a skip; `reason` names the command that helps."""
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason, allow_module_level=allow_module_level)


@functools.cache
def _missing(client: Client) -> str | None:
    if client == "ruby-faye":
        ruby = shutil.which("ruby")
        there = (
            ruby
            and not subprocess.run(
                [ruby, "-e", "require 'faye'; require 'em-http-request'"],
                capture_output=True,
                check=False,
            ).returncode
        )
        return None if there else "Ruby's Faye is not installed: `apt-get install ruby-faye`"
    if client in ("aiocometd_ng", "aiocometd_noloop"):
        return None  # of the extra that brings pytest
    if client == "chromium" and chromium() is None:
        return "Chromium is not installed: `apt-get install chromium`"
    try:
        node_runtime.node()
    except node_runtime.NodeMissing as problem:
        return str(problem)
    part = "browser" if client == "chromium" else client
    if not node_runtime.packages_installed(NODE / part):
        return f"npm packages of {part} are not installed: run `make test`"
    return None


def chromium() -> str | None:
    """The browser to run: that of the environment variable `CHROMIUM`, or the system's."""
    named = os.environ.get("CHROMIUM")
    return named or shutil.which("chromium") or shutil.which("chromium-browser")
