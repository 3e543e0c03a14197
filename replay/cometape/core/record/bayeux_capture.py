"""Is this Bayeux, and what does it say: captured HTTP bodies to messages.

Recognised by content, not by URL: a client may be configured with any path, appends `/handshake`,
`/connect`, `/disconnect` or nothing, and the suffix means nothing to the server (CometD manual,
`appendMessageTypeToURL`). Whether an endpoint really speaks Bayeux its first reply confirms.
"""

from __future__ import annotations

import re

from ..bayeux.channel import META_CONNECT, META_DISCONNECT, META_HANDSHAKE, is_meta
from ..bayeux.message import parse_form, parse_messages
from ..errors import ProtocolError
from ..exchange import Request, Response
from ..json_value import JsonObject

_SUFFIXES = {
    META_HANDSHAKE: "/handshake",
    META_CONNECT: "/connect",
    META_DISCONNECT: "/disconnect",
}
_CALLBACKS = ("jsonp", "jsonpcallback", "callback")
_JSONP = re.compile(r"\s*(?:/\*\*/)?\s*[\w.$\-]+\s*\((.*)\)\s*;?\s*", re.DOTALL)
"""`cb([...])`; Faye writes `/**/cb([...]);`."""


def messages_of(request: Request) -> list[JsonObject] | None:
    """The Bayeux messages a request brings, or None where it brings none.

    JSON array, bare object, `application/x-www-form-urlencoded` with `message=`, or a JSONP GET.
    """
    try:
        if request.method == "GET":
            names = {name for name, _ in request.query}
            if "message" not in names or names.isdisjoint(_CALLBACKS):
                return None
            messages = parse_form(request.target.partition("?")[2])
        elif request.method != "POST":
            return None
        elif request.body.startswith(b"message=") or _is_form(request):
            messages = parse_form(request.body.decode("utf-8"))
        elif request.body.lstrip()[:1] in (b"[", b"{") and _may_name_a_channel(request.body):
            messages = parse_messages(request.body)
        else:
            return None
    except (ProtocolError, UnicodeDecodeError):
        return None
    return messages if any(channel_of(message) for message in messages) else None


def messages_of_text(text: str) -> list[JsonObject] | None:
    """The Bayeux messages of one WebSocket text, or None where it holds none."""
    if text.lstrip()[:1] not in ("[", "{"):
        return None
    try:
        messages = parse_messages(text)
    except ProtocolError:
        return None
    return messages if any("channel" in m or "successful" in m for m in messages) else None


def replies_of(response: Response) -> list[JsonObject] | None:
    """The messages of an answer, JSONP unwrapped, or None where it is not Bayeux."""
    body = response.body
    if not body:
        return None
    try:
        if body.lstrip()[:1] != b"[":
            wrapped = _JSONP.fullmatch(body.decode("utf-8"))
            if wrapped is None:
                return None
            return parse_messages(wrapped[1])
        return parse_messages(body)
    except (ProtocolError, UnicodeDecodeError):
        return None


def confirms(asked: list[JsonObject], replies: list[JsonObject]) -> bool:
    """Whether the replies make it certain that an endpoint speaks Bayeux.

    A meta message has exactly one reply, with its channel and a boolean `successful`
    (Bayeux specification, Meta Channels).
    """
    channels = {channel_of(message) for message in asked}
    return any(
        is_meta(channel_of(reply))
        and channel_of(reply) in channels
        and isinstance(reply.get("successful"), bool)
        for reply in replies
    )


def is_unmistakable(messages: list[JsonObject]) -> bool:
    """Whether messages to an unknown endpoint can be Bayeux: one of them is to a meta channel."""
    return any(is_meta(channel_of(message)) for message in messages)


def channel_of(message: JsonObject) -> str:
    """The channel of a message, or an empty string where it has none."""
    channel = message.get("channel")
    return channel if isinstance(channel, str) and channel.startswith("/") else ""


def base_path(path: str, messages: list[JsonObject]) -> str:
    """The endpoint's path: that of the request less what cometd.js appends for its messages."""
    for message in messages:
        suffix = _SUFFIXES.get(channel_of(message))
        if suffix is not None and path.endswith(suffix):
            path = path[: -len(suffix)]
            break
    return path.rstrip("/") or "/"


def is_below(base: str, path: str) -> bool:
    """Whether `path` is the endpoint's, whatever the suffix."""
    return path.rstrip("/") == base.rstrip("/") or path.startswith(base.rstrip("/") + "/")


def _may_name_a_channel(body: bytes) -> bool:
    """Whether it is worth while to parse a body: most JSON that is posted is no Bayeux."""
    return b"channel" in body or b"\\u" in body


def _is_form(request: Request) -> bool:
    content_type = request.headers.first("Content-Type") or ""
    return content_type.lower().startswith("application/x-www-form-urlencoded")
