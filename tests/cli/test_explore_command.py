"""`cometape explore`: it finds the race of a real client, names it, and meets it again."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from running import COMETAPE, cometape, cometape_once
from terminal import terminal

ROOT = Path(__file__).parents[2]
CASSETTE = str(ROOT / "cassettes" / "pull_workitem.yaml")
RACE = (sys.executable, str(ROOT / "docs" / "examples" / "race.py"))
PAGE = (ROOT / "docs" / "explore.md").read_text(encoding="utf-8")
BREAKS = "11-before-10"


LOOK = (
    "import urllib.request as u, os\n"
    "u.urlopen(os.environ['COMETAPE_URL'] + '/api/v2/me?subresources=*').read()"
)
SLEEPER = f"{LOOK}\nimport time; time.sleep(60)"


def explored(*arguments: str) -> subprocess.CompletedProcess[str]:
    return cometape_once("explore", CASSETTE, *arguments, within_s=300)


def names(told: str) -> list[str]:
    return re.findall(r"^ +\d+  (\S+)", told, re.MULTILINE)


def test_a_desk_with_a_race_passes_as_recorded_and_is_caught() -> None:
    ended = explored("--", *RACE)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert names(ended.stdout) == ["recorded", "7-before-5", "8-before-6", BREAKS]
    assert f"broken by {BREAKS}: exit code 1" in ended.stdout
    assert "PullWorkitem: 1 of 2 events came in" in ended.stdout
    assert f"--only {BREAKS} -- " in ended.stdout
    assert f"--order {BREAKS}" in ended.stdout
    assert "4 orders: 3 passed, 1 broke" in ended.stdout


def test_the_named_order_breaks_it_ten_times_of_ten() -> None:
    again = ("--only", BREAKS, "--json", "--", *RACE)
    with ThreadPoolExecutor(5) as pool:
        tries = list(pool.map(lambda _: explored(*again), range(10)))
    for ended in tries:
        assert ended.returncode == 1
        found = json.loads(ended.stdout)
        assert found["broken"] == BREAKS
        assert found["orders"][0]["unrealised"] == []


def test_a_plain_replay_in_that_order_breaks_it_too_and_without_it_does_not() -> None:
    for options, code in (((), 0), (("--order", BREAKS), 1)):
        with cometape("replay", CASSETTE, *options) as replay:
            environment = {**os.environ, "COMETAPE_URL": replay.url()}
            ended = subprocess.run(RACE, env=environment, capture_output=True, check=False)
            assert ended.returncode == code, ended.stderr


def test_the_mended_desk_passes_every_order() -> None:
    ended = explored("--max", "40", "--jobs", "2", "--json", "--", *RACE, "--mended")
    assert ended.returncode == 0, ended.stdout
    found = json.loads(ended.stdout)
    assert found["ended"] == "max"
    assert len(found["orders"]) == 40
    realised = [one["order"] for one in found["orders"] if not one["unrealised"]]
    assert BREAKS in realised
    unmet = [one["order"] for one in found["orders"] if one["unrealised"]]
    assert unmet, "this desk waits for both events of a pull before it looks"
    assert unmet[0] == "13-before-12"
    assert found["skipped"] > 0


def test_all_goes_on_after_an_order_that_breaks() -> None:
    ended = explored("--max", "6", "--all", "--", *RACE)
    assert ended.returncode == 1
    assert len(names(ended.stdout)) == 6
    assert "4 passed, 2 broke" in ended.stdout


def test_where_the_recorded_order_breaks_there_is_nothing_to_explore() -> None:
    script = "import urllib.request as u, os; u.urlopen(os.environ['COMETAPE_URL'] + '/nowhere')"
    ended = explored("--all", "--", sys.executable, "-c", script)
    assert ended.returncode == 1
    assert names(ended.stdout) == ["recorded"]
    assert "the order is the recorded one: mend that first" in ended.stdout


def test_a_command_that_leaves_the_cassette_unplayed_is_broken_unless_it_may() -> None:
    ended = explored("--max", "3", "--", sys.executable, "-c", LOOK)
    assert ended.returncode == 1
    assert "recordings never asked for" in ended.stdout
    ended = explored("--max", "3", "--no-strict", "--", sys.executable, "-c", LOOK)
    assert ended.returncode == 0, ended.stdout


def test_a_command_that_hangs_is_ended_and_broken() -> None:
    ended = explored("--command-limit", "1", "--", sys.executable, "-c", SLEEPER)
    assert ended.returncode == 1
    assert "recorded: did not end in 1 s" in ended.stdout


def test_a_command_that_does_not_end_when_it_is_asked_to_is_told_by_its_limit() -> None:
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SLEEPER
    ended = explored("--command-limit", "1", "--", sys.executable, "-c", stubborn)
    assert ended.returncode == 1
    assert "recorded: did not end in 1 s" in ended.stdout


@pytest.mark.parametrize("stubborn", ["", "import signal; signal.signal(15, signal.SIG_IGN)"])
def test_what_a_command_leaves_running_is_ended_with_it(tmp_path: Path, stubborn: str) -> None:
    """Also what does not end when it is asked to. It is awaited until it would not hear."""
    here = tmp_path / "here"
    script = f"{stubborn}\nopen({str(here)!r}, 'w').close()\nimport time; time.sleep(60)"
    (tmp_path / "left.py").write_text(
        f"import os, subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', {script!r}])\n"
        f"while not os.path.exists({str(here)!r}): time.sleep(0.01)\n{LOOK}"
    )
    ended = explored("--no-strict", "--max", "1", "--", sys.executable, str(tmp_path / "left.py"))
    assert ended.returncode == 0, ended.stdout
    give_up_s = time.monotonic() + 10
    while _running(script) and time.monotonic() < give_up_s:
        time.sleep(0.05)
    assert not _running(script)


def test_a_time_limit_ends_the_search() -> None:
    ended = explored("--time-limit", "0.01", "--", *RACE)
    assert ended.returncode == 0
    assert "explore: 1 order: 1 passed; there are more: --time-limit" in ended.stdout


def test_on_a_terminal_it_tells_how_far_it_has_come() -> None:
    command = (COMETAPE, "explore", CASSETTE, "--max", "3", "--", *RACE, "--mended")
    with terminal(*command, columns=160) as shown:
        assert shown.end(60) == 0, shown.text
    assert "1 of at most 3: recorded: passed" in shown.text
    assert "3 of at most 3: 8-before-6: passed" in shown.text
    assert shown.screen[-2].endswith("explore: 3 orders: 3 passed; there are more: --max")


def test_a_command_that_breaks_down_before_it_asks_anything_is_shown_with_what_it_printed() -> None:
    ended = explored("--", sys.executable, "-c", "import sys; print('no such desk'); sys.exit(3)")
    assert ended.returncode == 2
    assert "asked nothing of the replay (exit code 3)" in ended.stderr
    assert "no such desk" in ended.stderr
    assert "It has to pass without exploration first." in ended.stderr


def test_a_command_that_asks_nothing_in_a_later_order_is_broken_by_it() -> None:
    script = (
        "import os, runpy, sys\n"
        "if os.environ['COMETAPE_ORDER'] != '7-before-5':\n"
        f"    sys.argv = {[*RACE[1:], '--mended']!r}\n"
        "    runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    ended = explored("--no-strict", "--", sys.executable, "-c", script)
    assert ended.returncode == 1, ended.stderr
    assert "broken by 7-before-5: it asked nothing of the replay" in ended.stdout


def test_a_command_that_a_signal_ends_is_told_by_the_signal_s_name() -> None:
    script = SLEEPER.replace("time.sleep(60)", "os.abort()")
    ended = explored("--", sys.executable, "-c", script)
    assert ended.returncode == 1
    assert "broken by recorded: exit code 134 (SIGABRT)" in ended.stdout


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_what_it_has_started(how: signal.Signals) -> None:
    script = f"# {uuid4()}: told from those of other tests on this machine\n{SLEEPER}"
    command = (COMETAPE, "explore", CASSETTE, "--", sys.executable, "-c", script)
    with terminal(*command, columns=160) as shown:
        give_up_s = time.monotonic() + 20
        while not (children := _running(script)) and time.monotonic() < give_up_s:
            time.sleep(0.05)
        assert children
        if how is signal.SIGINT:
            shown.press(b"\x03")  # Ctrl-C
        else:
            os.kill(shown.pid, how)
        assert shown.end(20) == 130, shown.text
    assert "explore: 0 orders: none tried; interrupted" in shown.text
    assert not _running(script)


def _running(script: str) -> list[int]:
    """Processes of this machine that run a script."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_bytes().split(b"\0")
            if words[1:3] == [b"-c", script.encode()]:
                found.append(int(path.parent.name))
    return found


