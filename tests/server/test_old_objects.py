"""Old objects are not walked by each full collection; garbage among them goes in the end."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from cometape.server.old_objects import OldObjects


class Knot:
    """Something that only a garbage collector can free."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def slack() -> Iterator[int]:
    slack = 2 * len(gc.get_objects())
    old = OldObjects(slack)
    yield slack
    old.release()


def test_what_survived_is_not_walked_again(slack: int) -> None:
    kept = [Knot() for _ in range(1000)]
    assert any(one is kept[0] for one in gc.get_objects())
    gc.collect()
    assert not any(one is kept[0] for one in gc.get_objects())


def test_young_garbage_goes_at_once(slack: int) -> None:
    seen = weakref.ref(Knot())
    gc.collect()
    assert seen() is None


def test_garbage_that_is_old_goes_when_there_is_much_that_is_old(slack: int) -> None:
    knot = Knot()
    seen = weakref.ref(knot)
    gc.collect()
    del knot
    gc.collect()
    assert seen() is not None
    kept = [[] for _ in range(slack + 1)]  # type: ignore[var-annotated]
    gc.collect()  # sets them apart
    gc.collect()  # finds that there are too many
    assert seen() is None
    assert kept


def test_afterwards_everything_is_walked_as_before() -> None:
    old = OldObjects()
    kept = Knot()
    gc.collect()
    old.release()
    assert any(one is kept for one in gc.get_objects())
    assert gc.get_freeze_count() == 0


def test_once_released_all_is_as_it_was() -> None:
    before = gc.get_threshold(), list(gc.callbacks)
    old = OldObjects()
    assert gc.get_threshold() != before[0]
    old.release()
    assert (gc.get_threshold(), list(gc.callbacks)) == before
    assert gc.get_freeze_count() == 0
