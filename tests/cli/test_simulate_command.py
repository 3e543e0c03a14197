"""`cometape simulate` as a user types it."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cometape.cli import COMMANDS, main
from cometape.simulator.switches import SWITCHES
from running import COMETAPE, Running


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["simulate", *arguments])


def test_the_help_teaches_whom_to_be_and_what_to_try() -> None:
    help_text = run("--help").output
    assert COMMANDS["simulate"] in help_text
    for word in ("agent7:agent7-password", "PullWorkitem", "/simulator/invite", "--switch"):
        assert word in help_text


def test_switches_are_listed_with_their_defaults() -> None:
    result = run("--list-switches")
    assert result.exit_code == 0
    for switch in SWITCHES:
        assert f"{switch.name}={switch.default}" in result.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--switch", "event-ordre=random"], "Did you mean event-order?"),
        (["--switch", "event-order"], "--switch NAME=VALUE"),
        (["--switch", "event-order=sideways"], "workbin-first"),
        (["--delay-ms", "80:20"], "the smaller first"),
        (["--delay-ms", "soon"], "MIN:MAX"),
        (["--public-url", "gws.example"], "https://gws.example:8090"),
        (["--date", "tomorrow"], "2026-03-01T09:15:00+00:00"),
        (["--date", "2026-03-01T09:15:00"], "offset"),
        (["--http-status", "99=400"], "3=400"),
        (["--http-status", "3=forbidden"], "3=400"),
        (["--seed", "x"], "--seed"),
    ],
)
def test_a_wrong_option_is_named_and_explained(arguments: list[str], told: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert told in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("- [", "is not YAML"),
        ("hello", "no list of users"),
        ("- {password: x}", "user 1 has no userName"),
        ("- {userName: a}\n- {userName: b, supervisor: perhaps}", "user 2 has supervisor"),
        ("- {userName: a, wage: 3}", "user 1 has wage"),
        ("- {userName: a}\n- {userName: a}", "same name"),
    ],
)
def test_a_wrong_file_of_users_is_explained(tmp_path: Path, content: str, told: str) -> None:
    file = tmp_path / "users.yaml"
    file.write_text(content)
    result = run("--users", str(file))
    assert result.exit_code == 2
    assert told in " ".join(result.output.split())


def test_it_listens_says_whom_to_be_and_ends_cleanly(tmp_path: Path) -> None:
    file = tmp_path / "users.yaml"
    file.write_text("- {userName: ada, password: secret, agentGroups: [Tier9]}")
    server = Running([COMETAPE, "simulate", "--seed", "3", "--delay-ms", "0", "--users", str(file)])
    try:
        url = server.url()
        with urllib.request.urlopen(f"{url}/api/v2/diagnostics/version", timeout=10) as answer:
            assert json.load(answer)["statusCode"] == 0
        assert server.stop() == 0
        assert f"listening on {url}" == server.stdout[0]
        assert any("agent7:agent7-password" in line for line in server.stdout)
        assert any("ada:secret" in line for line in server.stdout)
        assert server.stderr == ""
    finally:
        server.close()
