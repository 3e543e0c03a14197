"""What the README shows is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cometape.core.exchange import Headers, Request
from cometape.core.playbook.playbook import Playbook
from cometape.core.replay.replay_service import ReplayService, ReplaySettings
from cometape.core.service import Respond
from cometape.profiles import load_profile
from cometape.store import cassette_file, yaml_reader

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def block(language: str, containing: str) -> str:
    """The fenced block of a language that contains some text."""
    blocks = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return str(next(found for found in blocks if containing in found))


def test_every_file_it_links_to_is_there() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_cassette_it_shows_loads_and_the_event_has_that_cause() -> None:
    shown = block("yaml", "cause: 10")
    cassette = yaml_reader.load(f"cassette: 1\nprofile: workbins\n---\n{shown}".encode())
    assert [entry.number for entry in cassette.entries] == [10, 12]


def test_the_cassette_it_shows_is_an_excerpt_of_one_in_the_repository() -> None:
    whole = (ROOT / "cassettes" / "pull_workitem.yaml").read_text()
    for fact in (
        "exchange: 10",
        "target: /api/v2/workbins/9c1d5f7a-2e64-4a0b-8f3c-71d2e0b4a522",
        "json: {operationName: PullWorkitem, id: 02F0XAMPLE00001A}",
        "json: {statusCode: 0, referenceId: 13}",
        "event: 12",
        "cause: 10",
    ):
        assert fact in whole, fact


def test_the_replayed_answer_it_shows_is_the_one_a_client_gets() -> None:
    shown = block("console", "curl -u")
    target = re.search(r"http://127\.0\.0\.1:\d+(/\S+)", shown)
    body = re.search(r"-d '(.*?)'", shown)
    answer = shown.strip().splitlines()[-1]
    assert target is not None
    assert body is not None
    profile = load_profile("workbins")
    cassette = cassette_file.load(ROOT / "cassettes" / "pull_workitem.yaml")
    service = ReplayService(Playbook.of(cassette, profile), ReplaySettings())
    request = Request(
        method="POST",
        target=target[1],
        headers=Headers(
            [
                ("Host", "127.0.0.1:39213"),
                ("Authorization", "Basic YWdlbnQ3Ong="),
                ("Content-Type", "application/json"),
            ]
        ),
        body=body[1].encode(),
    )
    (action,) = service.request(1, 1, request, 0.0)
    assert isinstance(action, Respond)
    assert action.response.body.decode() == answer


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`cometape (\w+)", README))))
def test_every_command_it_names_exists(name: str) -> None:
    from cometape.cli import main

    assert name in main.list_commands(None)  # type: ignore[arg-type]
