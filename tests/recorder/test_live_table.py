"""The table on the terminal while a recording runs, drawn into a string and on a real one."""

from __future__ import annotations

import base64
import re
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from cometape.core.record.awaited_events import Waiting
from cometape.core.record.live_tally import READS, LiveView, OperationRow
from cometape.recorder.live_table import Screen, drawn
from cometape.server.listener import BackgroundServer
from cometape.simulator import Workbins, WorkbinsConfig
from cometape.store import cassette_file
from odd_origin import Caller, odd_origin
from raw_client import connected
from running import COMETAPE
from terminal import Terminal, terminal

PULL = Waiting(
    number=10, session="agent7", name="PullWorkitem", since_s=38.0, ids=(("reference-id", 17),)
)
VIEW = LiveView(
    operations=(
        OperationRow(name="StartContactCenterSession", times=1, events=1),
        OperationRow(name="PullWorkitem", times=3, events=4, waiting=1, failed=1),
        OperationRow(name="POST /api/v2/me/workitems/…/a-rather-long-path/that/goes/on", times=2),
    ),
    reads=OperationRow(name=READS, times=12),
    exchanges=18,
    sessions=2,
    subscriptions=2,
    events=6,
    matched=5,
    waiting=(PULL,),
    waiting_total=3,
    unanswered=1,
    unanswered_s=4.0,
    secrets=31,
    problems=(("upstream failed", 2),),
)


def screen(view: LiveView) -> Screen:
    return Screen(url="http://127.0.0.1:41234", out="pull.yaml", elapsed_s=42, view=view)


def render(view: LiveView, width: int, height: int = 40) -> list[str]:
    console = Console(file=StringIO(), width=width, height=height, highlight=False, markup=False)
    with console.capture() as captured:
        console.print(drawn(screen(view), height=height))
    return [line.rstrip() for line in captured.get().splitlines()]


def test_it_shows_what_has_happened_in_80_columns() -> None:
    assert render(VIEW, 80) == [
        "recording 0:42 · http://127.0.0.1:41234 · pull.yaml",
        "",
        "operation                                       times   failed   events  awaited",
        "─" * 80,
        "StartContactCenterSession                           1        -        1        -",
        "PullWorkitem                                        3        1        4        1",
        "POST /api/v2/me/workitems/…/a-rather-long-p…        2        -        -        -",
        "reads                                              12        -        -        -",
        "",
        "2 sessions · 2 subscriptions · 18 exchanges",
        "6 events, 5 matched · 31 secrets replaced",
        "no answer yet: 1 request, the oldest for 4 s",
        "no event yet: 10 PullWorkitem of agent7 4 s and 2 more",
        "problems: 2",
        "  2 times: upstream failed",
        "Ctrl-C ends the recording",
    ]


def test_it_uses_120_columns() -> None:
    lines = render(VIEW, 120)
    assert "POST /api/v2/me/workitems/…/a-rather-long-path/that/goes/on" in "\n".join(lines)
    assert all(len(line) <= 120 for line in lines)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_it_stays_within_a_small_terminal(width: int) -> None:
    rows = tuple(OperationRow(name=f"Operation{n}", times=n) for n in range(60))
    problems = tuple((f"problem {n} " + "x" * 100, 1) for n in range(60))
    view = LiveView(operations=rows, reads=VIEW.reads, waiting_total=9, problems=problems)
    lines = render(view, width, height=24)
    assert len(lines) <= 24
    assert all(len(line) <= width for line in lines)
    text = "\n".join(lines)
    assert width < 60 or re.search(r"… and 5\d other kinds +\d+", text)
    assert "problem 59" in text


def test_before_anything_has_come_there_is_no_table() -> None:
    assert render(LiveView(), 80) == [
        "recording 0:42 · http://127.0.0.1:41234 · pull.yaml",
        "",
        "0 sessions · 0 subscriptions · 0 exchanges",
        "0 events · 0 secrets replaced",
        "Ctrl-C ends the recording",
    ]


def test_names_cannot_play_tricks_with_the_terminal() -> None:
    view = LiveView(
        operations=(OperationRow(name="\x1b]0;pwned\x07[red]Pull[/red]", times=1),),
        problems=(("\x1b[2J", 1),),
    )
    text = "\n".join(render(view, 80))
    assert "\x1b" not in text
    assert "[red]Pull[/red]" in text


