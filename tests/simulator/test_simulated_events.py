"""Events of the simulated Workbins system: order, delay, number, and who gets them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cometape.core.service import Respond
from cometape.simulator.demo_data import IN_PROGRESS, WORKBINS
from conversation import Conversation, Exchange
from workbins_people import Person, workbins_talk

OWN = f"/api/v2/workbins/{IN_PROGRESS.id}"
ITEM = "02F0XAMPLE00001A"


def subscribed(**config: Any) -> Person:
    agent = Person(workbins_talk(**config), "agent7").arrive()
    agent.post(OWN, "Subscribe")
    agent.news()
    return agent


def answered_before(talk: Conversation, one: Exchange, other: Exchange) -> bool:
    order = [action.exchange for action in talk.log if isinstance(action, Respond)]
    return order.index(one.number) < order.index(other.number)


def test_an_event_follows_its_answer_within_the_delay() -> None:
    agent = subscribed(min_delay_ms=20, max_delay_ms=80)
    assert agent.comet is not None
    held = agent.comet.hold()

    answer = agent.post(OWN, "PullWorkitem", id=ITEM)

    assert answer.answered
    assert answer.answered_s is not None
    assert held.held
    agent.talk.advance(1)
    assert held.answered_s is not None
    assert 0.02 <= held.answered_s - answer.answered_s <= 0.08


def test_without_delay_an_event_still_follows_its_answer() -> None:
    agent = subscribed(min_delay_ms=0, max_delay_ms=0)
    assert agent.comet is not None
    held = agent.comet.hold()
    answer = agent.post(OWN, "PullWorkitem", id=ITEM)
    assert held.answered
    assert answered_before(agent.talk, answer, held)
    assert len(held.events) + len(agent.news(0)) == 2


def test_events_overtake_their_answer_when_switched() -> None:
    agent = subscribed(switches={"event-before-answer": "on"})
    assert agent.comet is not None
    held = agent.comet.hold()

    answer = agent.post(OWN, "PullWorkitem", id=ITEM)

    assert not answer.answered
    agent.talk.advance(1)
    assert answered_before(agent.talk, held, answer)
    assert held.events[0]["data"]["referenceId"] == answer.json["referenceId"]
    assert agent.get(OWN).answered  # reads cause no events and are answered at once


def test_a_client_that_leaves_is_not_answered_late() -> None:
    agent = subscribed(switches={"event-before-answer": "on"})
    answer = agent.post(OWN, "PullWorkitem", id=ITEM)
    answer.leave()
    assert len(agent.news()) == 2


@pytest.mark.parametrize(
    ("order", "first"), [("workbin-first", "/v2/me/workbins"), ("media-first", "/v2/me/workitems")]
)
def test_the_order_between_channels_is_a_switch(order: str, first: str) -> None:
    agent = subscribed(switches={"event-order": order})
    agent.post(OWN, "PullWorkitem", id=ITEM)
    assert agent.news()[0]["channel"] == first


def test_a_random_order_comes_from_the_seed() -> None:
    def first_channels(seed: int) -> list[str]:
        agent = Person(workbins_talk(seed, switches={"event-order": "random"}), "agent7").arrive()
        agent.post(OWN, "Subscribe")
        agent.news()
        found = []
        for _ in range(8):
            agent.post(OWN, "PullWorkitem", id=ITEM)
            found.append(agent.news()[0]["channel"])
            agent.post(OWN, "AddWorkitem", id=ITEM)
            found.append(agent.news()[0]["channel"])
        return found

    assert len(set(first_channels(1))) == 2
    assert first_channels(1) == first_channels(1)
    assert first_channels(1) != first_channels(2)


def test_the_events_of_a_user_s_operations_keep_their_order() -> None:
    agent = subscribed(min_delay_ms=0, max_delay_ms=500)
    for _ in range(10):
        agent.post(OWN, "PullWorkitem", id=ITEM)
        agent.post(OWN, "AddWorkitem", id=ITEM)
    numbers = [event["data"]["referenceId"] for event in agent.news(30)]
    assert len(numbers) == 40
    assert numbers == sorted(numbers)


@pytest.mark.parametrize(
    ("setting", "channels"),
    [
        ("all", ["/v2/me/workbins", "/v2/me/workitems"]),
        ("workbin", ["/v2/me/workbins"]),
        ("media", ["/v2/me/workitems"]),
        ("none", []),
    ],
)
def test_notifications_may_be_lost(setting: str, channels: list[str]) -> None:
    agent = subscribed()
    body = json.dumps({"notifications": setting})
    agent.talk.send("POST", "/simulator/switches", body=body)
    agent.post(OWN, "PullWorkitem", id=ITEM)
    assert [event["channel"] for event in agent.news()] == channels


def test_events_may_come_twice() -> None:
    agent = Person(workbins_talk(switches={"duplicate-events": "on"}), "agent7").arrive()
    agent.post(OWN, "PullWorkitem", id=ITEM)
    one, two = agent.news()
    assert one == two


def test_message_types_may_lose_their_reference_id() -> None:
    agent = subscribed(switches={"no-reference-id": "WorkbinStateChangeMessage"})
    agent.post(OWN, "PullWorkitem", id=ITEM)
    removed, taken = agent.news()
    assert "referenceId" not in removed["data"]
    assert "referenceId" in taken["data"]


@pytest.mark.parametrize(("setting", "received"), [("all", 1), ("actor", 0)])
def test_whether_both_sessions_of_a_user_are_told_is_a_switch(setting: str, received: int) -> None:
    talk = workbins_talk(switches={"user-sessions": setting})
    one, two = Person(talk, "agent7").arrive(), Person(talk, "agent7").arrive()
    assert one.cookies != two.cookies

    answer = one.post(OWN, "PullWorkitem", id=ITEM)

    assert len(one.news()) == 1
    news = two.news()
    assert len(news) == received
    assert all(event["data"]["referenceId"] == answer.json["referenceId"] for event in news)


def test_only_subscribed_channels_reach_a_client() -> None:
    talk = workbins_talk()
    narrow = Person(talk, "agent7").arrive("/v2/me/workbins")
    wide = Person(talk, "agent7").arrive("/**", "/v2/me/*", "/v2/me/workitems")
    narrow.post(OWN, "Subscribe")
    narrow.post(OWN, "PullWorkitem", id=ITEM)
    assert [event["channel"] for event in narrow.news()] == ["/v2/me/workbins"] * 2
    assert len(wide.news()) == 3  # one copy each


@pytest.mark.parametrize(
    ("scope", "numbers"),
    [("session", [5, 6, 5, 5]), ("user", [5, 6, 7, 5]), ("global", [5, 6, 7, 8])],
)
def test_who_shares_a_counter_is_a_switch(scope: str, numbers: list[int]) -> None:
    talk = workbins_talk(first_reference_id=5, switches={"reference-id-scope": scope})
    people = [Person(talk, name) for name in ("agent7", "agent7", "agent8")]
    for person in people:
        person.login()
    first, second, other = people
    answers = [person.post(OWN, "Subscribe") for person in (first, first, second, other)]
    assert [answer.json["referenceId"] for answer in answers] == numbers


@pytest.mark.parametrize(("setting", "number"), [("off", 5), ("on", 6)])
def test_whether_a_silent_operation_uses_up_a_number_is_a_switch(setting: str, number: int) -> None:
    talk = workbins_talk(first_reference_id=5, switches={"reference-id-consumed": setting})
    agent = Person(talk, "agent7")
    agent.login()
    agent.post("/api/v2/me", "StartContactCenterSession", channels=["workitem"])
    assert agent.post(OWN, "Subscribe").json["referenceId"] == number


def test_counters_start_low_and_differ_with_the_seed() -> None:
    starts = set()
    for seed in range(12):
        agent = Person(workbins_talk(seed), "agent7")
        agent.login()
        starts.add(agent.post(OWN, "Subscribe").json["referenceId"])
    assert len(starts) > 3
    assert max(starts) < 20


def day_at_work(seed: int) -> list[bytes]:
    """Everything a busy day's clients are sent, in order."""
    talk = workbins_talk(
        seed,
        csrf=True,
        load_balancer=True,
        invite_every_s=3.0,
        switches={"event-order": "random", "enableJoinOnPullChat": "on"},
    )
    agent = Person(talk, "agent7").arrive()
    other = Person(talk, "agent8").arrive("/**")
    agent.post("/api/v2/me", "StartContactCenterSession", channels=["voice", "workitem"])
    agent.post("/api/v2/me", "Ready")
    ids = ",".join(workbin.id for workbin in WORKBINS[:3])
    agent.post(f"/api/v2/me/workbins?workbinIds={ids}", "Subscribe")
    agent.post(OWN, "PullChat", id="0001XaMPLE0000AA")
    agent.post(OWN, "PullWorkitem", id=ITEM)
    agent.post(f"/api/v2/me/workitems/{ITEM}", "Transfer", userName="agent8")
    agent.news(5)
    other.news(5)
    agent.get("/api/v2/me/workbins?fields=*&subresources=*")
    return [repr(action.response).encode() for action in talk.log if isinstance(action, Respond)]


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert day_at_work(3) == day_at_work(3)
    assert day_at_work(3) != day_at_work(4)


def test_what_configuration_fixes_does_not_change_with_the_seed() -> None:
    def workbins(seed: int) -> str:
        person = Person(workbins_talk(seed), "agent7")
        return person.get("/api/v2/me/workbins?fields=*&subresources=*").body

    assert workbins(1) == workbins(2)
