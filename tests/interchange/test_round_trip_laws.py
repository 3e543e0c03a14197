"""The law of interchange: what is exported and imported again is the same recording."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings

from cometape.core.cassette import Cassette, Connect, Event, Header, Publish
from cometape.core.causality.inference import infer_causes
from cometape.core.profile.profile import Profile
from cometape.interchange import flows, har_export
from cometape.interchange.importing import ImportSettings, assemble
from cometape.interchange.reading import read
from cometape.profiles import load_profile
from cometape.store import cassette_file
from scenarios import scenarios

WORKBINS = load_profile("workbins")
CASSETTES = sorted((Path(__file__).parents[2] / "cassettes").glob("*.yaml"))
Dump = Callable[[Cassette, Profile], bytes]

FAILED_AT_ONCE = Cassette(
    Header(scenario="", recorded_at="2026-03-01T09:15:00Z", profile="workbins", bayeux="/faye"),
    (
        Publish(number=1, session="agent7", at_s=0.0, channel="/v2/me/workitems", data=None),
        Connect(number=2, session="agent7", at_s=0.0, successful=False, error="HTTP 502"),
        Connect(number=3, session="agent7", at_s=0.0, successful=False, error=None),
    ),
)
"""Two connects a microsecond apart: the second does not begin before the first is answered."""
both_formats = pytest.mark.parametrize("dump", [har_export.dump, flows.dump], ids=["har", "flow"])


def there_and_back(cassette: Cassette, profile: Profile, dump: Dump) -> Cassette:
    source = read(dump(cassette, profile), "exported")
    assert source.profile is not None
    return assemble([source], profile, ImportSettings(profile_name=source.profile)).cassette


@both_formats
@pytest.mark.parametrize("path", CASSETTES, ids=lambda path: path.stem)
def test_a_recording_comes_back_with_every_entry_time_and_cause(path: Path, dump: Dump) -> None:
    cassette = cassette_file.load(path)
    profile = load_profile(cassette.header.profile)
    assert there_and_back(cassette, profile, dump) == infer_causes(cassette, profile)


@both_formats
@example(FAILED_AT_ONCE)
@given(scenarios())
@settings(max_examples=80, deadline=None)
def test_any_recording_comes_back(dump: Dump, cassette: Cassette) -> None:
    back = there_and_back(cassette, WORKBINS, dump)
    known = infer_causes(cassette, WORKBINS)
    assert back.entries == known.entries
    assert back.header == cassette.header


@both_formats
@given(scenarios())
@settings(max_examples=10, deadline=None)
def test_the_same_cassette_gives_the_same_bytes(dump: Dump, cassette: Cassette) -> None:
    assert dump(cassette, WORKBINS) == dump(cassette, WORKBINS)


@both_formats
def test_a_cassette_written_by_hand_comes_back_numbered_anew(dump: Dump, tmp_path: Path) -> None:
    path = tmp_path / "hand.yaml"
    path.write_text(
        "cassette: 1\nprofile: workbins\n---\nhandshake: 3\n---\nsubscribe: 5\nchannel: /v2/me/*\n"
        "---\nexchange: 8\nrequest: {method: POST, target: /api/v2/me/workbins/7,"
        " json: {operationName: PullWorkitem, id: A}}\n"
        "response: {status: 200, json: {statusCode: 0, referenceId: 17}}\n"
        "---\nevent: 9\ncause: 8\nchannel: /v2/me/workitems\ndata: {referenceId: 17}\n"
    )
    cassette = cassette_file.load(path)
    back = there_and_back(cassette, WORKBINS, dump)
    assert [entry.number for entry in back.entries] == [1, 2, 3, 4]
    assert [entry.at_s for entry in back.entries] == [None] * 4
    assert [entry.cause for entry in back.entries if isinstance(entry, Event)] == [3]
    handshake = replace(back.entries[0], number=3, client_id=None)  # type: ignore[call-arg]
    assert handshake == cassette.entries[0]
    assert back.header == cassette.header
