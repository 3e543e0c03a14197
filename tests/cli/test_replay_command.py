"""`cometape replay` as a process of its own."""

from __future__ import annotations

import json
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import urlopen
from xml.etree import ElementTree

import pytest

from cometape.store.cassette_file import save
from raw_client import RawClient, connected
from running import cometape, cometape_once
from scripted import Script


@pytest.fixture
def cassette(tmp_path: Path) -> str:
    """One read and one operation of one user."""
    script = Script(scenario="the agent pulls a workitem")
    script.ask("agent7", "GET", "/api/v2/me", None, {"statusCode": 0})
    script.ask("agent7", "POST", "/api/v2/me", {"operationName": "Pull"}, {"referenceId": 17})
    path = tmp_path / "pull.yaml"
    save(script.cassette, path)
    return str(path)


def reference_id(client: RawClient) -> int:
    client.ask(
        "/api/v2/me",
        method="POST",
        headers="Content-Type: application/json\r\n",
        body=b'{"operationName":"Pull"}',
    )
    answer = client.answer()
    assert answer.status == 200, answer
    number: int = answer.json()["referenceId"]
    return number


def test_it_serves_a_cassette_and_reports_at_the_end(cassette: str, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with cometape("replay", cassette, "--strict", "--report", str(report)) as replay:
        with connected(replay.url()) as client:
            client.ask("/api/v2/me")
            assert client.answer().json() == {"statusCode": 0}
            assert reference_id(client) != 17
        assert replay.stop(signal.SIGINT) == 0
        assert replay.stderr == ""
        assert replay.stdout[0] == f"listening on {replay.url()}"
        assert replay.stdout[-1] == "replay: everything asked for and delivered"
    written = json.loads(report.read_text(encoding="utf-8"))
    assert written["ok"]
    assert written["scenario"] == "the agent pulls a workitem"
    assert written["runs"][0]["answered"] == 2


def test_the_report_is_json_on_standard_output_and_junit_in_a_file(
    cassette: str, tmp_path: Path
) -> None:
    junit = tmp_path / "replay.xml"
    with cometape("replay", cassette, "--strict", "--json", "--junit", str(junit)) as replay:
        with connected(replay.url()) as client:
            client.ask("/api/v2/you")
            client.answer()
        assert replay.stop() == 1
        addresses, *rest = "\n".join(replay.stdout).partition("{")
    assert addresses.startswith("listening on")
    report = json.loads("".join(rest))
    assert [miss["reason"] for miss in report["misses"]] == ["no-match"]
    assert len(report["runs"][0]["unplayed"]) == 2
    suite = ElementTree.parse(junit).getroot()[0]
    assert (suite.attrib["tests"], suite.attrib["failures"]) == ("3", "3")
    assert suite.attrib["timestamp"].startswith("20")


def test_a_miss_is_told_at_once_and_fails_a_strict_replay(cassette: str) -> None:
    with cometape("replay", cassette, "--strict") as replay:
        with connected(replay.url()) as client:
            client.ask("/api/v2/you")
            answer = client.answer()
            assert answer.status == 599
            assert answer.json()["reason"] == "no-match"
            replay.until_told("miss (no-match): GET /api/v2/you")
        assert replay.stop() == 1
        assert "1 miss" in replay.stdout[-1]
        assert "never asked for" in "\n".join(replay.stdout)


@pytest.mark.parametrize(
    ("options", "ci", "code"),
    [((), "", 0), (("--strict",), "", 1), ((), "true", 1), (("--no-strict",), "true", 0)],
)
def test_leftovers_fail_a_strict_replay_which_ci_makes_of_any(
    cassette: str, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], ci: str, code: int
) -> None:
    monkeypatch.setenv("CI", ci)
    with cometape("replay", cassette, *options) as replay:
        replay.url()
        assert replay.stop() == code
        assert "2 recordings never asked for" in replay.stdout[-1]


def test_the_seed_decides_the_ids(cassette: str) -> None:
    seen = []
    for seed in ("0", "0", "1"):
        with (
            cometape("replay", cassette, "--seed", seed) as replay,
            connected(replay.url()) as client,
        ):
            seen.append(reference_id(client))
    assert seen[0] == seen[1] != seen[2]


