"""A clock that stands still until it is advanced: what happens, happens on it alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cometape.core.bayeux.settings import Settings
from cometape.core.broker import Broker
from cometape.core.errors import ConfigurationError
from cometape.core.exchange import Request
from cometape.core.faults.fault_reading import read_rules
from cometape.core.json_value import Json
from cometape.core.playbook.playbook import Playbook
from cometape.core.replay.pending import pending
from cometape.core.replay.replay_service import Replay, ReplayService, ReplaySettings
from cometape.core.run.pace import Pace
from cometape.core.service import Action
from cometape.core.virtual_time import VirtualTime
from cometape.profiles import load_profile
from conversation import Client, Conversation
from scripted import NOTIFICATIONS, Script

ITEMS = "/v2/me/workitems"
JSON = [("Content-Type", "application/json")]
PULL = '{"operationName":"Pull"}'


class Timed:
    """A conversation with a service whose clock the test advances."""

    def __init__(self, clock: VirtualTime, path: str = "/cometd") -> None:
        self.clock = clock
        self.talk = Conversation(clock, path=path)

    def advance(self, seconds: float) -> None:
        self.talk.carry_out(self.clock.advance(seconds))


def broker(**settings: Any) -> Timed:
    return Timed(VirtualTime(Broker(Settings(**settings))))


def script() -> Script:
    """An operation with an event a second after its answer, and another a second later."""
    script = Script(recorded_at="2026-03-01T09:15:00Z")
    script.listen("agent7", ITEMS)
    script.ask("agent7", "POST", "/bins/A", {"operationName": "Pull"}, {"referenceId": 17})
    script.event("agent7", ITEMS, {"referenceId": 17, "n": 1})
    script.event("agent7", ITEMS, {"referenceId": 17, "n": 2})
    return script


def replay(**settings: Any) -> Timed:
    cassette = script().cassette
    playbook = Playbook.of(cassette, load_profile("workbins"))
    chosen = ReplaySettings(pace=Pace.parse("manual"), **settings)
    return Timed(VirtualTime(ReplayService(playbook, chosen)), NOTIFICATIONS)


def pull(timed: Timed) -> int:
    asked = timed.talk.send("POST", "/bins/A", headers=JSON, body=PULL)
    number: int = asked.json["referenceId"]
    return number


def numbers(client: Client) -> list[int]:
    return [event["data"]["n"] for event in client.events]


def test_a_held_connect_times_out_when_its_time_is_advanced_to_and_not_before() -> None:
    timed = broker()
    held = timed.talk.client().begin().hold()
    timed.advance(29.999)
    assert held.held
    timed.advance(0.001)
    assert held.message["channel"] == "/meta/connect"
    assert held.message["successful"]


def test_a_session_expires_on_the_clock_and_its_client_is_told_to_shake_hands_again() -> None:
    timed = broker(max_interval_ms=10_000, sweep_ms=0)
    client = timed.talk.client().begin()
    timed.advance(9.9)
    assert client.connect(advice={"timeout": 0})["successful"]
    timed.advance(10)
    reply = client.connect()
    assert reply["error"].startswith("402")
    assert reply["advice"]["reconnect"] == "handshake"


def test_the_shells_own_time_means_nothing() -> None:
    timed = broker()
    held = timed.talk.client().begin().hold()
    timed.talk.now_s += 1_000_000
    assert timed.clock.deadline_s() is None
    assert timed.clock.tick(timed.talk.now_s) == ()
    assert held.held
    assert timed.clock.now_s == 0.0


def test_recorded_events_come_after_their_recorded_delay() -> None:
    timed = replay()
    client = timed.talk.client().begin(ITEMS)
    held = client.hold()
    pull(timed)
    due = [one.at_s for one in pending(_replay(timed)) if one.what == "event"]
    assert due == pytest.approx([0.9, 1.9])
    timed.advance(0.8)
    assert held.held
    timed.advance(0.2)
    assert [event["data"]["n"] for event in held.events] == [1]
    held = client.hold()
    timed.advance(10)
    assert [event["data"]["n"] for event in held.events] == [2]


def test_pending_names_events_timeouts_and_expiries_the_next_first() -> None:
    timed = replay(bayeux=Settings(max_interval_ms=300_000, sweep_ms=0))
    timed.talk.client(headers=[("Authorization", "Basic YWdlbnQ3Ong=")]).begin(ITEMS).hold()
    timed.talk.client().begin()
    pull(timed)
    found = [(one.what, one.client) for one in pending(_replay(timed))]
    assert [what for what, _ in found] == ["event", "event", "timeout", "expiry"]
    assert ("timeout", "agent7") in found


def test_timesync_tells_the_time_of_the_clock() -> None:
    timed = broker(max_interval_ms=1_000_000)
    client = timed.talk.client().begin()
    timed.advance(100)
    asked = {"ext": {"timesync": {"tc": 5, "l": 0, "o": 0}}}
    held = client.hold(**asked)
    timed.advance(30)
    assert held.message["ext"]["timesync"]["ts"] == 100_000
    assert held.message["ext"]["timesync"]["p"] == 30_000


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 1e9])
def test_time_does_not_go_back_or_for_ever(seconds: float) -> None:
    with pytest.raises(ConfigurationError, match="cannot be advanced"):
        broker().clock.advance(seconds)


def test_ten_advances_of_a_tenth_are_one_of_one() -> None:
    timed = broker(timeout_ms=1000)
    timed.advance(12.3)
    held = timed.talk.client().begin().hold()
    for _ in range(9):
        timed.advance(0.1)
    assert held.held
    timed.advance(0.1)
    assert not held.held
    assert timed.clock.now_s == pytest.approx(13.3)


def test_a_service_that_stays_due_is_asked_again_a_little_later() -> None:
    class Restless:
        """Wants a tick at 1 s until it has had three."""

        def __init__(self) -> None:
            self.ticks: list[float] = []

        def request(
            self, exchange: int, connection: int, request: Request, now_s: float
        ) -> Sequence[Action]:
            return []

        upgrade = request

        def text(self, socket: int, text: str, now_s: float) -> Sequence[Action]:
            return []

        def gone(self, exchange_or_socket: int, now_s: float) -> Sequence[Action]:
            return []

        def tick(self, now_s: float) -> Sequence[Action]:
            self.ticks.append(now_s)
            return []

        def deadline_s(self) -> float | None:
            return 1.0 if len(self.ticks) < 3 else None

    service = Restless()
    VirtualTime(service).advance(2)
    assert service.ticks == pytest.approx([1.0, 1.001, 1.002])


Acts = st.lists(
    st.one_of(
        st.sampled_from(["come", "hold", "poll", "pull", "leave", "say goodbye"]),
        st.floats(0.001, 400).map(lambda seconds: round(seconds, 3)),
    ),
    max_size=12,
)


FAULTS = (
    "delay=700ms method=POST",
    "delay=3s channel=/meta/connect nth=2",
    "drip=300ms bytes=9 method=POST",
    "drip=400ms channel=/meta/connect probability=0.5",
    "402 operation=Pull nth=2",
    "402=kept operation=Pull nth=1",
    "expired channel=/meta/connect nth=3",
    "early=2s nth=1",
    "late=90s nth=1",
    "lost nth=2",
    "duplicated=3 after=20s",
    "reordered=2s",
)
Disturbed = st.fixed_dictionaries(
    {
        "faults": st.lists(st.sampled_from(FAULTS), max_size=3, unique=True).map(
            lambda texts: read_rules(list[Json](texts))
        ),
        "order": st.sampled_from([None, "4-before-3", "3-after-4+5", "4-apart-5"]),
    }
)


@given(Acts, Disturbed, st.data())
def test_one_advance_does_what_many_small_ones_do(
    acts: list[str | float], disturbed: dict[str, Any], data: st.DataObject
) -> None:
    """The law: whatever clients did in between, only how far the clock has come counts.

    Also where faults hold answers back, let them trickle, end sessions, move events about; and
    where an order is played.
    """

    def parts(seconds: float) -> list[float]:
        cuts = data.draw(st.lists(st.floats(0, 1), max_size=5))
        at_ms = sorted({round(cut * seconds * 1000) for cut in cuts} | {round(seconds * 1000)})
        return [(b - a) / 1000 for a, b in zip([0, *at_ms], at_ms, strict=False)]

    whole = played(acts, lambda seconds: [seconds], disturbed)
    assert played(acts, parts, disturbed) == whole
    assert played(acts, lambda seconds: [seconds], disturbed) == whole


def played(
    acts: list[str | float],
    parts: Callable[[float], list[float]],
    disturbed: dict[str, Any],
) -> list[str]:
    """Every action of the service, to the byte, while clients do these things."""
    timed = replay(repeats=True, bayeux=Settings(max_interval_ms=60_000), **disturbed)
    clients: list[Client] = []
    for act in acts:
        if isinstance(act, float):
            for seconds in parts(act):
                timed.advance(seconds)
        elif act == "come":
            clients.append(timed.talk.client())
            clients[-1].handshake()
            clients[-1].subscribe(ITEMS)
        elif act == "pull":
            timed.talk.send("POST", "/bins/A", headers=JSON, body=PULL)
        elif act == "leave" and timed.talk.held:
            timed.talk.held[0].leave()
        elif clients and act == "say goodbye":
            clients.pop().disconnect()
        elif clients and act in ("hold", "poll"):
            advice = {} if act == "hold" else {"advice": {"timeout": 0}}
            clients[-1].send(
                clients[-1].message("/meta/connect", connectionType="long-polling", **advice)
            )
    return [repr(action) for action in timed.talk.log]


def _replay(timed: Timed) -> Replay:
    service = timed.clock.inner
    assert isinstance(service, ReplayService)
    return service.replay
