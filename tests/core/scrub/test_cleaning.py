"""Newer rules for an older cassette."""

from __future__ import annotations

from pathlib import Path

import pytest

from cometape.core.cassette import Cassette, Event, Exchange, Handshake, Header, Publish
from cometape.core.exchange import Headers, Request, Response
from cometape.core.scrub.cleaning import clean
from cometape.profiles import load_profile
from cometape.store.cassette_file import load

WORKBINS = load_profile("workbins")
CASSETTES = sorted((Path(__file__).parents[3] / "cassettes").rglob("*.yaml"))
LATE = "a-token-that-is-only-met-late-1"


def get(number: int, target: str, answer: bytes, *headers: tuple[str, str]) -> Exchange:
    return Exchange(
        number=number,
        session="agent7",
        request=Request(method="GET", target=target, headers=Headers(headers)),
        response=Response(status=200, body=answer),
    )


OLD = Cassette(
    Header(profile="workbins", scenario=f"as seen with {LATE}"),
    (
        get(1, f"/x/{LATE}", b'{"a": 1}', ("Authorization", "Bearer <token:4>")),
        Handshake(number=2, session="agent7", client_id="c1", request_extra={"ext": {"k": "v"}}),
        Event(
            number=3, session="agent7", channel="/c", data={"password": "pw"}, extra={"sid": "s"}
        ),
        Publish(number=4, session="agent7", channel="/c", data=[{"accessToken": LATE}], error="x"),
    ),
)


def test_every_kind_of_entry_is_scrubbed_and_what_is_met_late_is_gone_early() -> None:
    cleaned = clean(OLD, WORKBINS)
    first, handshake, event, publish = cleaned.cassette.entries
    assert cleaned.cassette.header.scenario == "as seen with <token:5>"
    assert isinstance(first, Exchange)
    assert first.request.target == "/x/<token:5>"
    assert first.response is not None
    assert first.response.body == b'{"a": 1}'
    assert isinstance(handshake, Handshake)
    assert handshake.client_id == "<client-id:1>"
    assert handshake.request_extra == {"ext": {"k": "<credentials:1>"}}
    assert isinstance(event, Event)
    assert (event.data, event.extra) == ({"password": "<password:1>"}, {"sid": "<session:1>"})
    assert isinstance(publish, Publish)
    assert publish.data == [{"accessToken": "<token:5>"}]
    assert cleaned.secrets["token"] >= 2
    assert not cleaned.pseudonyms


@pytest.mark.parametrize("pseudonyms", [False, True])
def test_scrubbing_a_cassette_twice_is_scrubbing_it_once(pseudonyms: bool) -> None:
    once = clean(OLD, WORKBINS, pseudonyms=pseudonyms).cassette
    assert clean(once, WORKBINS, pseudonyms=pseudonyms).cassette == once


def test_personal_data_goes_only_when_asked_for_and_from_early_entries_too() -> None:
    late = Event(number=9, session="s", channel="/c", data={"fullName": "Pat Example"})
    early = get(1, "/x", b'{"hint": "for Pat Example"}')
    cassette = Cassette(Header(), (early, late))
    assert clean(cassette, WORKBINS).cassette == cassette
    cleaned = clean(cassette, WORKBINS, pseudonyms=True)
    first = cleaned.cassette.entries[0]
    assert isinstance(first, Exchange)
    assert first.session == "user-1"
    assert first.response is not None
    assert first.response.body == b'{"hint": "for <person:1>"}'


@pytest.mark.parametrize("path", CASSETTES, ids=lambda path: path.stem)
def test_the_committed_cassettes_are_clean_and_become_anonymous(path: Path) -> None:
    cassette = load(path)
    assert clean(cassette, WORKBINS).cassette == cassette
    anonymous = clean(cassette, WORKBINS, pseudonyms=True).cassette
    text = str(anonymous)
    for name in ("agent7", "MaratTest", "'Ada'", "supervisor", "5007"):
        assert name not in text.replace(cassette.header.scenario, "")
