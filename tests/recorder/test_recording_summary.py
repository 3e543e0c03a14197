"""What is said when a recording is over."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from cometape.core.record.closing_warnings import RecordingWarning
from cometape.recorder.recording_summary import Summary
from cometape.server.listener import BackgroundServer
from odd_origin import Caller, odd_origin
from raw_client import connected
from running import cometape
from tiny_service import TinyService

LATE = RecordingWarning(
    kind="no-event", what="the event of Pull never came", times=2, entries=(7, 9)
)
CUT = RecordingWarning(
    kind="cut-off", what="an exchange without a whole answer: server closed", entries=(4,)
)


def test_warnings_stand_at_the_end() -> None:
    lines = Summary(out=Path("x.yaml"), warnings=(LATE,)).render().splitlines()
    assert lines[-3:] == [
        "  warnings          1",
        "    2 times: the event of Pull never came (entries 7, 9)",
        "      a client that waits for it waits for ever; record on until it is there",
    ]


def test_without_warnings_nothing_is_said_of_them() -> None:
    assert "warnings" not in Summary(out=Path("x.yaml")).render()


def test_what_a_warning_says_with_its_entries_is_not_said_twice() -> None:
    problems = {CUT.what: 1, "something else": 2}
    text = Summary(out=Path("x.yaml"), problems=problems, warnings=(CUT,)).render()
    assert text.count(CUT.what) == 1
    assert f"    {CUT.what} (entry 4)" in text
    assert "  problems          2\n    2 times: something else\n" in text


def test_names_cannot_play_tricks_with_the_terminal() -> None:
    assert "\x1b" not in Summary(out=Path("x.yaml"), sessions=("a\x1b[2J",)).render()


def test_machines_get_all_of_it() -> None:
    summary = Summary(
        out=Path("x.yaml"),
        exchanges=3,
        sessions=("agent7",),
        bayeux=2,
        events=5,
        caused=4,
        secrets=6,
        skipped={"idle polls": 1},
        problems={"oh": 1},
        warnings=(LATE,),
    )
    assert json.loads(json.dumps(summary.as_json())) == {
        "cassette": "x.yaml",
        "exchanges": 3,
        "sessions": ["agent7"],
        "bayeux_entries": 2,
        "events": 5,
        "caused": 4,
        "secrets_replaced": 6,
        "left_out": {"idle polls": 1},
        "problems": {"oh": 1},
        "warnings": [
            {
                "kind": "no-event",
                "what": "the event of Pull never came",
                "times": 2,
                "entries": [7, 9],
            }
        ],
    }


@pytest.fixture(autouse=True)
def home(confdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(confdir))


def test_the_last_line_is_json_where_that_is_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "x.yaml"

    def hang_up(caller: Caller) -> None:
        caller.request()

    with (
        odd_origin(hang_up) as upstream,
        cometape("record", upstream, "-o", str(out), "--json") as recorder,
    ):
        with connected(recorder.url()) as client:
            client.ask("/a")
            assert client.rest() == b""
        assert recorder.stop(signal.SIGINT) == 0
        first, last = recorder.stdout
        assert recorder.stderr == ""
    assert first.startswith("listening on ")
    said = json.loads(last)
    assert (said["cassette"], said["exchanges"]) == (str(out), 1)
    (warning,) = said["warnings"]
    assert (warning["kind"], warning["entries"]) == ("cut-off", [1])


@pytest.mark.parametrize(("options", "lines"), [(["--quiet"], 1), (["--quiet", "--json"], 2)])
def test_quiet_leaves_the_first_line_and_what_was_asked_for(
    tmp_path: Path, options: list[str], lines: int
) -> None:
    with (
        BackgroundServer(TinyService()) as origin,
        cometape("record", origin.url, "-o", str(tmp_path / "x.yaml"), *options) as recorder,
    ):
        with connected(recorder.url()) as client:
            assert client.get("/a").status == 200
        assert recorder.stop(signal.SIGINT) == 0
        assert len(recorder.stdout) == lines
        assert recorder.stderr == ""


def test_without_a_terminal_there_is_no_table(tmp_path: Path) -> None:
    with (
        BackgroundServer(TinyService()) as origin,
        cometape("record", origin.url, "-o", str(tmp_path / "x.yaml")) as recorder,
    ):
        with connected(recorder.url()) as client:
            assert client.get("/a").status == 200
        assert recorder.stop() == 0
        assert recorder.stderr == ""
        text = "\n".join(recorder.stdout)
    assert "\x1b" not in text
    assert "Ctrl-C" not in text
