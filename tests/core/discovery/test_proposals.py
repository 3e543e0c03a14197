"""What is proposed for a profile, what is not, and that pasting it makes the replay right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from cometape.core.cassette import Cassette
from cometape.core.causality.inference import infer_causes
from cometape.core.discovery.known import known_identities
from cometape.core.discovery.proposals import Proposal, proposals
from cometape.core.discovery.shapes import form_of, shape_of
from cometape.core.discovery.sightings import sightings
from cometape.core.discovery.snippet import snippet
from cometape.core.profile.profile import Profile
from cometape.core.profile.profile_format import parse_profile
from cometape.profiles import load_profile
from cometape.store.cassette_file import load
from scripted import Script, Stage, dumped

GOLDEN = sorted((Path(__file__).parents[3] / "cassettes").glob("*.yaml"))
BAYEUX, WORKBINS = load_profile("bayeux"), load_profile("workbins")
UUID = "0b0e4b0e-6a35-4b9e-9d4e-3d0a9f6e2c1{}"


def proposed(script: Script | Cassette, profile: Profile = BAYEUX) -> list[Proposal]:
    cassette = script.cassette if isinstance(script, Script) else script
    return proposals(infer_causes(cassette, profile), profile)


def identities(found: list[Proposal]) -> dict[str, Proposal]:
    return {one.name: one for one in found if one.what == "identity"}


def pasted(found: list[Proposal], base: Profile = BAYEUX) -> Profile:
    """The profile that somebody has who pastes what is proposed."""
    text = yaml.safe_dump(snippet(found, base, "mine"))
    return parse_profile(yaml.safe_load(text), "mine.yaml", base=base)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_nothing_is_proposed_where_the_profile_is_complete(path: Path) -> None:
    assert proposed(load(path), WORKBINS) == []


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_to_the_generic_profile_what_workbins_says_is_proposed(path: Path) -> None:
    cassette = load(path)
    found = proposed(cassette)
    kinds = identities(found)
    assert set(kinds) == {"session", "reference-id"}
    assert kinds["reference-id"].issued == ("response.json referenceId",)
    assert kinds["reference-id"].used == ("event.data referenceId",)
    assert (kinds["reference-id"].form, kinds["reference-id"].scope) == ("integer", "session")
    assert "response.cookie JSESSIONID" in kinds["session"].issued
    others = {(one.what, one.name) for one in found if one.what != "identity"}
    assert ("operation", "operationName") in others
    assert ("uri_fields", "**.uri") in others
    assert ("dates", "event.data **.*At") in others
    assert len(found) <= 9, "useful, and not noisy"
    assert all(one.evidence and one.entries for one in found)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_what_is_known_after_pasting_is_what_workbins_knows(path: Path) -> None:
    cassette = load(path)
    profile = pasted(proposed(cassette))
    assert identities(proposed(cassette, profile)) == {}

    def known(rules: Profile) -> dict[str, Any]:
        found = known_identities(infer_causes(cassette, rules), rules)
        return {k.kind.name: [(v.value, v.entries) for v in k.values.values()] for k in found}

    assert known(profile) == known(WORKBINS)


def play(profile: Profile, path: Path) -> list[Any]:
    """An agent pulls a workitem; its answer, its events."""
    stage = Stage(load(path), profile=profile)
    person = stage.person("agent7", cookies=True)
    person.ask("GET", "/api/v2/me?subresources=*")
    person.listen("/v2/me/*")
    sent = {"operationName": "StartContactCenterSession", "channels": ["workitem"]}
    person.ask("POST", "/api/v2/me", sent)
    bin_ = "9c1d5f7a-2e64-4a0b-8f3c-71d2e0b4a522"
    person.ask("POST", f"/api/v2/me/workbins/{bin_}", {"operationName": "Subscribe"})
    pull = {"operationName": "PullWorkitem", "id": "02F0XAMPLE00001A"}
    answer = person.ask("POST", f"/api/v2/workbins/{bin_}", pull).json
    return [answer["referenceId"], [data.get("referenceId") for data in person.data()]]


def test_pasting_the_proposal_makes_the_replay_right() -> None:
    path = next(one for one in GOLDEN if one.stem == "pull_workitem")
    live, events = play(pasted(proposed(load(path))), path)
    assert live >= 1000, "fresh"
    assert events.count(live) == 2
    recorded, _ = play(BAYEUX, path)
    assert recorded == 12, "without it the recorded one is answered"


# ------------------------------------------------------------------ other kinds


def shop() -> Script:
    """Orders are created and then named; requests carry ids of the client's own making."""
    script = Script("bayeux")
    script.listen("a", "/orders")
    headers = [("X-Csrf", UUID.format("f")), ("X-Powered-By", "Shop1.2")]
    script.ask("a", "GET", "/shelf", None, {"items": [{"id": "art-0001"}]}, answer_headers=headers)
    for n in (1, 2):
        sent = {"action": "Buy", "article": "art-0001", "clientRequestId": UUID.format(n)}
        answer = {"ok": True, "order": {"id": f"ord-77{n}x", "article": "art-0001"}}
        op = script.ask("a", "POST", "/orders", sent, answer | {"echo": UUID.format(n)})
        note = dumped({"order": f"ord-77{n}x"}).decode()
        data = {"about": f"ord-77{n}x", "request": UUID.format(n), "note": note}
        script.event("a", "/orders", data, cause=op)
        script.ask("a", "PUT", f"/orders/ord-77{n}x", {"action": "Pay"}, {"ok": True})
        script.ask("a", "GET", f"/prices?article=art-0001&ts=177235650{n}", None, {"price": 3})
    return script


