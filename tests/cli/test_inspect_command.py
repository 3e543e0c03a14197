"""`cometape inspect` and `cometape show`, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cometape.cli import main
from cometape.core.cassette import Cassette, Subscribe
from cometape.store.cassette_file import save
from two_sessions import TWO_SESSIONS

CASSETTES = sorted((Path(__file__).parents[2] / "cassettes").glob("**/*.yaml"))


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "two.yaml"
    save(TWO_SESSIONS, path)
    return str(path)


def cometape(*arguments: str) -> Result:
    """Run a command in this process, 120 columns wide."""
    return CliRunner(env={"COLUMNS": "120"}).invoke(main, arguments)


def test_inspect_shows_sessions_operations_and_problems(file: str) -> None:
    done = cometape("inspect", file)
    assert done.exit_code == 0
    for words in (
        "a supervisor pulls from an agent's workbin",
        "/secret refused: 403:/secret:denied",
        "8 +16 ms /v2/me/workbins to agent Gone",
        "Add was answered with reference-id 14, and no event came",
    ):
        assert words in done.output


def test_a_clean_recording_has_no_problems_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "clean.yaml"
    entry = Subscribe(number=1, session="main", channel="/a")
    save(Cassette(TWO_SESSIONS.header, (entry,)), path)
    done = cometape("inspect", str(path), "--strict")
    assert done.exit_code == 0
    assert "No problems" in done.output


def test_inspect_strict_ends_with_1_when_there_are_problems(file: str) -> None:
    assert cometape("inspect", file, "--strict").exit_code == 1


def test_of_long_tables_the_first_rows_are_shown(file: str) -> None:
    shown = cometape("inspect", file, "--rows", "2").output
    assert "… and 4 more: --rows N shows N, --json all" in shown  # of six problems
    assert "Add was answered with reference-id 14, and no event came" in shown
    assert "not-subscribed" not in shown
    assert "more:" not in cometape("inspect", file, "--rows", "6").output


def test_inspect_draws_a_timeline(file: str) -> None:
    done = cometape("inspect", file, "--timeline")
    assert done.exit_code == 0
    assert "┌───● 7 PullWorkitem" in done.output


def test_inspect_speaks_json(file: str) -> None:
    done = cometape("inspect", file, "--json")
    found = json.loads(done.output)
    assert (found["inspect"], found["file"], found["entries"]) == (1, file, 21)
    assert found["problems"][0]["entry"] == 6


def test_a_timeline_in_json_is_refused(file: str) -> None:
    done = cometape("inspect", file, "--timeline", "--json")
    assert done.exit_code == 2
    assert "exclude each other" in done.output


def test_show_prints_the_entry_as_it_stands_in_the_file_with_its_links(file: str) -> None:
    done = cometape("show", file, "7")
    assert done.exit_code == 0
    assert done.output.startswith("exchange: 7\nsession: supervisor\nat_s: 1.204\n")
    assert (
        "effect    8 event of agent: /v2/me/workbins Gone (16 ms after the answer)" in done.output
    )
    assert "previous  3 subscribe of supervisor" in done.output


def test_show_tells_what_is_spontaneous(file: str) -> None:
    assert "cause     spontaneous" in cometape("show", file, "13").output


def test_show_speaks_json(file: str) -> None:
    found = json.loads(cometape("show", file, "10", "--json").output)
    assert found["entry"]["event"] == 10
    assert found["cause"]["number"] == 7


def test_an_entry_that_is_not_there_is_a_mistake_of_the_caller(file: str) -> None:
    done = cometape("show", file, "70")
    assert done.exit_code == 2
    assert "has no entry 70" in done.output
    assert "Its entries are 1 to 22; did you mean 7?" in done.output


@pytest.mark.parametrize("command", [["inspect"], ["show"]])
def test_a_file_that_is_cut_off_is_refused_and_shown_on_request(
    file: str, command: list[str]
) -> None:
    path = Path(file)
    path.write_bytes(path.read_bytes()[:-20])
    entry = ["7"] if command == ["show"] else []
    refused = cometape(*command, file, *entry)
    assert refused.exit_code == 3
    assert "20 whole entries stand before it" in refused.output
    assert cometape(*command, file, *entry, "--recover").exit_code == 0


def test_a_cause_that_cannot_be_is_told_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    event = "channel: /a\ndata: 1\n"
    path.write_text(
        f"cassette: 1\n---\nevent: 1\ncause: 2\n{event}---\nevent: 2\ncause: 1\n{event}"
    )
    done = cometape("inspect", str(path))
    assert done.exit_code == 3
    assert f"{path} (entry 1)" in done.output
    assert "1 by 2, 2 by 1" in done.output


def test_a_profile_that_is_not_there_ends_with_4(file: str) -> None:
    assert cometape("inspect", file, "--profile", "nonesuch").exit_code == 4


@pytest.mark.parametrize("path", CASSETTES, ids=lambda path: path.name)
def test_a_golden_cassette_has_no_problems(path: Path) -> None:
    done = cometape("inspect", str(path), "--strict")
    assert done.exit_code == 0, done.output


def test_an_entry_is_shown_with_all_its_causes(tmp_path: Path) -> None:
    path = tmp_path / "chain.yaml"
    documents = ["cassette: 1"]
    documents += [
        f"event: {number}\ncause: {number - 1 or 'spontaneous'}\nchannel: /a\ndata: {{n: {number}}}"
        for number in (1, 2, 3)
    ]
    path.write_text("\n---\n".join(documents) + "\n")
    shown = cometape("show", str(path), "3").output
    assert "cause     2 event of main: /a" in shown
    assert "  by      1 event of main: /a" in shown
    assert "effect    2 event of main: /a" in cometape("show", str(path), "1").output
    found = json.loads(cometape("show", str(path), "3", "--json").output)
    assert [link["number"] for link in found["earlier_causes"]] == [1]
    assert "← 2" in cometape("inspect", str(path), "--timeline").output
