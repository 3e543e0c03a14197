"""A quick look at what is left over: it says what the report says, and does not begin anew."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cometape.core.playbook.playbook import Playbook
from cometape.core.playbook.recordings import Playable
from cometape.profiles import load_profile
from scripted import Script, Stage

CHANNEL = "/v2/me/items"
MANY = 300


class Counted(Playbook):
    """A playbook that counts the recordings which are looked at one by one."""

    looked_at = 0

    def playables_from(self, number: int) -> Iterator[Playable]:
        for one in super().playables_from(number):
            self.looked_at += 1
            yield one


@pytest.mark.parametrize("order", [range(MANY), range(MANY)[::-1]], ids=["forwards", "backwards"])
def test_a_look_goes_on_where_the_one_before_has_found_something(order: range) -> None:
    script = Script()
    for n in range(MANY):
        script.ask("agent7", "POST", f"/orders/{n}", {"n": n}, {"n": n})
    playbook = Counted.of(script.cassette, load_profile("workbins"))
    stage = Stage(playbook)
    person = stage.person("agent7")
    for n in order:
        assert not stage.service.is_ok()
        person.ask("POST", f"/orders/{n}", {"n": n})
    assert stage.service.is_ok()
    assert playbook.looked_at < 4 * MANY


def test_a_read_is_asked_for_when_any_of_its_recordings_is() -> None:
    script = Script()
    for n in range(5):
        script.ask("agent7", "GET", "/items", None, {"n": n})
        script.ask("agent7", "POST", "/items", {"n": n}, {"n": n})
    stage = Stage(script)
    person = stage.person("agent7")
    for n in range(5):
        person.ask("POST", "/items", {"n": n})
        stage.check_quick_looks()
    assert not stage.service.is_ok()
    person.ask("GET", "/items")
    stage.check_quick_looks()
    assert stage.service.is_ok()


def test_an_event_that_nobody_has_fetched_is_left_over() -> None:
    script = Script()
    script.listen("agent7", CHANNEL)
    script.ask("agent7", "POST", "/items", {"n": 1}, {"n": 1})
    script.event("agent7", CHANNEL, {"n": 1})
    stage = Stage(script)
    person = stage.person("agent7")
    person.listen(CHANNEL)
    person.ask("POST", "/items", {"n": 1})
    assert stage.service.is_undelivered()  # it is on its way
    stage.settle()
    assert stage.service.is_undelivered()  # it lies in a queue
    assert not stage.service.is_ok()
    stage.check_quick_looks()
    assert person.data() == [{"n": 1}]
    assert not stage.service.is_undelivered()
    assert stage.service.is_ok()


def test_a_miss_is_never_made_good() -> None:
    script = Script()
    script.ask("agent7", "GET", "/items", None, {"n": 1})
    stage = Stage(script)
    person = stage.person("agent7")
    person.ask("GET", "/elsewhere")
    person.ask("GET", "/items")
    stage.check_quick_looks()
    assert not stage.service.is_ok()