def test_created_things_and_ids_of_clients_are_told_apart_from_what_was_there() -> None:
    found = proposed(shop())
    kinds = identities(found)
    assert set(kinds) == {"order", "client-request-id"}
    order = kinds["order"]
    assert (order.form, order.operations, order.made_by) == ("shape", ("Buy",), "server")
    assert order.issued == ("response.json order.id",)
    assert set(order.used) == {
        "request.path /orders/{}",
        "event.data about",
        "event.data note > json order",
    }
    mine = kinds["client-request-id"]
    assert (mine.form, mine.made_by) == ("uuid", "client")
    assert mine.issued == ("request.json clientRequestId",)
    assert set(mine.used) == {"response.json echo", "event.data request"}
    rest = {(one.what, one.name) for one in found if one.what != "identity"}
    assert rest == {("operation", "action"), ("volatile", "request.query ts")}


def test_a_shop_is_replayed_right_with_what_was_proposed_for_it() -> None:
    stage = Stage(shop(), profile=pasted(proposed(shop())))
    person = stage.person()
    person.listen("/orders")
    person.ask("GET", "/shelf")
    for n in (1, 2):
        mine = UUID.format("ab"[n - 1])
        sent = {"action": "Buy", "article": "art-0001", "clientRequestId": mine}
        answer = person.ask("POST", "/orders", sent).json
        order = answer["order"]["id"]
        assert answer["echo"] == mine
        assert order != f"ord-77{n}x"
        assert answer["order"]["article"] == "art-0001"
        note = dumped({"order": order}).decode()
        assert person.data()[-1] == {"about": order, "request": mine, "note": note}
        assert person.ask("PUT", f"/orders/{order}", {"action": "Pay"}).json == {"ok": True}
        assert person.ask("GET", f"/prices?article=art-0001&ts=99{n}").json == {"price": 3}
    assert stage.service.report().ok, stage.service.report().text()


def chat() -> Script:
    """Whoever opens a chat is told its id, listens to a channel of that name, and speaks there."""
    script = Script("bayeux")
    script.listen("a", "/news")
    for n in (1, 2):
        room = f"0041YaBc2D{n}"
        script.ask("a", "POST", "/chats", {"action": "Open"}, {"ok": True, "chat": {"id": room}})
        script.subscribe("a", f"/chats/{room}/messages")
        said = script.publish("a", f"/chats/{room}/messages", {"text": "hello", "action": "Say"})
        script.event("a", f"/chats/{room}/messages", {"text": "hello"}, cause=said)
    return script


def test_an_id_in_the_name_of_a_channel_is_found_and_replayed_afresh() -> None:
    found = proposed(chat())
    kinds = identities(found)
    assert set(kinds) == {"chat"}
    assert kinds["chat"].issued == ("response.json chat.id",)
    assert kinds["chat"].used == ("channel /chats/{}/messages",)
    stage = Stage(chat(), profile=pasted(found))
    person = stage.person()
    client = person.listen("/news")
    rooms = []
    for _ in range(2):
        room = person.ask("POST", "/chats", {"action": "Open"}).json["chat"]["id"]
        rooms.append(room)
        channel = f"/chats/{room}/messages"
        client.subscribe(channel)
        client.publish(channel, {"text": "hello", "action": "Say"})
        assert (channel, {"text": "hello"}) in person.events()
    assert not set(rooms) & {"0041YaBc2D1", "0041YaBc2D2"}
    assert stage.service.report().ok, stage.service.report().text()


NAMED = {
    "query": ("GET", "/tickets?ticket={}", None),
    "path": ("GET", "/tickets/{}", None),
    "json": ("POST", "/tickets", {"action": "Show", "ticket": "{}"}),
}
"""Where a later request names a ticket."""