# -- on a terminal ---------------------------------------------------------------------------------

ITEM = "02F0XAMPLE00001A"
BIN = "/api/v2/workbins/9c1d5f7a-2e64-4a0b-8f3c-71d2e0b4a522"
PASSWORD = "agent7-password"
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"


@pytest.fixture(autouse=True)
def home(confdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(confdir))


def url_of(program: Terminal) -> str:
    """The address of its first line."""
    program.until(lambda seen: "\n" in seen.text)
    first = program.text.splitlines()[0]
    assert first.startswith("listening on "), program.text
    return first.removeprefix("listening on ")


def pull_a_workitem(url: str) -> None:
    basic = base64.b64encode(f"agent7:{PASSWORD}".encode()).decode()
    headers = f"Authorization: Basic {basic}\r\nContent-Type: application/json\r\n"
    body = f'{{"operationName":"PullWorkitem","id":"{ITEM}"}}'.encode()
    with connected(url) as client:
        client.ask(BIN, method="POST", headers=headers, body=body)
        assert client.answer().status == 200


def test_a_recording_on_a_terminal_shows_its_table_and_leaves_the_summary(tmp_path: Path) -> None:
    out = tmp_path / "pull.yaml"
    with (
        BackgroundServer(Workbins(WorkbinsConfig())) as live,
        terminal(COMETAPE, "record", live.url, "-o", str(out)) as program,
    ):
        url = url_of(program)
        program.until_says("0 exchanges")
        pull_a_workitem(url)
        program.until_says("no event yet: 1 PullWorkitem of agent7")
        program.until(lambda seen: seen.screen[-1] == "Ctrl-C ends the recording")
        table = "\n".join(program.screen)
        assert re.search(r"PullWorkitem +1 +- +- +1", table)
        assert program.written.count(HIDE) == 1
        assert SHOW not in program.written
        program.press(b"\x03")
        assert program.end() == 0
        seen = program.screen
        written = program.written
    assert written.rindex(SHOW) > written.rindex(HIDE)
    assert seen[0].startswith("listening on ")
    assert seen[1] == f"recorded {out}"  # nothing is left of the table
    assert "  warnings          2" in seen
    told = r"    the event of PullWorkitem never came: reference-id \d+ \(entry 1\)"
    assert any(re.fullmatch(told, line) for line in seen)
    assert len(cassette_file.load(out).entries) == 1
    for secret in (PASSWORD, base64.b64encode(f"agent7:{PASSWORD}".encode()).decode()[:20]):
        assert secret not in written


def test_what_goes_wrong_is_told_above_the_table(tmp_path: Path) -> None:
    def hang_up(caller: Caller) -> None:
        caller.request()
        caller.send(b"nonsense\r\n\r\n")

    with (
        odd_origin(hang_up) as upstream,
        terminal(COMETAPE, "record", upstream, "-o", str(tmp_path / "x.yaml")) as program,
    ):
        url = url_of(program)
        program.until_says("0 exchanges")
        with connected(url) as client:
            assert client.get("/a").status == 502
        program.until_says("problems: 1")
        program.until(lambda seen: seen.screen[-1] == "Ctrl-C ends the recording")
        assert "an exchange without a whole answer" in "\n".join(program.screen)
        program.press(b"\x03")
        assert program.end() == 0
        assert program.screen.count(f"recorded {tmp_path / 'x.yaml'}") == 1


@pytest.mark.parametrize(
    ("options", "kind"), [(["--quiet"], "xterm"), ([], "dumb")], ids=["quiet", "dumb"]
)
def test_it_can_be_done_without_a_table(tmp_path: Path, options: list[str], kind: str) -> None:
    out = tmp_path / "x.yaml"
    command = (COMETAPE, "record", "http://127.0.0.1:9", "-o", str(out), *options)
    with terminal(*command, TERM=kind) as program:
        url_of(program)
        program.press(b"\x03")
        assert program.end() == 0
        assert "\x1b" not in program.written
        lines = program.text.splitlines()
    assert (len(lines) > 3) is not bool(options)