def test_the_list_names_the_orders_that_are_tried() -> None:
    ended = explored("--list", "--max", "4")
    assert ended.returncode == 0
    assert [line.split()[0] for line in ended.stdout.splitlines()] == [
        "recorded",
        "7-before-5",
        "8-before-6",
        BREAKS,
    ]


def test_the_list_is_json_where_that_is_asked_for() -> None:
    found = json.loads(explored("--list", "--json", "--max", "4").stdout)
    assert [one["order"] for one in found["orders"]] == [
        "recorded",
        "7-before-5",
        "8-before-6",
        BREAKS,
    ]
    assert found["orders"][3]["what"].startswith("event 11 (WorkbinStateChangeMessage on ")
    assert found["ended"] == "max"
    found = json.loads(explored("--list", "--json", "--only", BREAKS).stdout)
    assert [one["order"] for one in found["orders"]] == [BREAKS]
    assert found["ended"] == "all"


def test_the_lines_it_prints_play_the_same_failure_with_the_options_that_were_given(
    tmp_path: Path,
) -> None:
    """The race is one only with the fault, which loses the other event: typed again, it is met."""
    faults = tmp_path / "my faults.yaml"
    faults.write_text("- lost entry=12 times=1\n")
    options = ["--faults", str(faults), "--fault", "delay=1ms operation=Pull*", "--seed", "7"]
    options += ["--patience", "0.4", "--no-strict", "--command-limit", "50"]
    options += ["--profile", "workbins"]
    ended = explored("--only", "8-before-6", *options, "--", *RACE)
    assert ended.returncode == 1, ended.stderr
    told = "PullWorkitem: 1 of 2 events came in"
    assert told in ended.stdout
    again, served = re.findall(r"^  (?:again|served): +cometape (.*)$", ended.stdout, re.MULTILINE)
    repeated = cometape_once(*shlex.split(again))
    assert repeated.returncode == 1
    assert told in repeated.stdout
    assert again in repeated.stdout
    assert "--command-limit" not in served
    with cometape(*shlex.split(served)) as replay:
        environment = {**os.environ, "COMETAPE_URL": replay.url()}
        desk = subprocess.run(RACE, env=environment, capture_output=True, text=True, check=False)
        assert told in desk.stdout + desk.stderr
        replay.stop()
        assert "lost entry=12 times=1: fired once" in "\n".join(replay.stdout)


