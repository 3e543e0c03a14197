"""What `cometape record` does with personal data, and with what looks like a secret in the end."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from cometape.core.exchange import Response
from cometape.server.listener import BackgroundServer
from cometape.store import cassette_file
from raw_client import connected
from running import cometape
from tiny_service import JSON, TinyService

RANDOM = "aB3xK9mQ2vL7tR5wZ8yC1dF4" + "gH6jN0pS"
BASIC = "Basic " + base64.b64encode(b"agent7:hunter2").decode()


PERSON = {"user": {"userName": "agent7", "firstName": "Ada"}, "by": "agent7"}
ANSWERS = {
    "/api/v2/users/agent7": Response(status=200, headers=JSON, body=json.dumps(PERSON).encode()),
    "/mark": Response(
        status=200, headers=JSON, body=json.dumps({"mark": RANDOM, "by": "Ada"}).encode()
    ),
}


@pytest.fixture(autouse=True)
def home(confdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """mitmproxy keeps its authority in the home directory: one for all of these tests."""
    monkeypatch.setenv("HOME", str(confdir))


def recorded(out: Path, target: str, *options: str) -> tuple[int, str]:
    """The exit code of a recording of one request, and its standard error."""
    with (
        BackgroundServer(TinyService(answers=ANSWERS)) as origin,
        cometape("record", origin.url, "-o", str(out), *options) as recorder,
    ):
        with connected(recorder.url()) as client:
            answer = client.get(target, headers=f"Authorization: {BASIC}\r\n")
            assert b"Ada" in answer.body
        return recorder.stop(), recorder.stderr


def test_personal_data_stays_unless_it_is_to_go(tmp_path: Path) -> None:
    plain, anonymous = tmp_path / "plain.yaml", tmp_path / "anonymous.yaml"
    assert recorded(plain, "/api/v2/users/agent7")[0] == 0
    assert "session: agent7" in plain.read_text()
    assert recorded(anonymous, "/api/v2/users/agent7", "--pseudonyms")[0] == 0
    text = anonymous.read_text()
    assert "agent7" not in text
    assert "Ada" not in text
    assert "session: user-1" in text
    assert "target: /api/v2/users/<user:1>" in text


def test_what_looks_like_a_secret_in_the_end_keeps_the_file_and_ends_with_six(
    tmp_path: Path,
) -> None:
    out = tmp_path / "marked.yaml"
    code, said = recorded(out, "/mark")
    assert code == 6
    assert f"{out}: a value looks like a secret; it is kept, but not finished" in said
    assert "entry 1: response.json mark" in said
    assert RANDOM not in said
    cassette = cassette_file.load(out)
    assert cassette.header.residue == 1
    assert len(cassette.entries) == 1


def test_what_is_allowed_is_noted_in_the_cassette(tmp_path: Path) -> None:
    out = tmp_path / "allowed.yaml"
    assert recorded(out, "/mark", "--allow", "response.json mark") == (0, "")
    header = cassette_file.load(out).header
    assert (header.residue, header.allowed) == (0, ("response.json mark",))
