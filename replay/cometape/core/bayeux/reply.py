"""Replies: what every request gets back, and why some are refused before anybody looks at them."""

from __future__ import annotations

import re

from ..json_value import Json, JsonObject
from . import channel as channels
from .dialect import Dialect

_ID = re.compile(r"[A-Za-z0-9]+")
_META = frozenset(
    (
        channels.META_HANDSHAKE,
        channels.META_CONNECT,
        channels.META_SUBSCRIBE,
        channels.META_UNSUBSCRIBE,
        channels.META_DISCONNECT,
    )
)
_CHANNELS = {channel: channel for channel in _META}
"""The texts that replies share, for thousands may be held."""


def reply_to(message: JsonObject) -> JsonObject:
    """A reply with the request's channel and, if it had one, its id, in the type it came in."""
    reply: JsonObject = {}
    if "channel" in message:
        channel = message["channel"]
        reply["channel"] = _CHANNELS.get(channel, channel) if isinstance(channel, str) else channel
    if "id" in message:
        reply["id"] = message["id"]
    return reply


def succeed(reply: JsonObject) -> JsonObject:
    """Mark a reply as successful."""
    reply["successful"] = True
    return reply


def fail(reply: JsonObject, error: str) -> JsonObject:
    """Mark a reply as failed with a dialect's error string, its blanks filled in."""
    reply["successful"] = False
    if "{" in error:
        channel, client = str(reply.get("channel", "")), str(reply.get("clientId", ""))
        error = error.replace("{channel}", channel).replace("{client}", client)
    reply["error"] = error
    return reply


def fault_of(message: JsonObject, words: Dialect) -> str | None:
    """The error of a message that is wrong in itself, whoever sends it; None for a sound one."""
    channel = message.get("channel")
    if channel is None:
        return words.channel_missing
    if not channels.is_valid(channel):
        return words.channel_invalid
    if words.checks_ids and "id" in message and not _ID.fullmatch(str(message["id"])):
        return words.id_invalid
    return None


def is_unknown_meta(channel: str) -> bool:
    """Whether `channel` is a meta channel that Bayeux does not define (C33)."""
    return channels.is_meta(channel) and channel not in _META


def fail_unknown(reply: JsonObject, message: JsonObject, words: Dialect) -> JsonObject:
    """Fail a message whose session is not known: a connect is told to handshake (C40, C41)."""
    error = words.unknown_session.replace("{client}", str(message.get("clientId", "")))
    fail(reply, error)
    if message.get("channel") == channels.META_CONNECT:
        reply["advice"] = {"reconnect": "handshake", "interval": 0}
    elif "subscription" in message:
        reply["subscription"] = message["subscription"]
    return reply


def send_back(reply: JsonObject, interval_ms: int) -> None:
    """Too many connects are held for this browser: let it poll, or stop."""
    advice: JsonObject = {"multiple-clients": True, "reconnect": "none"}
    if interval_ms > 0:
        advice |= {"reconnect": "retry", "interval": interval_ms}
    else:
        reply["successful"] = False
    reply["advice"] = advice


def merge(reply: JsonObject, extra: JsonObject | None) -> None:
    """Add an application's fields to a reply; `ext` is merged, anything else is replaced."""
    for name, value in (extra or {}).items():
        known = reply.get(name)
        if name == "ext" and isinstance(known, dict) and isinstance(value, dict):
            reply[name] = {**known, **value}
        else:
            reply[name] = value


def add_ext(reply: JsonObject, name: str, value: Json) -> None:
    """Put one extension's part into a reply."""
    ext = reply.get("ext")
    reply["ext"] = {**ext, name: value} if isinstance(ext, dict) else {name: value}


def wished_ms(message: JsonObject, name: str, otherwise: int) -> int:
    """The milliseconds a client's advice wishes for under `name`, or `otherwise`."""
    advice = message.get("advice")
    value = advice.get(name) if isinstance(advice, dict) else None
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return int(value)
    return otherwise
