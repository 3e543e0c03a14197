"""Events that overtook the answer of their cause: who waits, how long, and nobody is missed."""

from __future__ import annotations

import json
from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from cometape.core.cassette import Entry, Event, Exchange, Publish
from cometape.core.causality.cause_finder import CauseFinder
from cometape.core.causality.waiting_events import MAX_WAITING, OVERTAKING_S, WaitingEvents
from cometape.core.exchange import Request, Response
from cometape.core.json_value import JsonObject
from cometape.profiles import load_profile

WORKBINS = load_profile("workbins")


def pull(
    number: int,
    reference_id: int,
    at_s: float,
    session: str = "a",
    item: str = "X",
    took_s: float = 0,
) -> Exchange:
    body = {"operationName": "PullWorkitem", "id": item}
    return Exchange(
        number=number,
        session=session,
        at_s=at_s,
        took_s=took_s,
        request=Request(
            method="POST", target="/api/v2/me/workbins/w", body=json.dumps(body).encode()
        ),
        response=Response(
            status=200,
            body=json.dumps({"statusCode": 0, "referenceId": reference_id}).encode(),
        ),
    )


def subscribe(number: int, at_s: float, session: str = "a") -> Exchange:
    return Exchange(
        number=number,
        session=session,
        at_s=at_s,
        took_s=0.0,
        request=Request(
            method="POST", target="/api/v2/me/workbins/w", body=b'{"operationName":"Subscribe"}'
        ),
        response=Response(status=200, body=b'{"statusCode":0}'),
    )


def event(number: int, at_s: float, session: str = "a", **data: object) -> Event:
    message: JsonObject = {"messageType": "WorkitemStateChangeMessage"}
    message.update(data)  # type: ignore[arg-type]
    return Event(
        number=number, session=session, at_s=at_s, channel="/v2/me/workitems", data=message
    )


def settled(waiting: WaitingEvents) -> dict[int, int | None]:
    return {
        one.event.number: None if one.cause is None else one.cause.number
        for one in waiting.take_settled()
    }


def test_an_event_that_overtook_its_answer_is_settled_when_that_comes() -> None:
    waiting = WaitingEvents(CauseFinder(WORKBINS))
    assert waiting.came(event(1, 1.0, referenceId=7)) is None
    waiting.completed(pull(2, 6, at_s=0.9, took_s=0.2))
    assert settled(waiting) == {}
    waiting.completed(pull(3, 7, at_s=0.9, took_s=0.3))
    assert settled(waiting) == {1: 3}


def test_an_event_whose_cause_is_known_does_not_wait() -> None:
    waiting = WaitingEvents(CauseFinder(WORKBINS))
    waiting.completed(pull(1, 7, at_s=1.0))
    cause = waiting.came(event(2, 1.1, referenceId=7))
    assert cause is not None
    assert cause.number == 1
    waiting.finish()
    assert settled(waiting) == {}


def test_it_waits_as_long_as_an_answer_can_be_overtaken() -> None:
    waiting = WaitingEvents(CauseFinder(WORKBINS))
    waiting.came(event(1, 1.0))
    waiting.completed(pull(2, 7, at_s=1.0 + OVERTAKING_S))
    assert settled(waiting) == {}
    waiting.completed(pull(3, 8, at_s=1.1 + OVERTAKING_S))
    assert settled(waiting) == {1: None}


def test_no_more_than_so_many_wait() -> None:
    waiting = WaitingEvents(CauseFinder(WORKBINS))
    for number in range(1, MAX_WAITING + 4):
        waiting.came(event(number, 1.0, n=number))
    assert settled(waiting) == {1: None, 2: None, 3: None}


def test_at_the_end_all_are_settled() -> None:
    waiting = WaitingEvents(CauseFinder(WORKBINS))
    waiting.came(event(1, 1.0, referenceId=7))
    waiting.came(event(2, 1.0))
    waiting.finish()
    assert settled(waiting) == {1: None, 2: None}


# -- a law: who is found by its keys is found by asking everybody ------------------------------


@st.composite
def worlds(draw: st.DrawFn) -> list[Entry]:
    """Entries in the order of their completion, few ids and items, so that much fits much."""
    entries: list[Entry] = []
    now_s = 0.0
    for number in range(1, draw(st.integers(2, 25)) + 1):
        now_s = round(now_s + draw(st.sampled_from([0.0, 0.1, 0.1, 2.0, 6.0])), 3)
        session = draw(st.sampled_from("ab"))
        match draw(st.integers(0, 5)):
            case 0:
                took_s = draw(st.sampled_from([0.0, 0.3]))
                began_s = max(now_s - took_s, 0.0)
                item, id_ = draw(st.sampled_from("XY")), draw(st.integers(1, 3))
                entries.append(pull(number, id_, began_s, session, item, took_s))
            case 1:
                entries.append(subscribe(number, now_s, session))
            case 2:
                entries.append(
                    Publish(number=number, session=session, at_s=now_s, channel="/c", data={"n": 1})
                )
            case 3:
                entries.append(
                    Event(number=number, session=session, at_s=now_s, channel="/c", data={"n": 1})
                )
            case 4:
                entries.append(
                    Event(
                        number=number,
                        session=session,
                        at_s=now_s,
                        channel="/v2/me/workbins",
                        data={
                            "messageType": "WorkbinSubscriptionStateChangeMessage",
                            "stateResource": "Subscribed",
                            "workbin": {"id": "w"},
                        },
                    )
                )
            case _:
                data: dict[str, object] = {"workitem": {"id": draw(st.sampled_from("XY"))}}
                if draw(st.booleans()):
                    data["referenceId"] = draw(st.integers(1, 3))
                entries.append(event(number, now_s, session, **data))
    return entries


def asking_everybody(entries: list[Entry]) -> dict[int, int | None]:
    """The plain way: everyone who waits is asked again about everything that comes."""
    finder = CauseFinder(WORKBINS)
    causes: dict[int, int | None] = {}
    waiting: deque[Event] = deque()

    def ask(one: Event, *, last_chance: bool) -> None:
        cause = finder.cause_of(one, last_chance=last_chance)
        if cause is not None or last_chance:
            causes[one.number] = None if cause is None else cause.number
        else:
            waiting.append(one)

    for entry in entries:
        if isinstance(entry, Event):
            ask(entry, last_chance=False)
            continue
        assert isinstance(entry, Exchange | Publish)
        assert entry.at_s is not None
        took_s = (entry.took_s or 0.0) if isinstance(entry, Exchange) else 0.0
        overtaking = []
        while waiting:
            one = waiting.popleft()
            assert one.at_s is not None
            if entry.at_s + took_s - one.at_s <= OVERTAKING_S:
                overtaking.append(one)
            else:
                ask(one, last_chance=True)
        finder.observe(entry)
        for one in overtaking:
            ask(one, last_chance=False)
    while waiting:
        ask(waiting.popleft(), last_chance=True)
    return causes


@given(worlds())
def test_who_is_found_by_what_would_explain_it_is_found_by_asking_everybody(
    entries: list[Entry],
) -> None:
    waiting = WaitingEvents(CauseFinder(WORKBINS))
    causes: dict[int, int | None] = {}
    for entry in entries:
        if isinstance(entry, Event):
            cause = waiting.came(entry)
            if cause is not None:
                causes[entry.number] = cause.number
        else:
            assert isinstance(entry, Exchange | Publish)
            waiting.completed(entry)
    waiting.finish()
    assert causes | settled(waiting) == asking_everybody(entries)
