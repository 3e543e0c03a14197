"""Events caused by events: written down, found by a rule of the profile, and never in a circle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cometape.core.cassette import Cassette, Event, Header
from cometape.core.causality.chains import circle_in, root_of, without_circles
from cometape.core.causality.inference import infer_causes
from cometape.core.errors import CassetteError, ProfileError
from cometape.core.profile.profile import Profile
from cometape.core.profile.profile_format import parse_profile
from cometape.profiles import load_profile
from scripted import Script

WORKBINS = load_profile("workbins")
ITEMS = "/v2/me/workitems"
CHATS = "/v2/me/chats"

RULE = {
    "name": "basket follows the price",
    "channel": "/baskets",
    "event": {"type": "BasketRecalculated"},
    "by_channel": "/prices/*",
    "by_event": {"type": "PriceChanged"},
    "same": {"articles.*": "event:article.id"},
    "session": "any",
    "within_s": 5,
}


def shop(**rule: object) -> Profile:
    profile = {"profile": "shop", "causes": [RULE | rule]}
    return parse_profile(profile, "shop.yaml", base=load_profile("bayeux"))


def causes(script: Script, profile: Profile) -> list[int | str | None]:
    inferred = infer_causes(script.cassette, profile)
    assert infer_causes(inferred, profile) == inferred
    return [entry.cause for entry in inferred.entries if isinstance(entry, Event)]


def price(script: Script, article: str, session: str = "a", **fields: object) -> int:
    data = {"type": "PriceChanged", "article": {"id": article}}
    return script.event(session, "/prices/eu", data, **fields)


def basket(script: Script, *articles: str, session: str = "a", **fields: object) -> int:
    data = {"type": "BasketRecalculated", "articles": list(articles)}
    return script.event(session, "/baskets", data, **fields)


def test_a_rule_finds_the_event_that_caused_an_event() -> None:
    script = Script("bayeux")
    one, two = price(script, "A1"), price(script, "B2")
    basket(script, "A1")
    basket(script, "x", "B2", session="b")
    basket(script, "C3")
    assert causes(script, shop())[2:] == [one, two, "spontaneous"]


def test_the_latest_such_event_counts_and_only_soon() -> None:
    script = Script("bayeux")
    price(script, "A1")
    latest = price(script, "A1")
    basket(script, "A1")
    basket(script, "A1", at_s=30.0)
    assert causes(script, shop())[2:] == [latest, "spontaneous"]


def test_an_operation_explains_an_event_before_another_event_does() -> None:
    script = Script()
    item = {"id": "02F0XAMPLE00001A"}
    script.event(
        "agent",
        ITEMS,
        {"notificationType": "StatusChange", "workitem": item | {"state": "Invited"}},
    )
    revoked = {"notificationType": "StatusChange", "workitem": item | {"state": "Revoked"}}
    pull = script.ask(
        "supervisor", "POST", "/api/v2/workbins/W1", {"operationName": "PullWorkitem", **item}, {}
    )
    script.event("agent", ITEMS, revoked)
    assert causes(script, WORKBINS) == ["spontaneous", pull]


def test_a_workbins_invitation_that_runs_out_follows_the_invitation() -> None:
    script = Script()
    for state in ("Invited", "Revoked"):
        workitem = {"id": "02F0XAMPLE00001A", "state": state}
        script.event("agent", ITEMS, {"notificationType": "StatusChange", "workitem": workitem})
    assert causes(script, WORKBINS) == ["spontaneous", 1]


def test_a_transcript_follows_the_chat_that_was_joined() -> None:
    script = Script()
    chat = {"id": "0001XaMPLE0000BB", "state": "Chatting"}
    script.event("agent", CHATS, {"notificationType": "StatusChange", "chat": chat})
    uri = "https://gws.example/api/v2/me/chats/0001XaMPLE0000BB"
    for _ in range(2):
        script.event("agent", CHATS, {"messageType": "MessageLogUpdated", "chatUri": uri})
    assert causes(script, WORKBINS) == ["spontaneous", 1, "spontaneous"]


def test_an_event_does_not_cause_itself_nor_an_earlier_one() -> None:
    rule = {"event": {}, "by_event": {}, "same": {"n": "event:n"}, "channel": "/a"}
    script = Script("bayeux")
    for _ in range(3):
        script.event("a", "/a", {"n": 1}, at_s=1.0)
    assert causes(script, shop(**rule, by_channel="/a")) == ["spontaneous", 1, 2]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"operations": ["Buy"]}, "not both"),
        ({"answer": {"ok": True}}, "not both"),
        ({"same": {"articles.*": "json:article"}}, "no part of an event"),
        ({"same": {"articles.*": "event:"}}, "names no part"),
        ({"by_event": ["x"]}, "a mapping"),
    ],
)
def test_a_rule_that_mixes_events_and_operations_is_refused(
    rule: dict[str, object], message: str
) -> None:
    with pytest.raises(ProfileError, match=message):
        shop(**rule)


def test_a_chain_that_is_written_down_stays() -> None:
    script = Script()
    pull = script.ask("a", "POST", "/x", {"operationName": "Do"}, {"referenceId": 1})
    first = script.event("a", ITEMS, {"n": 1}, cause=pull)
    second = script.event("b", ITEMS, {"n": 2}, cause=first)
    script.event("a", ITEMS, {"n": 3}, cause=second)
    assert causes(script, WORKBINS) == [pull, first, second]


def test_events_of_two_sessions_can_cross_on_their_way_but_not_by_far() -> None:
    script = Script()
    script.event("b", ITEMS, {}, cause=2, at_s=1.0)
    script.event("a", ITEMS, {}, cause="spontaneous", at_s=3.0)
    assert causes(script, WORKBINS) == [2, "spontaneous"]
    script.entries[1] = Event(number=2, session="a", channel=ITEMS, data={}, at_s=90.0)
    with pytest.raises(CassetteError, match="came later"):
        causes(script, WORKBINS)


def test_a_circle_is_refused_with_all_its_events() -> None:
    script = Script()
    script.event("a", ITEMS, {}, cause="spontaneous")
    script.event("a", ITEMS, {}, cause=4)
    script.event("b", ITEMS, {}, cause=1)
    script.event("c", ITEMS, {}, cause=5, at_s=1.9)
    script.event("d", ITEMS, {}, cause=2, at_s=1.8)
    with pytest.raises(CassetteError, match="circle: 2 by 4, 4 by 5, 5 by 2") as refused:
        causes(script, WORKBINS)
    assert refused.value.reason == "cause-circle"
    assert refused.value.entry == 2
    assert "2, 4, 5" in refused.value.hint


def test_a_rule_closes_no_circle_with_what_is_written() -> None:
    script = Script("bayeux")
    price(script, "A1", cause=2)
    basket(script, "A1", session="b")
    assert causes(script, shop()) == [2, "spontaneous"]


maps = st.dictionaries(st.integers(1, 9), st.integers(1, 12), max_size=9)


@given(maps)
def test_a_circle_is_found_where_there_is_one(found: dict[int, int]) -> None:
    circle = circle_in(found)
    if circle:
        assert [found[one] for one in circle] == [*circle[1:], circle[0]]
    else:
        assert all(root_of(number, found) not in found for number in found)


@given(maps, st.sets(st.integers(1, 9)))
def test_dropping_guesses_leaves_no_circle_but_written_ones(
    found: dict[int, int], inferred: set[int]
) -> None:
    left = without_circles(found, inferred)
    assert set(found) - set(left) <= inferred
    assert set(circle_in(left)).isdisjoint(inferred)


def test_an_empty_cassette_has_no_causes() -> None:
    assert infer_causes(Cassette(Header()), WORKBINS).entries == ()
