"""`cometape identities`, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from click.testing import CliRunner, Result

from cometape.cli import main
from cometape.profiles import load_profile, profile_finder
from cometape.store.playbook_file import open_playbook

CASSETTES = Path(__file__).parents[2] / "cassettes"
PULL = str(CASSETTES / "pull_workitem.yaml")


def cometape(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "120"}).invoke(main, ["identities", *arguments])


def test_it_shows_what_is_known_and_where_each_value_leads() -> None:
    done = cometape(PULL)
    assert done.exit_code == 0
    for words in ("reference-id", "12: 10 → 11 → 12", "response.json referenceId (3)", "agent7"):
        assert words in done.output
    assert "Nothing to propose" in done.output


def test_it_looks_at_the_first_entries_and_says_so() -> None:
    shown = cometape(PULL, "--entries", "11").output
    assert "Of the first 11 of" in shown
    assert "12: 10 → 11 → 12" not in shown
    found = json.loads(cometape(PULL, "--entries", "11", "--json").output)
    assert found["looked_at"] == 11 < found["entries"]
    assert "Of the first" not in cometape(PULL).output


def test_it_proposes_with_evidence_and_prints_a_profile() -> None:
    done = cometape(PULL, "--profile", "bayeux")
    assert done.exit_code == 0
    for words in ("12: 10 → 11, 12", "it rises: 11, 12, 13", "the cookie JSESSIONID is set by"):
        assert words in done.output
    written = yaml.safe_load(done.output[done.output.index("profile: bayeux-more") :])
    assert written["identities"]["reference-id"]["issued"] == ["response.json referenceId"]


def test_it_writes_the_profile_which_can_be_used(tmp_path: Path) -> None:
    path = tmp_path / "desk.yaml"
    done = cometape(PULL, "--profile", "bayeux", "--profile-out", str(path))
    assert done.exit_code == 0
    profile = load_profile(str(path))
    assert profile.name == "desk"
    assert profile.kind("reference-id") is not None
    assert profile.session_cookies[0] == "JSESSIONID"
    again = cometape(PULL, "--profile", str(path))
    assert "Nothing to propose" in again.output
    playbook = open_playbook(PULL, profile_finder(PULL, str(path)))
    assert "/api/v2/notifications" in playbook.bayeux_paths, "where its client was recorded"


def test_a_file_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "desk.yaml"
    path.write_text("mine")
    done = cometape(PULL, "--profile", "bayeux", "--profile-out", str(path))
    assert done.exit_code == 2
    assert "does not exist" in done.output
    assert path.read_text() == "mine"


def test_it_extends_the_file_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("profile: mine\nextends: bayeux\nsession_cookies: [JSESSIONID]\n")
    found = json.loads(cometape(PULL, "--profile", str(path), "--json").output)
    assert found["snippet"]["extends"] == str(path)
    assert "session_cookies" not in found["snippet"]


def test_it_speaks_json() -> None:
    found = json.loads(cometape(PULL, "--profile", "bayeux", "--json").output)
    assert found["identities"] == 1
    assert [one["kind"] for one in found["known"]] == ["client-id"]
    reference_id = next(one for one in found["proposed"] if one["name"] == "reference-id")
    assert reference_id["form"] == "integer"
    assert reference_id["entries"] == [6, 10, 11, 12, 14, 15]
    assert found["snippet"]["operation"] == "operationName"


def test_it_shows_where_texts_of_digits_stand_that_are_no_ids(tmp_path: Path) -> None:
    path = tmp_path / "texts.yaml"
    path.write_text(
        """cassette: 1
profile: workbins
---
exchange: 1
request: {method: POST, target: /x, json: {operationName: Pull}}
response: {status: 200, json: {statusCode: 0, referenceId: "17"}}
"""
    )
    assert "left alone, being texts and no numbers" in cometape(str(path)).output
    (known,) = json.loads(cometape(str(path), "--json").output)["known"]
    assert known["left_alone"] == {"response.json referenceId": 1}
    assert known["values"] == []
    assert "left alone" not in cometape(PULL).output
