"""What trickles in by a clock that is advanced: as many pieces as there are, at their times."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cometape.core.exchange import Request
from cometape.core.service import Action, Manner, Proceed, Respond, SendText, Spoil, Trickling
from cometape.core.virtual_time import VirtualTime
from tiny_service import TinyService, ok

DRIP = Manner(piece_bytes=16, every_s=0.5)


class Dripping(TinyService):
    """Answers every request in pieces, after two seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.dripping: dict[int, float] = {}

    def request(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        self.dripping[exchange] = now_s + 2
        return []

    def tick(self, now_s: float) -> Sequence[Action]:
        due = [exchange for exchange, at_s in self.dripping.items() if at_s <= now_s]
        for exchange in due:
            del self.dripping[exchange]
        return [Spoil(Respond(exchange, ok("x")), DRIP) for exchange in due]

    def deadline_s(self) -> float | None:
        return min(self.dripping.values(), default=None)


def ask(clock: VirtualTime, exchange: int = 1) -> None:
    clock.request(exchange, exchange, Request(method="GET", target="/"), 0.0)


def test_pieces_go_when_their_time_is_advanced_to_and_not_before() -> None:
    clock = VirtualTime(Dripping())
    assert isinstance(clock, Trickling)
    ask(clock)
    assert [type(action) for action in clock.advance(2)] == [Spoil]
    assert clock.trickle(1, 0.5, 3) == 0
    assert clock.next_piece_s() == 2.5
    assert clock.advance(0.4) == []
    assert clock.advance(0.1) == [Proceed(1)]
    assert clock.advance(10) == [Proceed(1), Proceed(1)]
    assert clock.next_piece_s() is None


def test_the_shell_that_hears_of_it_after_an_advance_is_told_what_has_gone_by() -> None:
    clock = VirtualTime(Dripping())
    ask(clock)
    clock.advance(3.2)
    assert clock.trickle(1, 0.5, 5) == 2
    assert clock.advance(0.3) == [Proceed(1)]
    assert clock.trickle(2, 0.0, 7) == 7, "no time passes between two of them"


def test_who_has_gone_gets_no_more() -> None:
    clock = VirtualTime(Dripping())
    ask(clock)
    clock.advance(2)
    clock.trickle(1, 0.5, 3)
    clock.dried_up(1)
    assert clock.advance(10) == []


def test_frames_of_a_socket_trickle_one_after_the_other() -> None:
    class Speaking(TinyService):
        def text(self, socket: int, text: str, now_s: float) -> Sequence[Action]:
            return [Spoil(SendText(socket, text), DRIP)] * 2

    clock = VirtualTime(Speaking())
    clock.text(5, "hi", 0.0)
    assert clock.trickle(5, 0.5, 2) == 0
    assert clock.advance(1) == [Proceed(5), Proceed(5)]
    assert clock.trickle(5, 0.5, 2) == 0, "the second begins when the first is through"


@given(st.lists(st.integers(0, 4000), max_size=8), st.integers(1, 12), st.integers(1, 900))
def test_however_far_each_advance_goes_every_piece_has_its_time(
    steps_ms: list[int], pieces: int, every_ms: int
) -> None:
    """The law: what has gone depends on where the clock stands, not on how it came there."""
    clock = VirtualTime(Dripping())
    ask(clock)
    gone = 0
    has_begun = False
    at_ms = 0
    for step_ms in steps_ms:
        at_ms += step_ms
        for action in clock.advance(step_ms / 1000):
            if isinstance(action, Proceed):
                gone += 1
            else:
                has_begun = True
                gone += clock.trickle(1, every_ms / 1000, pieces)
        assert has_begun == (at_ms >= 2000)
        assert gone == min(pieces, max(0, at_ms - 2000) // every_ms)
        if has_begun and gone < pieces:
            assert clock.next_piece_s() == pytest.approx(2 + (gone + 1) * every_ms / 1000)
