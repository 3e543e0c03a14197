"""Those tests of cometd-nodejs-server that look at a server from outside, at `cometape broker`.

They come in its npm package, unchanged; `tests/node/suite/at_broker.cjs` points them elsewhere. The
other 31 reach into their own server (listeners, policies, sessions as objects).
"""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest

import node_runtime
from node_client import NODE, require
from running import cometape

require("suite")

SUITE = NODE / "suite"
PACKAGES = SUITE / "node_modules"
TESTS = (
    "server does not accept GET method",
    "server does not accept non-JSON content",
    "server yields unknown session on bad first message",
    "server replies to /meta/handshake message",
    "server replies to /meta/connect message",
    "server replies to /meta/subscribe message",
    "server replies to /meta/unsubscribe message",
    "server replies to /meta/disconnect message",
    "server holds /meta/connect",
    "usage notifies /meta/handshake listener",
    "usage notifies broadcast channel listener",
    "usage publishes client-side message",
)
TIMEOUT_S = "2"
"""What the one about held connects would tell its own server."""


@pytest.fixture(scope="module")
def results() -> dict[str, object]:
    """By the title of the test: what was wrong, {} if nothing."""
    files = [
        str(PACKAGES / "cometd-nodejs-server" / "test" / f"{name}.test.ts")
        for name in ("server", "usage")
    ]
    titles = "|".join(re.escape(title).replace("/", r"\/") for title in TESTS)
    with cometape("broker", "--timeout-s", TIMEOUT_S) as broker:
        done = subprocess.run(
            [
                node_runtime.node(),
                str(PACKAGES / "mocha" / "bin" / "mocha.js"),
                *("--exit", "--reporter", "json", "--grep", f"^({titles})$"),
                *("--require", str(PACKAGES / "ts-node" / "register" / "index.js")),
                *("--require", str(SUITE / "at_broker.cjs")),
                *files,
            ],
            env={
                **os.environ,
                "BROKER_PORT": broker.url().rpartition(":")[2],
                "TS_NODE_TRANSPILE_ONLY": "1",
                "TS_NODE_SKIP_IGNORE": "1",
            },
            cwd=PACKAGES / "cometd-nodejs-server",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    report = json.loads(done.stdout[done.stdout.index("{\n") :])
    return {test["fullTitle"]: test["err"] for test in report["tests"]}


@pytest.mark.parametrize("title", TESTS)
def test_it_is_content(results: dict[str, object], title: str) -> None:
    assert results[title] == {}