@pytest.mark.parametrize(
    "option", [("--repeats",), ("--repeat", "POST /api/v2/me", "--repeat", "Pu*")]
)
def test_repeats_answer_again_with_other_ids(cassette: str, option: tuple[str, ...]) -> None:
    with (
        cometape("replay", cassette, *option, "--pace", "x100") as replay,
        connected(replay.url()) as client,
    ):
        assert len({reference_id(client) for _ in range(3)}) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("no-such.yaml",), 3, "there is no such file"),
        (("CASSETTE", "--pace", "fast"), 2, "'fast' is not a pace"),
        (("CASSETTE", "--profile", "workbin"), 4, "there is no profile 'workbin'"),
        (("CASSETTE", "--report", "no/such/folder/r.json"), 2, "--report: there is no folder"),
        (("CASSETTE", "--junit", "no/such/folder/r.xml"), 2, "--junit: there is no folder"),
        (("CASSETTE", "--dialect", "x"), 2, "is not one of"),
        (
            ("CASSETTE", "--repeat", "Pull", "--repeat", "Pul"),
            2,
            "is 'Pul'\n  Did you mean 'Pull'?",
        ),
        (
            ("CASSETTE", "--repeat", ""),
            2,
            "no operation of the cassette is ''\n  Its operations: P",
        ),
        (("CASSETTE", "--repeat", "GET /api/v2/me"), 2, "is 'GET /api/v2/me'"),
        (("CASSETTE", "--max-interval-s", "-1"), 2, "--max-interval-s"),
        ((), 2, "Missing argument 'FILE...'"),
    ],
)
def test_what_cannot_be_used_is_refused_at_the_start(
    cassette: str, arguments: tuple[str, ...], code: int, says: str
) -> None:
    done = cometape_once("replay", *(cassette if a == "CASSETTE" else a for a in arguments))
    assert done.returncode == code
    assert says in done.stderr
    assert done.stdout == ""


def test_a_port_in_use_is_named(cassette: str) -> None:
    with cometape("replay", cassette) as replay:
        port = replay.url().rpartition(":")[2]
        done = cometape_once("replay", cassette, "--port", port)
        assert done.returncode == 2
        assert f"port {port}" in done.stderr


def test_a_damaged_cassette_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("cassette: 1\n---\nexchange: one\n", encoding="utf-8")
    done = cometape_once("replay", str(path))
    assert done.returncode == 3
    assert f"{path}:" in done.stderr


def test_neither_mitmproxy_nor_rich_is_loaded() -> None:
    """They would take longer than the first answer may."""
    import subprocess
    import sys

    code = (
        "import sys, cometape.cli.replay;"
        "print([m for m in ('mitmproxy', 'rich', 'jinja2') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ.copy(),
    )
    assert done.stdout.strip() == "[]"


def test_dates_are_shifted_when_that_is_asked_for(tmp_path: Path) -> None:
    item = {"userData": {"SubmittedAt": "2026-03-01T08:15:00Z"}}
    script = Script(recorded_at="2026-03-01T09:15:00Z")
    script.ask("agent7", "GET", "/api/v2/me", None, item)
    path = tmp_path / "dated.yaml"
    save(script.cassette, path)
    for arguments, expected in (
        ([], "2026-03-01T08:15:00Z"),
        (["--dates", "2031-03-01T09:15:00Z"], "2031-03-01T08:15:00Z"),
    ):
        with cometape("replay", str(path), *arguments) as replay:
            with connected(replay.url()) as client:
                client.ask("/api/v2/me")
                assert client.answer().json()["userData"]["SubmittedAt"] == expected
            replay.stop(signal.SIGINT)
    with cometape("replay", str(path), "--dates", "now") as replay:
        with connected(replay.url()) as client:
            before = datetime.now(UTC) - timedelta(hours=1, seconds=2)
            client.ask("/api/v2/me")
            live = datetime.fromisoformat(client.answer().json()["userData"]["SubmittedAt"])
            assert before <= live <= datetime.now(UTC) - timedelta(minutes=59, seconds=58)
        replay.stop(signal.SIGINT)


def test_a_time_that_is_none_is_refused(cassette: str) -> None:
    done = cometape_once("replay", cassette, "--dates", "tomorrow")
    assert done.returncode == 2
    assert "2026-03-01T09:15:00Z" in done.stderr


