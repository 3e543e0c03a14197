"""Bayeux messages as lines for people who watch traffic: what is said, without what is secret.

→ /meta/subscribe  id 3  client 3kf9…  /v2/me/*
← /meta/subscribe  id 3  ok  /v2/me/*
← /v2/me/workitems  event
    {
      "notificationType": "StatusChange",
      "referenceId": 17
    }
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Literal

from ..bayeux.channel import is_meta
from ..json_value import Json, JsonObject
from ..scrub.placeholder import is_placeholder
from ..scrub.scrubber import Scrubber
from .bayeux_capture import channel_of

Direction = Literal["to server", "to client"]

_ARROWS: dict[Direction, str] = {"to server": "→", "to client": "←"}
_SAID = frozenset(("channel", "id", "clientId", "successful", "error", "data"))
"""Fields that have a place of their own in the line."""
_BARE = ("subscription", "connectionType")
"""Fields whose value speaks for itself."""
_SHOWN_OF_ID = 5
"""Characters of a client id: enough to tell a few sessions apart, too few to take one over."""


def message_lines(
    messages: Iterable[JsonObject], direction: Direction | None, scrubber: Scrubber
) -> Iterator[str]:
    """A line for each message, and its data below it; `direction` None: as its fields suggest."""
    for message in messages:
        clean = scrubber.message(message)
        yield _headline(message, clean, direction or direction_of(message))
        if "data" in clean:
            data = json.dumps(clean["data"], indent=2, ensure_ascii=False)
            yield from (f"    {line}" for line in data.splitlines())


def direction_of(message: JsonObject) -> Direction:
    """Who says such a message: only replies have `successful`, only clients a `clientId` besides.

    An event has neither (Bayeux specification, Event Message Fields).
    """
    if "successful" in message:
        return "to client"
    return "to server" if "clientId" in message or is_meta(channel_of(message)) else "to client"


def short_id(client_id: str) -> str:
    """The beginning of a client id, at most a quarter of it: `3kf9…`."""
    if is_placeholder(client_id):
        return client_id
    return client_id[: min(_SHOWN_OF_ID, len(client_id) // 4)] + "…"


def _headline(message: JsonObject, clean: JsonObject, direction: Direction) -> str:
    words = [f"{_ARROWS[direction]} {clean.get('channel', 'no channel')}"]
    if "id" in clean:
        words.append(f"id {_short(clean['id'])}")
    client_id = message.get("clientId")
    if isinstance(client_id, str) and client_id:
        words.append(f"client {short_id(client_id)}")
    words += _outcome(clean, direction)
    words += [_short(clean[name]) for name in _BARE if name in clean]
    words += [
        f"{name} {_short(value)}"
        for name, value in clean.items()
        if name not in _SAID and name not in _BARE
    ]
    return "  ".join(words)


def _outcome(message: JsonObject, direction: Direction) -> Iterator[str]:
    if message.get("successful") is True:
        yield "ok"
    elif "successful" in message or "error" in message:
        yield f"refused {_short(message.get('error', ''))}".rstrip()
    elif direction == "to client" and "data" in message:
        yield "event"
    elif not is_meta(channel_of(message)):
        yield "publish"


def _short(value: Json) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return ",".join(map(str, value))
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
