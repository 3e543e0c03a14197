"""How the laws are searched: on this machine at random, in CI the same examples every time.

And no test leaves the signals of this process otherwise than it found them: programs that are
started later would ignore what they are told by.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")

_TELLING = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


@pytest.fixture(autouse=True)
def signals_stay_as_they_were() -> Iterator[None]:
    before = [signal.getsignal(number) for number in _TELLING]
    yield
    assert [signal.getsignal(number) for number in _TELLING] == before
