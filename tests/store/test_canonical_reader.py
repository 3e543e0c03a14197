"""The quick reader: what it reads is what the YAML reader reads, and the rest it leaves to it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cometape.core.cassette import Entry
from cometape.core.errors import CassetteError
from cometape.core.json_value import Json
from cometape.store.canonical_reader import canonical_document
from cometape.store.document_extents import extents
from cometape.store.yaml_documents import Limits, Table, documents
from cometape.store.yaml_emitter import TERMINATOR, dump_entry
from strategies import AWKWARD, entries

CASSETTES = sorted((Path(__file__).parents[2] / "cassettes").glob("**/*.yaml"))
laws = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=100)


def shown(value: Json) -> object:
    """All there is to a value: types, the order of keys, which tables know which lines."""
    if isinstance(value, dict):
        where = (value.line, value.lines) if isinstance(value, Table) else None
        return "mapping", where, [(key, shown(item)) for key, item in value.items()]
    if isinstance(value, list):
        return [shown(item) for item in value]
    return type(value), repr(value)


def by_yaml(data: bytes, before: int = 0) -> object:
    """What the YAML reader makes of the one document; None where it refuses."""
    try:
        found = list(documents(data, before=before))
    except CassetteError:
        return None
    return shown(found[0][0]) if len(found) == 1 else None


@laws
@given(entries(7), st.integers(0, 9), st.sampled_from(["", TERMINATOR]))
def test_what_we_write_is_read_as_the_yaml_reader_reads_it(
    entry: Entry, before: int, end: str
) -> None:
    data = (dump_entry(entry) + end).encode()
    quick = canonical_document(data, before)
    assert quick is None or shown(quick) == by_yaml(data, before)


PIECES = [
    *("\n", "\n", "\n  ", "\n    ", " ", "  ", ": ", ":", "- ", "-", ", ", ",", "[", "]", "{", "}"),
    *('"', "'", "\\", "|", "|-", ">", "#", " #", "&a", "*a", "!t", "<<", "?", "...", "---", "\t"),
    *("a", "bc", "event", "data", "null", "~", "true", "1", "-1", "1.5", "1e3", "02F0X", "0x1F"),
    *("a: 1", "b:\n  c: d", "l:\n  - x\n  - y", 'q: "a b"', "t: |\n  one\n  two", "f: {a: [1, b]}"),
    *("\\u00e9", "\\ud83d", "\\/", "é", "\u2028", "\ufeff", "a b", "x:y", "k,", "😀"),
]


@settings(laws, max_examples=800)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
@example("a: b\n c: d")
@example("a: |\n    b\n  c")
@example("a: |\n  b\n\nc: d")
@example("a: |\n  b\n   c\n\n  d\ne: f")
@example("a: [b: c]")
@example("a: [b, ]")
@example("a: {b}")
@example("a: 1\na: 2")
@example("a:\n  b: 1\n  b: 2")
@example("a:\n- b")
@example("a:\nb: c")
@example("a: {b: c} d")
@example('a: "b" c')
@example('"a": "b"c"')
@example("- - a\n  - b\n- c: d\n  e:\n    f: g")
@example("a:\n  - b: c\n    d: [e]\n  - - f\n    - g")
@example("a: " + "9" * 5000)
@example("k" * 1100 + ": v")
def test_what_it_accepts_the_yaml_reader_reads_alike(text: str) -> None:
    for written in (text, f"event: 1\ndata:\n  {text}", f"event: 1\ndata: {text}"):
        data = f"---\n{written}\n".encode()
        quick = canonical_document(data, 3)
        assert quick is None or shown(quick) == by_yaml(data, 3)


@settings(laws, max_examples=150)
@given(entries(7), st.data())
def test_a_change_anywhere_is_read_as_the_yaml_reader_reads_it(
    entry: Entry, data: st.DataObject
) -> None:
    text = dump_entry(entry)
    at = data.draw(st.integers(4, len(text)))
    change = data.draw(st.sampled_from(PIECES))
    length = data.draw(st.integers(0, 2))
    changed = (text[:at] + change + text[at + length :]).encode()
    if changed.count(b"\n---") == 0:
        quick = canonical_document(changed)
        assert quick is None or shown(quick) == by_yaml(changed)


@pytest.mark.parametrize("text", AWKWARD)
def test_awkward_texts_are_read_alike(text: str) -> None:
    for written in (f"---\na: {text}\n", f"---\na: [{text}]\n", f"---\n{text}: a\n"):
        data = written.encode()
        quick = canonical_document(data)
        assert quick is None or shown(quick) == by_yaml(data)


@pytest.mark.parametrize("path", CASSETTES, ids=lambda path: path.name)
def test_our_own_cassettes_are_read_quickly(path: Path) -> None:
    _, *found = extents(iter([path.read_bytes()]), path=str(path), max_document=1 << 30)
    quick = [canonical_document(one.data, one.line) is not None for one in found]
    assert quick.count(False) <= len(quick) // 20, "some texts have tabs"


@pytest.mark.parametrize("limits", [Limits(max_depth=2), Limits(max_scalar=20)])
def test_what_may_be_beyond_a_limit_is_left_to_the_yaml_reader(limits: Limits) -> None:
    for data in (b"---\nevent: 1\ndata: {a: [1]}\n", b"---\nevent: 1\ndata:\n  a:\n    b: 1\n"):
        assert canonical_document(data) is not None
        assert canonical_document(data, limits=limits) is None
