"""Columns come back as they went, and bytes that are none are a ValueError."""

from __future__ import annotations

from array import array
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cometape.core.memo import Memo
from cometape.core.playbook.columns import Integers, Lookup, Rows, Texts, fingerprint, pack, unpack
from cometape.core.playbook.playbook_index import PlaybookIndex

texts = st.lists(st.text(st.characters(exclude_categories=[])), max_size=20)


@given(texts, st.lists(st.lists(st.integers(0, 2**32 - 1), max_size=5), max_size=8))
def test_tables_come_back_as_they_went(words: list[str], rows: list[list[int]]) -> None:
    columns: dict[str, Any] = Texts.of(words).columns("words")
    columns.update(Rows.of(rows).columns("rows"))
    columns.update(Lookup.of(words).columns("at"))
    columns["delays"] = array("d", [0.5, -1.0])
    packed = unpack(memoryview(b"".join(pack(columns))))
    assert list(Texts.in_columns(packed, "words")) == words
    assert [list(row) for row in Rows.in_columns(packed, "rows")] == rows
    assert [Rows.in_columns(packed, "rows").length(at) for at in range(len(rows))] == [
        len(row) for row in rows
    ]
    found = Lookup.in_columns(packed, "at")
    last = {word: at for at, word in enumerate(words)}
    assert all(found.find(word) == at for word, at in last.items())
    assert found.find("something else entirely") is None
    assert list(packed["delays"]) == [0.5, -1.0]


@given(st.sets(st.integers(0, 2**64 - 1)), st.integers(0, 2**64 - 1))
def test_integers_are_a_set(numbers: set[int], other: int) -> None:
    found = Integers(array("Q", sorted(numbers)))
    assert all(number in found for number in numbers)
    assert (other in found) == (other in numbers)
    assert not found.__contains__("17")
    assert list(found) == sorted(numbers)
    assert len(found) == len(numbers)


def test_a_fingerprint_is_the_same_everywhere() -> None:
    assert fingerprint("PullWorkitem") == 0xFA516FEA46BBCA5D, (
        "an index may come from another process"
    )
    assert fingerprint("a\ud83d") != fingerprint("a")


@given(st.binary(max_size=200))
def test_any_bytes_are_columns_or_a_value_error(data: bytes) -> None:
    try:
        columns = unpack(memoryview(data))
    except ValueError:
        return
    with pytest.raises(ValueError, match="index"):
        PlaybookIndex.in_columns(columns)


@given(st.lists(st.integers(0, 30), max_size=200), st.integers(1, 8))
def test_what_was_asked_for_lately_is_kept_and_little_else(asked: list[int], most: int) -> None:
    made: list[int] = []

    def make(key: int) -> str:
        made.append(key)
        return f"value {key}"

    memo = Memo(make, most)
    for at, key in enumerate(asked):
        before = len(made)
        assert memo(key) == f"value {key}"
        assert len(memo) <= 2 * most + 1
        if (
            len(set(asked[:at][-most + 1 :] if most > 1 else [])) < most
            and key in asked[max(0, at - most + 1) : at]
        ):
            assert len(made) == before, "it was asked for a moment ago"
