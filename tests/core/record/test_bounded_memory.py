"""However long a recording lasts, what its core remembers stays of the same size."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from cometape.core.cassette import Exchange, Publish
from cometape.core.causality.inference import CauseFinder
from cometape.core.exchange import Request, Response
from cometape.core.json_value import JsonObject
from cometape.core.recent import Recent
from cometape.core.record.ack_resends import MAX_UNACKNOWLEDGED, AckResends
from cometape.core.record.client_sessions import MAX_MARKS, ClientSessions, Evidence
from cometape.core.record.notices import MAX_KINDS, OTHERS, Notices
from cometape.core.scrub.learnt_secrets import LearntSecrets
from cometape.core.scrub.placeholder import Placeholders
from cometape.profiles import load_profile
from watching import By, Watching

MANY = 300_000


def grown_kb(step: Callable[[int], object], first: int, then: int) -> float:
    """By how much memory grows from the `first` calls of `step` to the `then` further ones, kB."""
    tracemalloc.start()
    try:
        for number in range(first):
            step(number)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for number in range(first, first + then):
            step(number)
        gc.collect()
        return (tracemalloc.get_traced_memory()[0] - before) / 1000
    finally:
        tracemalloc.stop()


@given(st.lists(st.integers(0, 30)), st.integers(1, 12))
def test_the_latest_keys_are_kept(keys: list[int], most: int) -> None:
    recent: Recent[int, int] = Recent(most)
    for at, key in enumerate(keys):
        recent[key] = at
    latest = list(dict.fromkeys(reversed(keys)))[:most]
    assert sorted(recent) == sorted(latest)
    assert all(recent[key] == len(keys) - 1 - keys[::-1].index(key) for key in latest)


def test_a_key_that_is_used_again_is_kept() -> None:
    recent: Recent[int, str] = Recent(2)
    recent[1], recent[2] = "a", "b"
    assert recent.setdefault(1, "c") == "a"
    recent[3] = "d"
    assert sorted(recent) == [1, 3]


def test_connections_and_renewed_cookies_are_forgotten_in_the_end() -> None:
    sessions = ClientSessions()
    for number in range(MANY):
        seen = Evidence(
            connection=f"c{number}",
            presented=(f"JSESSIONID=s{number - 1}",) if number else (),
            issued=(f"JSESSIONID=s{number}",),
            credentials="basic agent7",
            user="agent7",
        )
        sessions.of_exchange(seen)
    (client,) = sessions.clients
    assert client.name == "agent7"
    assert len(sessions._connections) <= MAX_MARKS
    assert len(sessions._cookies) <= MAX_MARKS
    assert len(client.kept) <= 256
    assert len(client.renewed) <= 256


def test_a_client_among_thousands_is_found_as_quickly() -> None:
    sessions = ClientSessions()
    for number in range(MANY):
        user = f"agent{number % 5000}"
        seen = Evidence(connection=f"c{number}", credentials=f"basic {user}", user=user)
        sessions.of_exchange(seen)
    assert len(sessions.clients) == 5000


def test_secrets_and_placeholders_stay_bounded() -> None:
    placeholders = Placeholders()
    learnt = LearntSecrets(max_spellings=20_000)
    for number in range(MANY // 4):
        secret = f"{number * 7919:016x}"
        learnt.learn(secret, placeholders.of("session", secret))
    assert len(learnt._placeholders) <= 20_000
    assert len(learnt._pieces) <= 4 * 20_000
    assert len(placeholders._by_secret) <= 200_000
    last = f"{(MANY // 4 - 1) * 7919:016x}"
    assert placeholders.of("session", last) == f"<session:{MANY // 4}>"


def test_notices_of_many_words_become_one() -> None:
    notices = Notices()
    for number in range(MANY):
        notices.problem(f"odd thing {number}")
    assert len(notices.problems) == MAX_KINDS + 1
    assert notices.problems[OTHERS] == MANY - MAX_KINDS
    assert notices.problems.total() == MANY


def test_events_that_are_never_acknowledged_are_bounded() -> None:
    resends = AckResends()
    resends.acknowledged(0)
    for number in range(MANY):
        assert not resends.is_resent({"channel": "/a", "data": number})
    assert len(resends._unacknowledged) <= MAX_UNACKNOWLEDGED


def test_events_of_a_session_without_the_ack_extension_are_not_remembered() -> None:
    resends = AckResends()
    for number in range(100):
        assert not resends.is_resent({"channel": "/a", "data": number})
    assert len(resends._unacknowledged) == 0


def test_causes_are_looked_for_in_the_latest_operations() -> None:
    finder = CauseFinder(load_profile("workbins"), max_operations=300)

    def step(number: int) -> None:
        request = Request(
            method="POST",
            target=f"/api/v2/me/workbins/{number}",
            body=b'{"operationName":"PullWorkitem","id":"%d"}' % number,
        )
        answer = b'{"statusCode":0,"referenceId":%d}' % number
        response = Response(status=200, body=answer)
        finder.observe(
            Exchange(number=2 * number + 1, session="a", request=request, response=response)
        )
        finder.observe(
            Publish(number=2 * number + 2, session="a", channel="/a", data={"n": number})
        )

    assert grown_kb(step, 1_000, 4_000) < 100


def test_a_long_recording_of_many_handshakes_and_exchanges_does_not_grow() -> None:
    watching = Watching()

    def step(number: int) -> None:
        by = By(connection=f"c{number}", user=f"agent{number % 20}")
        goodbye: JsonObject = {"channel": "/meta/disconnect", "clientId": f"client-{number:020}"}
        watching.handshake(f"client-{number:020}", by=by)
        watching.rest("GET", f"/api/v2/me?n={number}", by=by, answer={"n": number})
        watching.bayeux([goodbye], [{**goodbye, "successful": True}], by=by)
        watching.entries.clear()

    for limited in (watching.observer._bayeux._sessions, watching.observer._clients._connections):
        limited._most = 100
    watching.observer.scrubber._met._long = LearntSecrets(max_spellings=200)
    watching.observer.scrubber.placeholders._by_secret._most = 400
    watching.observer._causes._max_operations = 100
    assert grown_kb(step, 800, 1_500) < 200
