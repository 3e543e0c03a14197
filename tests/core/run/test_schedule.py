"""A schedule gives events in the order of their times; of equal times the first put comes first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cometape.core.playbook.playbook import Playbook
from cometape.core.run.play import Due
from cometape.core.run.player import Run
from cometape.core.run.schedule import Schedule
from cometape.profiles import load_profile
from scripted import Script


def story() -> tuple[Playbook, Run]:
    script = Script()
    script.event("agent7", "/v2/me", {})
    playbook = Playbook.of(script.cassette, load_profile("workbins"))
    return playbook, Run(playbook, 1)


PLAYBOOK, RUN = story()
(FOLLOWER,) = PLAYBOOK.all_followers()


@given(st.lists(st.tuples(st.sampled_from(["put", "due", "take"]), st.integers(0, 9))))
def test_events_come_by_time_and_then_in_the_order_in_which_they_were_put(
    steps: list[tuple[str, int]],
) -> None:
    schedule = Schedule()
    waiting: list[Due] = []  # a simple one: sorted anew whenever it is looked at
    for what, at in steps:
        if what == "put":
            due = Due(FOLLOWER, None, float(at), RUN)
            schedule.put(due)
            waiting.append(due)
            waiting.sort(key=lambda one: one.at_s)
        elif what == "due":
            found = [one for one in waiting if one.at_s <= at]
            assert schedule.take_due(float(at)) == found
            waiting = waiting[len(found) :]
        else:
            taken = waiting[at::2]
            schedule.take(taken)
            waiting = [one for one in waiting if one not in taken]
        assert list(schedule) == waiting
        assert schedule.next_s() == min((one.at_s for one in waiting), default=None)
