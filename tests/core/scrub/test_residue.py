"""What a scrubbed cassette may still hold: named by entry and field, unless it is allowed."""

from __future__ import annotations

import json
import string
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cometape.core.cassette import (
    Cassette,
    Disconnect,
    Entry,
    Event,
    Exchange,
    Handshake,
    Header,
    Publish,
)
from cometape.core.exchange import Headers, Request, Response
from cometape.core.json_value import JsonObject
from cometape.core.profile.profile import AllowRule
from cometape.core.scrub.residue import Residue, find_residue
from cometape.profiles import load_profile
from cometape.secret_scanner import scanner
from cometape.store.cassette_file import load

WORKBINS = load_profile("workbins")
CASSETTES = sorted((Path(__file__).parents[3] / "cassettes").rglob("*.yaml"))
RANDOM = "aB3xK9mQ2vL7tR5wZ8yC1dF4" + "gH6jN0pS"
"""Nothing's secret, put together here so that no scanner takes this file for one that has one."""


def residue(*entries: Entry, header: Header | None = None) -> list[Residue]:
    cassette = Cassette(header or Header(profile="workbins"), entries)
    return list(find_residue(cassette, WORKBINS, scanner()))


def exchange(target: str = "/x", request: str = "", answer: str = "", **headers: str) -> Exchange:
    pairs = Headers((name.replace("_", "-"), value) for name, value in headers.items())
    return Exchange(
        number=7,
        session="agent7",
        request=Request(method="POST", target=target, headers=pairs, body=request.encode()),
        response=Response(status=200, body=answer.encode()),
    )


PLACES: list[tuple[str, Callable[[str], Entry]]] = [
    ("request.path", lambda s: exchange(f"/x/{s}/y")),
    ("request.query mark", lambda s: exchange(f"/x?mark={s}")),
    ("request.header x-mark", lambda s: exchange(X_Mark=s)),
    ("request.json a.0.b", lambda s: exchange(request=json.dumps({"a": [{"b": s}]}))),
    ("response.json note", lambda s: exchange(answer=json.dumps({"note": f"it is {s}!"}))),
    ("response.text", lambda s: exchange(answer=f"mark {s} here")),
    ("event.data a", lambda s: Event(number=7, session="s", channel="/c", data={"a": s})),
    ("extra ext.m", lambda s: Event(number=7, session="s", channel="/c", data=1, extra=ext(s))),
    ("publish.data", lambda s: Publish(number=7, session="s", channel="/c", data=s)),
    ("reply_extra ext.m", lambda s: Disconnect(number=7, session="s", reply_extra=ext(s))),
    ("error", lambda s: Exchange(number=7, session="s", request=exchange().request, error=s)),
]


def ext(secret: str) -> JsonObject:
    return {"ext": {"m": secret}}


@pytest.mark.parametrize(("field", "place"), PLACES, ids=[field for field, _ in PLACES])
def test_random_characters_are_named_by_entry_and_field_and_not_told(
    field: str, place: Callable[[str], Entry]
) -> None:
    (found,) = residue(place(RANDOM))
    assert (found.entry, found.field) == (7, field)
    assert "random" in found.looks_like
    assert RANDOM not in str(found)
    assert RANDOM[:4] in str(found)


@pytest.mark.parametrize(
    ("secret", "what"),
    [
        ("-----BEGIN " + f"RSA PRIVATE KEY-----\nMII{RANDOM}\n{RANDOM}", "Private Key"),
        ("AK" + "IAZ7QJ5XYLM3NRTV2B", "AWS|profile"),
        ("xo" + "xb-1234567890-abcdefghij", "Slack|profile"),
    ],
)
def test_a_known_kind_of_secret_is_named(secret: str, what: str) -> None:
    (found,) = residue(exchange(answer=json.dumps({"note": secret})))
    assert any(word in found.looks_like for word in what.split("|"))


