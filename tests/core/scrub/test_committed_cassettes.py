"""The cassettes in the repository hold no secret, and their causes are those that are inferred."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from cometape.core.cassette import Cassette, Event, Exchange
from cometape.core.causality.inference import infer_causes
from cometape.core.scrub.scrubber import Scrubber
from cometape.profiles import load_profile
from cometape.store.cassette_file import load

CASSETTES = sorted((Path(__file__).parents[3] / "cassettes").rglob("*.yaml"))
USERS = ("agent7", "agent8", "MaratTest", "supervisor")

each = pytest.mark.parametrize("path", CASSETTES, ids=lambda path: path.stem)


@each
def test_it_has_none_of_the_passwords_it_was_recorded_with(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for user in USERS:
        password = f"{user}-password"
        assert password not in text
        assert base64.b64encode(f"{user}:{password}".encode()).decode() not in text


@each
def test_a_fresh_scrubber_finds_nothing_in_it(path: Path) -> None:
    cassette = load(path)
    scrubber = Scrubber(load_profile(cassette.header.profile))
    for entry in cassette.entries:
        if isinstance(entry, Exchange):
            assert scrubber.request(entry.request) == entry.request
            assert entry.response is None or scrubber.response(entry.response) == entry.response
        elif isinstance(entry, Event):
            assert scrubber.json(entry.data) == entry.data


@each
def test_its_causes_are_those_that_would_be_inferred(path: Path) -> None:
    cassette = load(path)
    profile = load_profile(cassette.header.profile)

    def causes(cassette: Cassette) -> list[object]:
        inferred = infer_causes(cassette, profile)
        return [entry.cause for entry in inferred.entries if isinstance(entry, Event)]

    unknown = tuple(
        replace(entry, cause=None) if isinstance(entry, Event) else entry
        for entry in cassette.entries
    )
    assert causes(replace(cassette, entries=unknown)) == causes(cassette)
