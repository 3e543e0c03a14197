"""Damage in a file too large to be read as a whole is told where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from cometape.core.errors import CassetteError
from cometape.store.cassette_file import save
from cometape.store.entry_stream import EntryStream, Unusual, opened, read_whole
from cometape.store.yaml_documents import Limits
from two_sessions import TWO_SESSIONS

SMALL = Limits(max_bytes=100)
"""As if a hundred bytes were the most that is read as a whole."""


def told_of(path: Path) -> CassetteError:
    """The error for a file that is not read piece by piece."""
    with opened(path) as file, pytest.raises(Unusual) as met:
        for _ in EntryStream(file.blocks(), file.path):
            pass
    with pytest.raises(CassetteError) as told:
        read_whole(path, met.value, limits=SMALL)
    return told.value


@pytest.mark.parametrize(
    ("damage", "by", "words"),
    [
        (b"event: 8\n", b"event: x\n", "event"),
        (b"event: 8\n", b"event: 3\n", "the number 3 is not above those before it"),
        (b"cause: 7\n", b"cause: 8\n", "entry 8 names the cause 8, which cannot be"),
        (b"event: 8\n", b"event: 8\n<<<<<<< a\n=======\n>>>>>>> b\n", "conflict of a merge"),
        (b"event: 8\n", b"event: 8\nerror: \xe9\n", "not UTF-8"),
    ],
)
def test_it_is_told_with_its_line(tmp_path: Path, damage: bytes, by: bytes, words: str) -> None:
    path = tmp_path / "c.yaml"
    save(TWO_SESSIONS, path)
    data = path.read_bytes()
    path.write_bytes(data.replace(damage, by))
    told = told_of(path)
    assert words in str(told)
    assert told.line is not None
    assert abs(told.line - data[: data.index(damage)].count(b"\n")) <= 3  # of the entry
    assert "too large" not in str(told)


def test_one_that_was_cut_off_is_told_where_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    save(TWO_SESSIONS, path)
    path.write_bytes(path.read_bytes()[:-20])
    told = told_of(path)
    assert "it is cut off" in str(told)
    assert told.line == path.read_bytes().count(b"\n")


def test_a_file_that_is_not_too_large_is_read_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    save(TWO_SESSIONS, path)
    assert read_whole(path, Unusual("it is odd")) == TWO_SESSIONS
