"""Causes that are written down: what cannot be is told, and a long recording is not remembered."""

from __future__ import annotations

import tracemalloc

import pytest

from cometape.core.cassette import Entry, Event, Exchange
from cometape.core.catalogue import head_of
from cometape.core.causality.inference import Inference
from cometape.core.causality.written_causes import WrittenCauses
from cometape.core.errors import CassetteError
from cometape.core.exchange import Request, Response
from cometape.core.json_value import JsonObject
from cometape.profiles import load_profile


def exchange(number: int, at_s: float | None = None) -> Exchange:
    request = Request(method="POST", target=f"/{number}", body=b"x" * 500)
    return Exchange(
        number=number, session="a", at_s=at_s, request=request, response=Response(status=200)
    )


def event(number: int, cause: int | None, at_s: float | None = None, session: str = "a") -> Event:
    data: JsonObject = {"referenceId": number, "text": f"{number} " * 50}
    return Event(
        number=number, session=session, at_s=at_s, cause=cause, channel=f"/c{number}", data=data
    )


def refusal(*entries: Entry) -> tuple[int | None, str]:
    """What is told of a cassette: the entry, and the words."""
    written = WrittenCauses()
    for entry in entries:
        written.observe(head_of(entry))
    with pytest.raises(CassetteError) as told:
        written.check()
    return told.value.entry, str(told.value)


def test_a_cause_may_come_before_or_after_its_event() -> None:
    written = WrittenCauses()
    for entry in (exchange(1, 0.0), event(2, 1, 0.5), event(3, 4, 0.6), exchange(4, 0.55)):
        written.observe(head_of(entry))
    written.check()
    assert written.named() == {2: 1, 3: 4}


@pytest.mark.parametrize("cause", [2, 9, 1 << 70])
def test_a_cause_that_is_no_entry_is_told(cause: int) -> None:
    entry, told = refusal(exchange(1), event(3, cause))
    assert entry == 3
    assert f"its cause {cause} is no entry" in told


def test_a_cause_that_began_after_its_event_was_seen_is_told() -> None:
    assert refusal(event(1, 2, 1.0), exchange(2, 1.5))[0] == 1
    assert refusal(exchange(1, 2.0), event(2, 1, 1.0))[0] == 2


def test_events_of_two_sessions_may_cross_on_the_way_and_those_of_one_may_not() -> None:
    written = WrittenCauses()
    for entry in (event(1, None, 3.0, "b"), event(2, 1, 2.0)):
        written.observe(head_of(entry))
    written.check()
    assert refusal(event(1, None, 3.0), event(2, 1, 2.0))[0] == 2


def test_of_several_the_first_in_the_file_is_told() -> None:
    entries = (event(1, 9), event(2, 1), event(3, 2, 0.0), exchange(4, 5.0), event(5, 4, 1.0))
    assert refusal(*entries)[0] == 1


def test_a_circle_is_told_before_all_else() -> None:
    _, told = refusal(event(1, 3), event(2, 1), event(3, 2), event(4, 99))
    assert "in a circle" in told
    _, told = refusal(event(1, 1))
    assert "in a circle" in told


def test_checking_a_long_recording_takes_a_few_dozen_bytes_of_an_entry() -> None:
    """Counted by the allocator: what `cometape lint` holds of every entry until its end."""
    before = 0
    inference = Inference(load_profile("workbins"), find=False)
    tracemalloc.start()
    try:
        for number in range(1, 40_001, 2):
            inference.observe(exchange(number, number / 10))
            inference.observe(event(number + 1, number, number / 10 + 0.05))
            if number == 19_999:
                before = tracemalloc.get_traced_memory()[0]
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert inference.causes() == {}
    assert grown / 20_000 < 40, "twenty-nine, and what arrays keep in reserve"
