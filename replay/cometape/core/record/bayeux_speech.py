"""Bayeux entries back as messages: what a client asked, and what the server replied or pushed.

The inverse of `core.record.bayeux_outcome`: message ids and client ids, which a cassette leaves
out, are made up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..bayeux.channel import (
    META_CONNECT,
    META_DISCONNECT,
    META_HANDSHAKE,
    META_SUBSCRIBE,
    META_UNSUBSCRIBE,
    is_service,
)
from ..cassette import (
    BayeuxEntry,
    Connect,
    Disconnect,
    Event,
    Handshake,
    Publish,
    Subscribe,
    Unsubscribe,
)
from ..json_value import JsonObject
from .bayeux_observer import NO_REPLY, SOCKET_CLOSED
from .capture import CLIENT_LEFT, RECORDING_ENDED

_STATUS = re.compile(r"HTTP ([1-5]\d\d)")
_BAYEUX_ERROR = re.compile(r"\d{3}:")
"""`402::Unknown client` (Bayeux specification, Error Field)."""
_FAILURES = (
    *("server closed", "server answered with", "upstream failed:"),
    *("request body longer", "response body longer", "failed in the browser:"),
)
"""How the errors of exchanges without an answer begin."""
_ENDS = (CLIENT_LEFT, RECORDING_ENDED, SOCKET_CLOSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A message of the client's, and what came of it."""

    asked: JsonObject
    reply: JsonObject | None = None
    status: int | None = None
    """Of an HTTP answer that is not Bayeux; None: it is, though it may not hold the reply."""
    failure: str | None = None
    """Why no answer came at all."""


def spoken(entry: BayeuxEntry, client_id: str, message_id: str) -> Spoken:
    """The message that led to an entry, and its reply. `client_id` is that of the session."""
    asked = _asked(entry, client_id, message_id)
    error = entry.error
    if not entry.successful and error is not None and not _is_replied(entry, error):
        status = _STATUS.fullmatch(error)
        if status is not None:
            return Spoken(asked=asked, status=int(status[1]))
        if error == NO_REPLY:
            return Spoken(asked=asked)
        return Spoken(asked=asked, failure=error)
    return Spoken(asked=asked, reply=_reply(entry, asked, client_id))


def poll(client_id: str, message_id: str, connection_type: str) -> Spoken:
    """A connect that says nothing new, and its reply."""
    asked: JsonObject = {
        "channel": META_CONNECT,
        "connectionType": connection_type,
        "id": message_id,
        "clientId": client_id,
    }
    reply: JsonObject = {"channel": META_CONNECT, "id": message_id, "successful": True}
    return Spoken(asked=asked, reply=reply)


def pushed(entry: Event | Disconnect) -> JsonObject:
    """What the server sent without being asked."""
    if isinstance(entry, Disconnect):
        return {"channel": META_DISCONNECT, "successful": True}
    message: JsonObject = {"channel": entry.channel}
    if entry.message_id is not None:
        message["id"] = entry.message_id
    return {**message, "data": entry.data, **(entry.extra or {})}


def _is_replied(entry: BayeuxEntry, error: str) -> bool:
    """Whether an error is what a server replied, not what came instead of a reply."""
    if entry.reply_extra or getattr(entry, "advice", None) or _BAYEUX_ERROR.match(error):
        return True
    if error == NO_REPLY or error in _ENDS:
        return isinstance(entry, Connect)  # a poll that was given up is not in a cassette
    return not (_STATUS.fullmatch(error) or error.startswith(_FAILURES))


def _asked(entry: BayeuxEntry, client_id: str, message_id: str) -> JsonObject:
    message: JsonObject
    if isinstance(entry, Handshake):
        message = {
            "channel": META_HANDSHAKE,
            "version": "1.0",
            "supportedConnectionTypes": list(entry.connection_types),
        }
    else:
        message = {"channel": _channel(entry), "clientId": client_id}
    if isinstance(entry, Connect):
        message["connectionType"] = entry.connection_type
    elif isinstance(entry, Subscribe | Unsubscribe):
        message["subscription"] = entry.channel
    elif isinstance(entry, Publish):
        message["data"] = entry.data
    if not isinstance(entry, Publish) or not is_service(entry.channel):
        message["id"] = message_id
    elif entry.message_id is not None:  # there it has a meaning, so none is made up
        message["id"] = entry.message_id
    return {**message, **(entry.request_extra or {})}


def _reply(entry: BayeuxEntry, asked: JsonObject, client_id: str) -> JsonObject:
    reply: JsonObject = {"channel": asked["channel"], "successful": entry.successful}
    if "id" in asked:
        reply["id"] = asked["id"]
    if entry.error is not None:
        reply["error"] = entry.error
    if isinstance(entry, Handshake):
        reply["version"] = "1.0"
        if entry.successful:
            reply["clientId"] = client_id
            reply["supportedConnectionTypes"] = list(entry.connection_types)
        elif entry.client_id is not None:
            reply["clientId"] = entry.client_id
    elif isinstance(entry, Subscribe | Unsubscribe):
        reply["subscription"] = entry.channel
    if isinstance(entry, Handshake | Connect) and entry.advice is not None:
        reply["advice"] = entry.advice
    return {**reply, **(entry.reply_extra or {})}


def _channel(entry: BayeuxEntry) -> str:
    if isinstance(entry, Publish):
        return entry.channel
    if isinstance(entry, Connect):
        return META_CONNECT
    if isinstance(entry, Subscribe):
        return META_SUBSCRIBE
    return META_UNSUBSCRIBE if isinstance(entry, Unsubscribe) else META_DISCONNECT
