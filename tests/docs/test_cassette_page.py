"""`docs/cassette.md` names every key of the format, and its example loads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cometape.core.cassette import Event
from cometape.store.entry_fields import (
    ENTRY_FIELDS,
    ENTRY_KEYS,
    HEADER_FIELDS,
    REQUEST_KEYS,
    RESPONSE_KEYS,
)
from cometape.store.yaml_reader import load

PAGE = (Path(__file__).parents[2] / "docs" / "cassette.md").read_text(encoding="utf-8")
KEYS = {
    *("cassette", "ends_with", *ENTRY_FIELDS, *ENTRY_KEYS, *REQUEST_KEYS, *RESPONSE_KEYS),
    *(field.key for field in HEADER_FIELDS),
    *(field.key for _, fields in ENTRY_FIELDS.values() for field in fields),
}


@pytest.mark.parametrize("key", sorted(KEYS))
def test_every_key_is_explained(key: str) -> None:
    assert f"`{key}`" in PAGE


def test_the_example_loads() -> None:
    example = re.search(r"```yaml\n(.+?)```", PAGE, re.DOTALL)
    assert example is not None
    *_, event = load(example[1].encode()).entries
    assert isinstance(event, Event)
    assert event.cause == 3
