"""Older formats are converted step by step; there are none yet."""

from __future__ import annotations

from cometape.core.cassette import FORMAT
from cometape.store.formats import CONVERTERS, upgrade
from cometape.store.yaml_documents import Table


def document(**values: int) -> Table:
    table = Table(line=1)
    table.update(values)
    return table


def test_every_older_format_has_a_converter_and_no_other() -> None:
    assert sorted(CONVERTERS) == list(range(1, FORMAT))


def test_a_document_of_the_current_format_stays_as_it_is() -> None:
    now = document(event=1)
    assert upgrade(now, FORMAT) is now


def test_converters_are_applied_one_after_the_other() -> None:
    steps = {
        1: lambda old: document(**{**old, "two": 2}),
        2: lambda old: document(**{**old, "three": old["two"] + 1}),
    }
    assert upgrade(document(event=1), 1, steps, 3) == {"event": 1, "two": 2, "three": 3}
    assert upgrade(document(event=1, two=2), 2, steps, 3) == {"event": 1, "two": 2, "three": 3}
