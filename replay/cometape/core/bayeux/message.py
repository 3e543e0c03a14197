"""Bayeux messages on the wire: JSON arrays, forms and JSONP in; JSON arrays and JSONP out.

A message stays the `dict` it was parsed as. Bayeux forwards fields it does not know (`ext`, custom
ones), so a closed record would lose what applications put there. What an application knows as JSON
text already goes out as a `WrittenMessage`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import NoReturn
from urllib.parse import parse_qsl

from ..errors import ProtocolError
from ..json_value import Json, JsonObject

CALLBACK = re.compile(r"[a-zA-Z0-9._\-]{1,64}")
"""What CometD takes for the name of a JSONP callback; anything else could inject a script."""
DEFAULT_CALLBACK = "jsonpcallback"
"""The callback of a JSONP request that names none (Bayeux: callback-polling)."""

_ESCAPES = str.maketrans({"\u2028": "\\u2028", "\u2029": "\\u2029"})
_UNICODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)
_ASCII = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), check_circular=False)


class WrittenMessage:
    """An event as JSON text: the server passes events on and never looks into them.

    One is made for every event, so it is no frozen dataclass, which takes three times as long.
    """

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text
        """The whole object, in characters that UTF-8 can carry."""


Outgoing = JsonObject | WrittenMessage
"""What is sent to a client."""


def parse_messages(data: bytes | str) -> list[JsonObject]:
    """The messages of one request body, form value or WebSocket frame: an array or a bare object.

    Raises ProtocolError when it is not JSON, or anything in it is not an object.
    """
    try:
        text = data if isinstance(data, str) else data.decode("utf-8").removeprefix("\ufeff")
        value: Json = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(
            f"a Bayeux request is not JSON: {error}",
            hint="Send a JSON array of message objects in UTF-8.",
            reason="malformed",
        ) from error
    messages = value if isinstance(value, list) else [value]
    found = [message for message in messages if isinstance(message, dict)]
    if len(found) != len(messages):
        odd = next(type(message).__name__ for message in messages if not isinstance(message, dict))
        raise ProtocolError(
            f"a Bayeux message must be a JSON object, found {odd}",
            hint="Send a JSON array of message objects.",
            reason="malformed",
        )
    return found


def parse_form(body: str) -> list[JsonObject]:
    """The messages of a form or query: those of every `message` parameter, in order.

    Raises ProtocolError when there is none, or one of them does not hold messages.
    """
    fields = parse_qsl(body, keep_blank_values=True)
    values = [value for name, value in fields if name == "message"]
    if not values:
        raise ProtocolError(
            "a Bayeux form has no `message` parameter",
            hint="Send message=<URL-encoded JSON array>, once or several times.",
            reason="malformed",
        )
    return [message for value in values for message in parse_messages(value)]


def render_message(message: Outgoing) -> str:
    """One message as compact JSON that any encoding of Unicode can carry.

    A lone surrogate (legal in JSON as an escape) would break UTF-8, so such a message is escaped.
    """
    if isinstance(message, WrittenMessage):
        return message.text
    text = _UNICODE.encode(message)
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            return _ASCII.encode(message)
    return text


def render_messages(messages: Sequence[Outgoing]) -> str:
    """The messages as one JSON array, the only form in which a server answers."""
    return f"[{','.join(map(render_message, messages))}]"


def is_callback(name: str) -> bool:
    """Whether `name` may be called by a JSONP answer."""
    return CALLBACK.fullmatch(name) is not None


def jsonp(callback: str, array: str) -> str:
    """A rendered array as a script: U+2028 and U+2029 end a line in JavaScript before ES2019."""
    return f"{callback}({array.translate(_ESCAPES)})"


def event_of(published: JsonObject) -> JsonObject:
    """What subscribers get of a published message: all of it but `id` and `clientId`.

    The publisher's client id is a secret, and its message id could complete a request of a
    subscriber that happens to use the same one.
    """
    return {name: value for name, value in published.items() if name not in ("id", "clientId")}


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(number: str) -> float:
    value = float(number)
    if value - value != 0.0:  # infinite: too large for a double, and could not be written again
        raise ValueError(f"{number} is too large a number")
    return value


_DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)
