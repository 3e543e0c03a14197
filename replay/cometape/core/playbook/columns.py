"""Columns: long lists of numbers and texts as flat memory, so that loading them costs nothing.

A hundred thousand small objects take a second to make and a hundred megabytes to hold; the same
numbers in a few arrays are there as soon as their bytes are. Packed columns are data alone: what
is wrong with them is a ValueError, never anything that runs.
"""

from __future__ import annotations

import json
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

Column = Sequence[int]
Columns = Mapping[str, Any]
"""Columns by name: arrays, or memory views of what was read."""
NONE = 0xFFFFFFFF
"""Stands for nothing in a column of 32 bits."""

_ALIGNMENT = 8
_WORD = 8
_ORDER = "little" if array("H", [1]).tobytes()[0] else "big"


def fingerprint(text: str) -> int:
    """64 bits of a text, the same on every machine; equal for unequal texts by chance alone."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_WORD).digest()
    return int.from_bytes(digest, "little")


class Texts(Sequence[str]):
    """A table of texts, each made when it is asked for."""

    __slots__ = ("_bytes", "_starts")

    def __init__(self, data: bytes | memoryview, starts: Column) -> None:
        self._bytes = data
        self._starts = starts

    @classmethod
    def of(cls, texts: Iterable[str]) -> Texts:
        """A table of these."""
        pieces = [text.encode("utf-8", "surrogatepass") for text in texts]
        starts = array("Q", [0])
        for piece in pieces:
            starts.append(starts[-1] + len(piece))
        return cls(b"".join(pieces), starts)

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, index: int) -> str:  # type: ignore[override]  # no slices
        start, end = self._starts[index], self._starts[index + 1]
        return bytes(self._bytes[start:end]).decode("utf-8", "surrogatepass")

    def columns(self, name: str) -> dict[str, Any]:
        """As columns, for packing."""
        return {f"{name}.bytes": array("B", bytes(self._bytes)), f"{name}.starts": self._starts}

    @classmethod
    def in_columns(cls, columns: Columns, name: str) -> Texts:
        """The table that `columns` made columns of."""
        return cls(columns[f"{name}.bytes"], columns[f"{name}.starts"])


class Rows(Sequence[Column]):
    """A table of lists of numbers."""

    __slots__ = ("_numbers", "_starts")

    def __init__(self, starts: Column, numbers: Column) -> None:
        self._starts = starts
        self._numbers = numbers

    @classmethod
    def of(cls, rows: Iterable[Iterable[int]]) -> Rows:
        """A table of these."""
        starts, numbers = array("I", [0]), array("I")
        for row in rows:
            numbers.extend(row)
            starts.append(len(numbers))
        return cls(starts, numbers)

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, index: int) -> Column:  # type: ignore[override]  # no slices
        return self._numbers[self._starts[index] : self._starts[index + 1]]

    def first(self, index: int) -> int:
        """The first number of a list that is not empty."""
        return self._numbers[self._starts[index]]

    def from_row(self, index: int) -> Iterator[int]:
        """All numbers: those of one list and the lists after it, then those of the lists before."""
        start = self._starts[index] if index < len(self) else 0
        for at in range(start, len(self._numbers)):
            yield self._numbers[at]
        for at in range(start):
            yield self._numbers[at]

    def length(self, index: int) -> int:
        """How long one list is."""
        return self._starts[index + 1] - self._starts[index]

    def columns(self, name: str) -> dict[str, Any]:
        """As columns, for packing."""
        return {f"{name}.starts": self._starts, f"{name}.numbers": self._numbers}

    @classmethod
    def in_columns(cls, columns: Columns, name: str) -> Rows:
        """The table that `columns` made columns of."""
        return cls(columns[f"{name}.starts"], columns[f"{name}.numbers"])


class Lookup:
    """From the fingerprints of texts to their places in a table."""

    __slots__ = ("_fingerprints", "_places")

    def __init__(self, fingerprints: Column, places: Column) -> None:
        self._fingerprints = fingerprints
        self._places = places

    @classmethod
    def of(cls, texts: Iterable[str]) -> Lookup:
        """The places of these, in their order."""
        return cls.of_fingerprints({fingerprint(text): at for at, text in enumerate(texts)})

    @classmethod
    def of_fingerprints(cls, places: Mapping[int, int]) -> Lookup:
        """The places of the texts with these fingerprints."""
        known = sorted(places)
        return cls(array("Q", known), array("I", [places[one] for one in known]))

    def __len__(self) -> int:
        return len(self._places)

    def find(self, text: str) -> int | None:
        """The place of a text, or None."""
        wanted = fingerprint(text)
        at = bisect_left(self._fingerprints, wanted)
        if at < len(self._fingerprints) and self._fingerprints[at] == wanted:
            return self._places[at]
        return None

    def columns(self, name: str) -> dict[str, Any]:
        """As columns, for packing."""
        return {f"{name}.fingerprints": self._fingerprints, f"{name}.places": self._places}

    @classmethod
    def in_columns(cls, columns: Columns, name: str) -> Lookup:
        """The look-up that `columns` made columns of."""
        return cls(columns[f"{name}.fingerprints"], columns[f"{name}.places"])


class Integers(Sequence[int]):
    """A set of numbers of 64 bits, ascending."""

    __slots__ = ("_numbers",)

    def __init__(self, numbers: Column) -> None:
        self._numbers = numbers

    def columns(self, name: str) -> dict[str, Any]:
        """As columns, for packing."""
        return {name: self._numbers}

    @classmethod
    def in_columns(cls, columns: Columns, name: str) -> Integers:
        """The set that `columns` made columns of."""
        return cls(columns[name])

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index: int) -> int:  # type: ignore[override]  # no slices
        return self._numbers[index]

    def __iter__(self) -> Iterator[int]:
        return iter(self._numbers)

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int):
            return False
        at = bisect_left(self._numbers, number)
        return at < len(self._numbers) and self._numbers[at] == number


def pack(columns: Columns) -> list[bytes]:
    """Columns as bytes, in pieces to be written one after the other."""
    table: list[list[str | int]] = []
    pieces: list[bytes] = []
    at = 0
    for name, column in columns.items():
        view = memoryview(column)
        code, data = view.format, bytes(view.cast("B"))
        table.append([name, code, at, len(data)])
        padding = -len(data) % _ALIGNMENT
        pieces += (data, bytes(padding))
        at += len(data) + padding
    head = json.dumps([_ORDER, table]).encode()
    head += b" " * (-(len(head) + _WORD) % _ALIGNMENT)
    return [len(head).to_bytes(_WORD, "little"), head, *pieces]


def unpack(data: memoryview) -> dict[str, Any]:
    """The columns that `pack` made bytes of. Raises ValueError when these are not such."""
    length = int.from_bytes(data[:_WORD], "little")
    body = data[_WORD + length :]
    try:
        order, table = json.loads(bytes(data[_WORD : _WORD + length]))
        if order != _ORDER:
            raise ValueError("columns of a machine with another order of bytes")
        columns: dict[str, Any] = {}
        for name, code, at, size in table:
            if code not in ("B", "I", "Q", "d") or not 0 <= at <= at + size <= len(body):
                raise ValueError(f"the column {name!r} cannot be")
            columns[name] = body[at : at + size].cast(code)
    except (TypeError, RecursionError) as error:
        raise ValueError(f"not columns: {error}") from None
    return columns