def test_the_lines_name_no_option_that_was_not_given() -> None:
    ended = explored("--only", BREAKS, "--", *RACE)
    assert f"  served: cometape replay {CASSETTE} --order {BREAKS}\n" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ((), 2, "there is no command to run"),
        (("--", "no-such-command"), 127, "there is no command 'no-such-command'"),
        (("--only", "3-before-1", "--", "true"), 2, "is no order of this cassette"),
        (("--", "true"), 2, "true asked nothing of the replay"),
        (("--fault", "lots", "--", "true"), 2, "there is no fault 'lots'"),
        (("--command-limit", "nan", "--", "true"), 2, "nan is no number of seconds"),
        (("--patience", "inf", "--", "true"), 2, "inf is not in the range 0<x<=86400"),
    ],
)
def test_what_cannot_be_explored_is_told(arguments: tuple[str, ...], code: int, told: str) -> None:
    ended = explored(*arguments)
    assert ended.returncode == code, ended.stdout
    assert told in ended.stderr


def test_the_page_names_every_option_and_shows_what_is_printed() -> None:
    from cometape.cli.explore import command

    options = {option for one in command.params for option in one.opts if option.startswith("--")}
    assert {one for one in options if not re.search(rf"{one}\b", PAGE)} == set()
    assert names(PAGE) == ["recorded", "7-before-5", "8-before-6", BREAKS]
