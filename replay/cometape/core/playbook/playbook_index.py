"""The index of a playbook: what a replay must know of every entry before it needs one whole.

Numbers, sessions, kinds, what is asked for and how often, what events follow, which facts concern
what: all of it in columns, made once by `index_compiler` and kept by whoever likes beside the
cassette. The entries themselves stay where they are and are read by their place when first needed.

A *place* is an entry's position in the cassette, from 0. A *request* is everything that one shape
matches; a *lane* is one session's recordings of one request, in recorded order.
"""

from __future__ import annotations

import json
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cometape.core.cassette import (
    Connect,
    Disconnect,
    Entry,
    Event,
    Exchange,
    Handshake,
    Header,
    Publish,
    Subscribe,
    Unsubscribe,
)

from .columns import NONE, Column, Columns, Integers, Lookup, Rows, Texts

FORMAT = 3
"""Of packed indexes; one of another format is made anew."""

KINDS: tuple[type[Entry], ...] = (
    Exchange,
    Event,
    Handshake,
    Connect,
    Subscribe,
    Unsubscribe,
    Publish,
    Disconnect,
)
"""What an entry can be; the column `kinds` has positions in this."""

IS_OPERATION, REPEATABLE, ENDS_SESSION, CAUSED, UNSUBSCRIBED = 1, 2, 4, 8, 16
UNANSWERED, WILD = 32, 64
"""What the column `flags` is made of; `WILD` is at the first recording of a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionIndex:
    """What one recorded client did."""

    name: str
    first: int
    """Number of its first entry."""
    last: int
    exchanges: int
    comebacks: int
    ended: int | None
    handshakes: Sequence[int]
    """Places."""
    subscribes: dict[str, Sequence[int]]
    """Places, by channel."""
    operations: Sequence[int]
    """Numbers of the operations and publishes that can be played."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybookIndex:
    """Columns over the entries, the requests and the facts of one cassette."""

    header: Header
    sessions: tuple[SessionIndex, ...]
    """In order of first appearance."""
    dialect: str | None
    """In whose words the recorded Bayeux errors are told; None where there are none."""
    created: dict[str, list[str]]
    """Recorded ids of the things that operations created, by kind."""

    # One number for each entry.
    numbers: Column
    kinds: Column
    flags: Column
    session: Column
    """Position in `sessions`."""
    whats: Column
    """Position in `texts`: the entry in a few words; the shape of a request, what an event is."""
    labels: Column
    """Position in `texts`: the operation it names, or its channel; or NONE."""
    requests: Column
    """Of an exchange or publish, the request it is a recording of; or NONE."""
    pasts: Column
    """How many facts came before it."""
    facts: Column
    """The fact it is; or NONE."""
    anchors: Column
    """Of an event, the place of what it follows, plus 1; 0 where nothing precedes it."""
    delays_s: Sequence[float]
    """Of an event, the recorded time from the end of its anchor."""

    texts: Texts
    followers: Rows
    """Places of the events that follow each entry; the first row is of those with no anchor."""
    keys: Lookup
    """Requests, by the text of their key."""
    request_lanes: Rows
    lane_sessions: Column
    lanes: Rows
    """Places."""
    request_places: Column
    """Of each request, the place where it was first recorded."""
    wild_masks: Texts
    """The masks of requests with placeholders (`wildcards`)."""
    wild_rests: Lookup
    """What masks leave of them: positions in `wild`."""
    wild: Rows
    """Requests with placeholders of which a mask leaves the same."""
    unanswered: Column
    """Requests that some exchange without a response made, ascending."""
    unanswered_places: Rows
    """The places of those exchanges."""
    integers: Integers
    """Every integer in an answer or event."""

    # How facts relate to reads.
    fact_groups: Column
    """The fact whose effect each is: its own, or its cause's."""
    group_facts: Rows
    """The facts of each group."""
    fact_sums: Column
    """What the facts before each count together, related to nothing; one more than facts."""
    fact_paths: Column
    """How many segments the path has that a fact is about."""
    subjects: int
    """How many groups of facts there are."""
    tokens: Lookup
    """What facts are about: ids, paths, beginnings of paths."""
    token_groups: Rows
    """The groups of facts that are about each."""
    lane_tokens: Rows
    """Of a lane of reads, the ids in its answers that some fact is about."""

    def place(self, number: int) -> int | None:
        """The place of the entry with that number."""
        at = number - 1
        if not (0 <= at < len(self.numbers) and self.numbers[at] == number):
            at = bisect_left(self.numbers, number)
        return at if at < len(self.numbers) and self.numbers[at] == number else None

    def text(self, position: int) -> str | None:
        """A text, or None for NONE."""
        return None if position == NONE else self.texts[position]

    def columns(self) -> Columns:
        """As columns alone."""
        about = {
            "format": FORMAT,
            "header": asdict(self.header),
            "sessions": [asdict(one) for one in self.sessions],
            "dialect": self.dialect,
            "created": self.created,
            "subjects": self.subjects,
        }
        found: dict[str, Any] = {"about": array("B", json.dumps(about).encode())}
        for name, kind in _TABLES.items():
            value = getattr(self, name)
            if kind is None:
                found[name] = value
            else:
                found.update(value.columns(name))
        return found

    @classmethod
    def in_columns(cls, columns: Columns) -> PlaybookIndex:
        """The index that `columns` made columns of. Raises ValueError when it is none."""
        try:
            about = json.loads(bytes(columns["about"]))
            if about["format"] != FORMAT:
                raise ValueError("an index of another format")
            header = {**about["header"], "allowed": tuple(about["header"]["allowed"])}
            tables: dict[str, Any] = {
                name: columns[name] if kind is None else kind.in_columns(columns, name)
                for name, kind in _TABLES.items()
            }
            found = cls(
                header=Header(**header),
                sessions=tuple(SessionIndex(**one) for one in about["sessions"]),
                dialect=about["dialect"],
                created=about["created"],
                subjects=about["subjects"],
                **tables,
            )
        except (KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"not an index: {error!r}") from None
        if any(len(getattr(found, name)) != len(found.numbers) for name in _OF_ENTRIES):
            raise ValueError("not an index: its columns differ in length")
        return found


_OF_ENTRIES = (
    *("numbers", "kinds", "flags", "session", "whats", "labels"),
    *("requests", "pasts", "facts", "anchors", "delays_s"),
)
_TABLES: dict[str, type[Texts | Rows | Lookup | Integers] | None] = {
    **dict.fromkeys(_OF_ENTRIES),
    **dict.fromkeys(("lane_sessions", "request_places", "unanswered")),
    **dict.fromkeys(("fact_groups", "fact_sums", "fact_paths")),
    **dict.fromkeys(("texts", "wild_masks"), Texts),
    **dict.fromkeys(("followers", "request_lanes", "lanes", "wild", "unanswered_places"), Rows),
    **dict.fromkeys(("group_facts", "token_groups", "lane_tokens"), Rows),
    **dict.fromkeys(("keys", "tokens", "wild_rests"), Lookup),
    "integers": Integers,
}
"""What the index is made of, by attribute; None: a column as it is."""