def test_faults_of_the_command_line_and_of_a_file_befall_the_replay(
    cassette: str, tmp_path: Path
) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text("- {fault: status, code: 503, operation: Pull, nth: 1}\n")
    options = ("--no-strict", "--faults", str(file), "--fault", "lost channel=/nowhere")
    with cometape("replay", cassette, *options) as replay, connected(replay.url()) as client:
        client.ask(
            "/api/v2/me",
            method="POST",
            headers="Content-Type: application/json\r\n",
            body=b'{"operationName":"Pull"}',
        )
        assert client.answer().status == 503
        assert reference_id(client) != 17
        assert replay.stop() == 0
    told = "\n".join(replay.stdout)
    assert "status=503 operation=Pull nth=1: fired once" in told
    assert "lost channel=/nowhere: never fired; nothing came that it fits" in told


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read: No such file"),
        ("- lost\n- [", "is not YAML: line"),
        ("- &a lost\n- *a\n", "is not YAML: line 1"),
        ("lost", "it holds no list of faults"),
        ("- lost\n- lots\n", "number 2: there is no fault 'lots'"),
        ("--- []\n--- []\n", "has 2 documents"),
    ],
)
def test_a_file_of_faults_that_cannot_be_used_is_told_at_once(
    cassette: str, tmp_path: Path, content: str | None, says: str
) -> None:
    file = tmp_path / "faults.yaml"
    if content is not None:
        file.write_text(content)
    ended = cometape_once("replay", cassette, "--faults", str(file))
    assert ended.returncode == 2
    assert ended.stderr.startswith("cometape: --faults")
    assert str(file) in ended.stderr
    assert says in ended.stderr


@pytest.mark.parametrize("option", [(), ("--json",)])
def test_half_of_a_surrogate_pair_is_told_of_wherever_a_miss_is_told(
    cassette: str, tmp_path: Path, option: tuple[str, ...]
) -> None:
    """No encoding of text can hold it; JSON and a terminal get its escape."""
    half = "\\ud800"
    report, junit = tmp_path / "report.json", tmp_path / "replay.xml"
    files = ("--report", str(report), "--junit", str(junit), "--ready-file", f"{tmp_path}/ready")
    with cometape("replay", cassette, "--no-strict", *option, *files) as replay:
        with connected(replay.url()) as client:
            sent = b'{"operationName":"Pull","id":"%s"}' % half.encode()
            json_type = "Content-Type: application/json\r\n"
            client.ask("/api/v2/me", method="POST", headers=json_type, body=sent)
            answer = client.answer()
        assert answer.status == 599
        assert answer.json()["body"]["id"] == "\ud800"
        control = json.loads((tmp_path / "ready").read_text(encoding="utf-8"))["control"]
        for page in ("misses", "report", "journal"):
            with urlopen(f"{control}/runs/default/{page}", timeout=10) as told:
                assert page == "journal" or half in told.read().decode(), page
        assert replay.stop(signal.SIGINT) == 0
        assert half in replay.stderr
        assert half in "\n".join(replay.stdout)
    (miss,) = json.loads(report.read_text(encoding="utf-8"))["misses"]
    assert miss["body"]["id"] == "\ud800"
    (failure,) = ElementTree.parse(junit).iterfind(".//failure[@type='miss.body-differs']")
    assert half in str(failure.text)


def test_a_report_that_cannot_be_written_is_an_error_and_no_other_is_lost(
    cassette: str, tmp_path: Path
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    junit = tmp_path / "replay.xml"
    options = ("--report", str(folder / "report.json"), "--junit", str(junit))
    with cometape("replay", cassette, "--no-strict", *options) as replay:
        replay.url()
        folder.rmdir()
        assert replay.stop() == 2
        assert replay.stdout[-1] == "replay: 2 recordings never asked for"
        assert "cometape: --report: " in replay.stderr
        assert "cannot be written: No such file or directory" in replay.stderr
        assert "Traceback" not in replay.stderr
    assert ElementTree.parse(junit).getroot().tag == "testsuites"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that Linux has")
def test_a_report_for_which_there_is_no_space_is_an_error(cassette: str) -> None:
    full = ("--report", "/dev/full", "--junit", "/dev/full")
    with cometape("replay", cassette, "--no-strict", *full) as replay:
        replay.url()
        assert replay.stop() == 2
        assert replay.stderr.count("'/dev/full' cannot be written: No space left on device") == 2
