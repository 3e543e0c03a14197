"""`docs/control.md`: every call it shows is made, and judged by the OpenAPI file; none is missing.

Calls are made without curl, which a machine need not have.
"""

from __future__ import annotations

import http.client
import re
import shlex
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cometape.core.control.problem import STATUSES
from cometape.profiles import load_profile
from cometape.store.playbook_file import open_playbook
from openapi_check import check, operation_of, operations
from raw_agent import RawAgent
from run_servers import controlled

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "control.md").read_text(encoding="utf-8")
CASSETTE = ROOT / "cassettes" / "pull_workitem.yaml"


def commands() -> list[str]:
    """Every curl command of the page, on one line."""
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip()]


def call_of(command: str) -> tuple[str, str, dict[str, str], bytes]:
    """Method, target, headers and body of a curl command."""
    words = shlex.split(command, comments=True)
    assert words.pop(0) == "curl"
    method, target, headers, body = "GET", "", {}, b""
    while words:
        word = words.pop(0)
        if word == "-X":
            method = words.pop(0)
        elif word == "-H":
            name, _, value = words.pop(0).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = words.pop(0).encode()
        elif word.startswith("$CONTROL"):
            target = word.removeprefix("$CONTROL")
        else:
            assert word in ("-s", "-f"), word
    return method, target, headers, body


def test_every_endpoint_is_shown() -> None:
    shown = {
        operation["operationId"]
        for method, target, _, _ in map(call_of, commands())
        if (operation := operation_of(method, target.partition("?")[0])) is not None
    }
    assert {operation["operationId"] for operation in operations().values()} - shown == set()


@pytest.mark.parametrize("command", commands())
def test_a_call_that_is_shown_does_what_the_page_says(command: str) -> None:
    method, target, headers, body = call_of(command)
    with controlled({CASSETTE.stem: open_playbook(CASSETTE, load_profile)}) as control:
        agents = [RawAgent(control.existing().url)]
        if b'"test-7"' not in body:
            agents.append(RawAgent(control.run("test-7", pace="manual").url))
        for agent in agents:
            agent.hold()
        for run in control.runs():
            assert run.held("agent7", wait_s=10)
        if "/faults/" in target:
            control.existing().fault("lost times=1")
        connection = http.client.HTTPConnection(str(urlsplit(control.url).netloc), timeout=30)
        connection.request(method, target, body or None, headers)
        response = connection.getresponse()
        answered = response.read()
        connection.close()
        for agent in agents:
            agent.close()
    wanted = 409 if "/verify" in target else 201 if (method, target) == ("POST", "/runs") else 200
    assert response.status == wanted, answered
    media_type = str(response.headers.get_content_type())
    check(method, target, body, response.status, media_type, answered)


def test_every_problem_is_on_the_page_with_its_status() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d+) \|", PAGE, re.MULTILINE)
    assert {reason: int(status) for reason, status in rows} == STATUSES