def test_what_a_rule_would_replace_is_residue_too() -> None:
    found = residue(
        exchange("/x?token=abc", '{"password": "pw"}', Authorization="Bearer abcdef"),
        Handshake(number=8, session="s", client_id="abc", request_extra={"ext": {"auth": "x"}}),
    )
    assert [(one.entry, one.field) for one in found] == [
        (7, "request.query token"),
        (7, "request.header authorization"),
        (7, "request.json password"),
        (8, "client_id"),
        (8, "request_extra ext.auth"),
    ]
    assert all("cometape scrub" in one.looks_like for one in found)


def test_the_scenario_is_looked_at() -> None:
    (found,) = residue(header=Header(scenario=f"with {RANDOM}"))
    assert (found.entry, found.field) == (None, "scenario")
    assert str(found).startswith("header: scenario looks like")


@pytest.mark.parametrize(
    "allowed", ["response.json a.1.sum", "response.json *.sum", "*.SUM", "response.json a.0.sum"]
)
def test_a_field_that_the_header_allows_is_passed_over(allowed: str) -> None:
    entry = exchange(answer=json.dumps({"a": [{}, {"sum": RANDOM}]}))
    assert residue(entry)
    assert not residue(entry, header=Header(allowed=(allowed,)))
    assert residue(entry, header=Header(allowed=("response.json sum",)))


def test_a_rule_allows_values_and_the_rest_of_a_text_is_still_looked_at() -> None:
    profile = replace(WORKBINS, allow=(AllowRule(name="marks", values=r"\bM-[\w]{32}\b"),))

    def found(text: str) -> list[Residue]:
        cassette = Cassette(Header(), (exchange(answer=json.dumps({"a": text})),))
        return list(find_residue(cassette, profile, scanner()))

    assert not found(f"M-{RANDOM}")
    assert found(f"M-{RANDOM} {RANDOM}")
    assert found(RANDOM)


@pytest.mark.parametrize("path", CASSETTES, ids=lambda path: path.stem)
def test_the_committed_cassettes_have_none(path: Path) -> None:
    assert list(find_residue(load(path), WORKBINS, scanner())) == []


@pytest.mark.parametrize(
    "text",
    [
        "aee812a5-7396-4dd9-b180-230f1c1fb085",
        "AEE812A5-7396-4DD9-B180-230F1C1FB085,aee812a5-7396-4dd9-b180-230f1c1fb086",
        "http://gws.example:8090/api/v2/users/e6f2ad1b26ea4e9b8dd907eabe167522/workbins/"
        "aee812a5-7396-4dd9-b180-230f1c1fb085/workitems/0001BaBFVPR20035?fields=*",
        "02F0ASAK8EAFA00W",
        "0001BaBFVPR20035",
        "WorkbinSubscriptionStateChangeMessageV2",
        "2016-04-08 15:05:57.000+0300",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
        " Chrome/120.0.0.0 Safari/537.36",
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp",
        "Basic <credentials:1>",
        "JSESSIONID=<session:1>; BAYEUX_BROWSER=<session:2>",
        "?:2>1",
        "Tier2_VQ@SIP_Switch.GA-Workitems-2024-Q1",
        "the-quick-brown-fox-jumps-over-the-lazy-dog-in-2024-again",
    ],
)
def test_what_a_contact_centre_says_is_no_residue(text: str) -> None:
    data: JsonObject = {"uri": text, "note": text}
    assert residue(Event(number=1, session="agent7", channel="/v2/me/x", data=data)) == []


def test_user_ids_are_no_residue_where_ids_stand_and_are_elsewhere() -> None:
    user = "e6f2ad1b26ea4e9b" + "8dd907eabe167522"
    data = {"userId": user, "id": user, "users": [{"id": user, "path": f"/users/{user}"}]}
    assert residue(exchange(f"/api/v2/users/{user}/x", answer=json.dumps(data))) == []
    assert residue(exchange(answer=json.dumps({"checksum": user})))


@settings(deadline=None)
@given(
    st.text(string.ascii_letters + string.digits, min_size=48, max_size=80).filter(
        lambda text: len(set(text)) > 30 and not text.isalpha()
    ),
    st.sampled_from([place for _, place in PLACES]),
)
def test_a_planted_token_is_found_in_every_place(token: str, place: Callable[[str], Entry]) -> None:
    assert residue(place(token))