def ticketing(where: str, *, action: str | None) -> Script:
    """A ticket that stands twice in an answer, once of it as text, and in the event after it."""
    script = Script("bayeux")
    script.listen("a", "/x")
    for n in range(2):
        ticket = UUID.format(n)
        blob = dumped({"ticket": ticket}).decode()
        sent = {"nth": n} | ({"action": action} if action else {})
        op = script.ask("a", "POST", "/buy", sent, {"ticket": ticket, "blob": blob})
        script.event("a", "/x", {"order": {"ticket": ticket}}, cause=op)
        method, target, sent_later = NAMED[where]
        later = sent_later and {**sent_later, "ticket": ticket}
        script.ask("a", method, target.format(ticket), later, {"valid": [ticket]})
    return script


@pytest.mark.parametrize("action", ["Buy", None])
@pytest.mark.parametrize("where", NAMED)
def test_ids_that_are_equal_stay_equal_wherever_they_stand(where: str, action: str | None) -> None:
    script = ticketing(where, action=action)
    found = proposed(script)
    is_found = (
        action is not None or where == "query"
    )  # else a thing that no operation brought forth
    assert set(identities(found)) == ({"ticket"} if is_found else set())
    stage = Stage(script, profile=pasted(found))
    person = stage.person()
    person.listen("/x")
    for n in range(2):
        sent = {"nth": n} | ({"action": action} if action else {})
        answer = person.ask("POST", "/buy", sent).json
        live = answer["ticket"]
        assert (live != UUID.format(n)) == is_found
        assert yaml.safe_load(answer["blob"]) == {"ticket": live}
        assert person.data()[-1] == {"order": {"ticket": live}}
        method, target, sent_later = NAMED[where]
        later = sent_later and {**sent_later, "ticket": live}
        assert person.ask(method, target.format(live), later).json == {"valid": [live]}
    assert stage.service.report().ok, stage.service.report().text()


def test_a_token_in_a_header_that_comes_back_is_an_identity() -> None:
    script = Script("bayeux")
    token = [("X-Csrf", UUID.format(1))]
    script.ask("a", "GET", "/x", None, {}, answer_headers=token)
    entry = script.ask("a", "GET", "/y", None, {})
    asked = script.entries[entry - 1]
    object.__setattr__(asked.request, "headers", type(asked.request.headers)(token))  # type: ignore[attr-defined]
    kinds = identities(proposed(script))
    assert [(k, v.issued, v.used) for k, v in kinds.items()] == [
        ("x-csrf", ("response.header X-Csrf",), ("request.header X-Csrf",))
    ]


def test_a_text_that_only_looks_like_a_url_has_a_path_all_the_same() -> None:
    script = Script("bayeux")
    see = f"http://[server]/orders/{UUID.format(1)}"
    script.ask("a", "POST", "/orders", {}, {"see": see, "help": "//[/y", "more": "http://["})
    found = [(one.place, one.value) for one in sightings(script.entries, BAYEUX)]
    assert ("response.json see > url /**/orders/{}", UUID.format(1)) in found
    assert ("response.json more", "http://[") in found


def test_counts_states_and_configuration_propose_nothing() -> None:
    script = Script("bayeux")
    script.listen("a", "/x")
    for n in range(3):
        script.ask("a", "GET", f"/bins/{UUID.format(7)}", None, {"id": UUID.format(7), "count": n})
        op = script.ask("a", "POST", f"/bins/{UUID.format(7)}", {"do": "x"}, {"status": 0, "n": n})
        script.event("a", "/x", {"id": UUID.format(7), "status": 0, "left": n}, cause=op)
    assert proposed(script) == []


@pytest.mark.parametrize(
    ("value", "shape", "form"),
    [
        (UUID.format(1), "uuid", "uuid"),
        ("e6f2ad1b26ea4e9b8dd907eabe167522", "hex", "hex"),
        ("02F0XAMPLE00001A", "id", "shape"),
        ("eyJhbGciOi.eyJzdWIiOi.c2ln", "jwt", "shape"),
        (1772356500, "epoch-s", "integer"),
        ("1772356500123", "epoch-ms", "shape"),
        ("2026-03-01 09:15:00.000+0000", "date", "shape"),
        (17, "number", "integer"),
        ("Processing", None, "shape"),
        ("8.5.200.50", None, "shape"),
        ("a text with 1 number", None, "shape"),
    ],
)
def test_values_are_told_by_their_looks(value: str | int, shape: str | None, form: str) -> None:
    assert shape_of(value) == shape
    assert form_of(value) == form
