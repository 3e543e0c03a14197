"""A recorded event as the text of its message, cut where something must be fresh.

Events are many and large, and most of each is as it was recorded: it is written as JSON once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import TYPE_CHECKING

from ..bayeux.message import WrittenMessage, render_message
from ..cassette import Event
from ..json_value import Json, JsonObject
from ..typed_path import Location
from .identity import Identity

if TYPE_CHECKING:
    from .rewriting import Lookup, Template

    DataSlot = tuple[Location, Template, bool]
    """Where in an event's data something is rewritten, with what, and whether it is a number."""


@dataclass(frozen=True, slots=True)
class EventTemplate:
    """A recorded event, ready to be pushed with fresh ids."""

    pieces: tuple[str | tuple[Template, bool], ...]
    """JSON text, and templates between it; whether such a one is a number."""
    identities: tuple[Identity, ...]
    is_ascii: bool
    """Whether what is filled in is written in ASCII, because the event holds a lone surrogate."""

    @classmethod
    def of(
        cls, event: Event, slots: Sequence[DataSlot], identities: tuple[Identity, ...]
    ) -> EventTemplate:
        """The message of an event: its channel, its data, and other fields it was seen with."""
        message: JsonObject = {
            "channel": event.channel,
            "data": event.data,
            **(event.extra or {}),
        }
        whole = render_message(message)
        mark = "slot"
        while mark in whole:
            mark += "-"
        marked: dict[Location, Json] = {
            ("data", *location): f"{mark}{index}" for index, (location, _, _) in enumerate(slots)
        }
        is_ascii = "\\ud" in whole and whole.isascii()
        text = json.dumps(_replaced(message, marked), ensure_ascii=is_ascii, separators=(",", ":"))
        pieces: list[str | tuple[Template, bool]] = []
        at = 0
        for found in re.finditer(f'"{mark}(\\d+)"', text):
            _, template, number = slots[int(found[1])]
            pieces += (text[at : found.start()], (template, number))
            at = found.end()
        return cls((*pieces, text[at:]), identities, is_ascii)

    def fill(self, lookup: Lookup, origin: str, message_id: str | None = None) -> WrittenMessage:
        """The message with live values, and with an id where it answers a remote call."""
        quoted = encode_basestring_ascii if self.is_ascii else encode_basestring
        texts = [
            piece
            if isinstance(piece, str)
            else piece[0].fill(lookup, origin)
            if piece[1]
            else quoted(piece[0].fill(lookup, origin))
            for piece in self.pieces
        ]
        if message_id is not None:
            texts[-1] = f'{texts[-1][:-1]},"id":{encode_basestring_ascii(message_id)}}}'
        return WrittenMessage("".join(texts))


def _replaced(value: Json, changes: Mapping[Location, Json]) -> Json:
    """`value` with other scalars at some locations."""
    if () in changes:
        return changes[()]
    below: dict[str | int, dict[Location, Json]] = {}
    for location, new in changes.items():
        below.setdefault(location[0], {})[location[1:]] = new
    if isinstance(value, dict):
        return {k: _replaced(v, below[k]) if k in below else v for k, v in value.items()}
    if isinstance(value, list):
        return [_replaced(v, below[i]) if i in below else v for i, v in enumerate(value)]
    return value
