"""The agenda knows whose event is next without asking every run."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cometape.core.replay.agenda import Agenda


class Waiting:
    """What the agenda asks of a run: when its next event is due."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def deadline_s(self) -> float | None:
        return min(self.times, default=None)


STEPS = st.lists(
    st.tuples(st.sampled_from(["event", "lose", "wait"]), st.integers(0, 3), st.integers(1, 50))
)


@given(STEPS)
def test_every_run_is_due_when_its_next_event_is_and_none_earlier(
    steps: list[tuple[str, int, int]],
) -> None:
    agenda: Agenda[Waiting] = Agenda()
    runs = [Waiting() for _ in range(4)]
    now_s = 0.0
    for what, which, delay in steps:
        run = runs[which]
        if what == "event":
            run.times.append(now_s + delay)
            agenda.note(run)
        elif what == "lose" and run.times:
            run.times.remove(min(run.times))  # taken out by a client that says goodbye
        else:
            now_s += delay
            next_s = agenda.next_s()
            due = agenda.take_due(now_s)
            assert len(set(due)) == len(due)
            assert {one for one in runs if any(at <= now_s for at in one.times)} <= set(due)
            assert not due or (next_s is not None and next_s <= now_s)
            for one in due:
                one.times = [at for at in one.times if at > now_s]
                agenda.note(one)
        waiting = [at for one in runs for at in one.times]
        next_s = agenda.next_s()
        assert not waiting or (next_s is not None and next_s <= min(waiting))


def test_an_agenda_of_runs_without_events_wants_no_look() -> None:
    agenda: Agenda[Waiting] = Agenda()
    agenda.note(Waiting())
    assert agenda.next_s() is None
    assert agenda.take_due(1e9) == []
