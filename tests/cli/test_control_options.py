"""`cometape replay` and its control API: addresses, tokens, many cassettes, files that change."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cometape.control_client import Control
from cometape.core.errors import CometapeError
from cometape.store.cassette_file import save
from control_talk import pull_script
from openapi_check import DESCRIPTION
from raw_agent import AGENT
from raw_client import connected
from running import Running, cometape, cometape_once

TOKEN = "a-token-of-some-length"


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    """A read that shows 17, an operation, an event."""
    path = tmp_path / "pull.yaml"
    save(pull_script().cassette, path)
    return path


def line(program: Running, start: str) -> str:
    """What follows `start` in the line of standard output that begins with it."""
    program.url()
    found = eventually(lambda: next((s for s in program.stdout if s.startswith(start)), None))
    return found.removeprefix(start)


def eventually(look: Callable[[], str | None], within_s: float = 20) -> str:
    """What `look` finds, as soon as it finds something."""
    give_up_s = time.monotonic() + within_s
    while time.monotonic() < give_up_s:
        if (found := look()) is not None:
            return found
        time.sleep(0.02)
    raise AssertionError("it never came")


@pytest.fixture
def replay(cassette: Path) -> Iterator[Running]:
    with cometape("replay", str(cassette), "--strict") as program:
        yield program


def seen(url: str) -> int:
    with connected(url) as client:
        number: int = client.get("/bins/A", headers=AGENT).json()["seen"]
        return number


def test_its_second_line_is_the_address_of_the_control_api(replay: Running) -> None:
    control = Control(line(replay, "control on "))
    assert control.existing().url == replay.url()
    assert replay.stdout[:2] == [f"listening on {replay.url()}", f"control on {control.url}"]


def test_there_is_no_control_api_where_none_is_wanted(cassette: Path) -> None:
    with cometape("replay", str(cassette), "--no-control") as program:
        assert seen(program.url()) == 17
        program.stop()
        assert not [text for text in program.stdout if "control" in text]


def test_the_run_of_the_command_line_decides_as_ever_while_nobody_makes_others(
    replay: Running,
) -> None:
    line(replay, "control on ")
    assert replay.stop() == 1
    assert replay.stdout[-1].startswith("replay: 2 recordings never asked for")


def test_where_tests_make_runs_nobody_need_have_come_to_the_one_of_the_command_line(
    replay: Running,
) -> None:
    control = Control(line(replay, "control on "))
    run = control.run("a", strict=False)
    assert seen(run.url) == 17
    run.delete()
    assert replay.stop() == 0


def test_a_strict_run_that_is_left_over_counts_in_the_end(replay: Running) -> None:
    control = Control(line(replay, "control on "))
    control.run("a")
    assert replay.stop() == 1
    assert "run 'a' of pull:" in replay.stdout


def test_several_cassettes_have_an_address_each(cassette: Path, tmp_path: Path) -> None:
    other = tmp_path / "transfer.yaml"
    save(pull_script(answer=18).cassette, other)
    with cometape("replay", str(cassette), str(other)) as program:
        url = line(program, "transfer on ")
        assert (seen(program.url()), seen(url)) == (17, 18)
        control = Control(line(program, "control on "))
        assert [run.name for run in control.runs()] == ["default", "transfer"]
        with control.run(cassette="transfer") as run:
            assert seen(run.url) == 18


def test_two_cassettes_of_one_name_are_refused(cassette: Path, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    other = tmp_path / "x" / "pull.yaml"
    other.write_bytes(cassette.read_bytes())
    done = cometape_once("replay", str(cassette), str(other))
    assert done.returncode == 2
    assert "another run is called 'pull' already" in done.stderr


def test_a_token_that_is_given_is_asked_for(
    cassette: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMETAPE_CONTROL_TOKEN", TOKEN)
    with cometape("replay", str(cassette)) as program:
        url = line(program, "control on ")
        with pytest.raises(CometapeError, match="asks for its token"):
            Control(url).runs()
        assert len(Control(url, token=TOKEN).runs()) == 1
        program.stop()
        assert TOKEN not in "\n".join([*program.stdout, program.stderr])


def test_elsewhere_than_on_loopback_a_token_is_made(cassette: Path) -> None:
    with cometape("replay", str(cassette), "--control-host", "0.0.0.0") as program:
        url = line(program, "control on ").replace("0.0.0.0", "127.0.0.1")
        token = line(program, "control token ")
        assert len(token) >= 32
        with pytest.raises(CometapeError, match="asks for its token"):
            Control(url).runs()
        assert len(Control(url, token=token).runs()) == 1


def test_a_token_that_can_be_guessed_is_refused(cassette: Path) -> None:
    done = cometape_once("replay", str(cassette), "--control-token", "secret")
    assert done.returncode == 2
    assert "too easily guessed" in done.stderr


def test_a_clock_that_nobody_could_advance_is_refused(cassette: Path) -> None:
    done = cometape_once("replay", str(cassette), "--pace", "manual", "--no-control")
    assert done.returncode == 2
    assert "nobody could advance the clock" in done.stderr


def test_a_ready_file_appears_whole_when_clients_can_connect(
    cassette: Path, tmp_path: Path
) -> None:
    file = tmp_path / "ready.json"
    with cometape("replay", str(cassette), "--ready-file", str(file)) as program:
        text = eventually(lambda: file.read_text() if file.exists() else None)
        ready = json.loads(text)
        assert ready["url"] == program.url() == ready["runs"]["default"]
        assert seen(ready["url"]) == 17
        assert Control(ready["control"]).existing().url == ready["url"]
    done = cometape_once("replay", str(cassette), "--ready-file", "no/such/folder/x.json")
    assert done.returncode == 2
    assert "--ready-file: there is no folder" in done.stderr


def test_the_description_is_printed() -> None:
    done = cometape_once("replay", "--openapi")
    assert done.returncode == 0
    assert json.loads(done.stdout) == DESCRIPTION


def listing(control: Control) -> Any:
    """The one cassette, as the API lists it."""
    found: Any = control.call("GET", "/cassettes")["cassettes"]
    return found[0]


def test_a_changed_cassette_that_the_run_cannot_be_played_with_changes_nothing(
    cassette: Path,
) -> None:
    good = cassette.read_text(encoding="utf-8")
    with cometape("replay", str(cassette), "--watch", "--dates", "now") as program:
        control = Control(line(program, "control on "))
        dateless = "".join(
            each for each in good.splitlines(keepends=True) if not each.startswith("recorded_at")
        )
        assert dateless != good
        cassette.write_text(dateless.replace("17", "18"), encoding="utf-8")
        eventually(
            lambda: "" if "its run goes on with the one of before" in program.stderr else None
        )
        listed = listing(control)
        assert "does not say when it was recorded" in listed["damage"]
        assert listed["version"] == 1
        assert seen(program.url()) == seen(control.run("a").url) == 17
        cassette.write_text(good.replace("17", "19"), encoding="utf-8")
        eventually(lambda: "" if "has changed: read again" in program.stderr else None)
        listed = listing(control)
        assert (listed["damage"], listed["version"]) == (None, 2)
        assert seen(program.url()) == 19


def test_each_address_that_cannot_be_had_is_told_with_its_own_options(cassette: Path) -> None:
    with cometape("replay", str(cassette), "--no-control") as program:
        port = program.url().rpartition(":")[2]
        for option in ("--port", "--control-port"):
            done = cometape_once("replay", str(cassette), option, port)
            assert done.returncode == 2
            assert f"port {port} on 127.0.0.1 is in use" in done.stderr
            assert f"choose another port with {option}, or" in done.stderr
    for option in ("--host", "--control-host"):
        # Of a block for documentation (RFC 5737), which no machine has.
        done = cometape_once("replay", str(cassette), option, "203.0.113.9")
        assert done.returncode == 2
        assert "'203.0.113.9' is not an address of this machine" in done.stderr
        assert f"give {option} an address" in done.stderr


@pytest.mark.parametrize("size", [0, 400_000], ids=["small", "large enough for an index"])
def test_a_cassette_that_changes_is_read_again_and_a_damaged_one_is_not(
    cassette: Path, size: int
) -> None:
    script = pull_script()
    script.ask("agent7", "GET", "/padding", None, {"x": "x" * size})
    save(script.cassette, cassette, overwrite=True)
    with cometape("replay", str(cassette), "--watch") as program:
        control = Control(line(program, "control on "))
        made = control.run("a")
        assert (seen(program.url()), seen(made.url)) == (17, 17)

        def told(text: str) -> None:
            eventually(lambda: text if text in program.stderr else None)

        good = cassette.read_text(encoding="utf-8")
        cassette.write_text(good.replace("exchange: 3", "exchange: three"), encoding="utf-8")
        told("cannot be used; the one of before stays")
        told(f"{cassette}:")
        assert seen(program.url()) == 17
        assert "exchange" in str(control.call("GET", "/cassettes")["cassettes"])
        cassette.write_text(good.replace("17", "18"), encoding="utf-8")
        told("has changed: read again, 6 entries")
        assert seen(program.url()) == 18
        assert seen(made.url) == 17
        made.reset()
        assert seen(made.url) == 18
