"""A Bayeux request with its reply, or a pushed message: the entries that say what it meant.

Message ids, ack numbers, clock synchronisation and everything else that a server makes afresh in
every run is left out (Bayeux: what varies between two runs); `ext` and custom fields stay.
"""

from __future__ import annotations

from typing import Any

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
from ..json_value import Json, JsonObject
from .bayeux_capture import channel_of

UNNUMBERED = 0
"""The number of an entry that has none yet."""

_PROTOCOL = frozenset(
    (
        "advice",
        "channel",
        "clientId",
        "connectionType",
        "data",
        "error",
        "id",
        "minimumVersion",
        "subscription",
        "successful",
        "supportedConnectionTypes",
        "timestamp",
        "version",
        "x-messages",
    )
)
"""Fields with a meaning of their own (recorded as such), or that vary (`timestamp`)."""
_OWN_DATA = _PROTOCOL - {"subscription", "error", "version", "minimumVersion"}
"""On an event or a publish a field of such a name is the application's."""


def outcome(
    session: str, at_s: float, message: JsonObject, reply: JsonObject | None, error: str | None
) -> list[BayeuxEntry]:
    """The entries of one request and its reply, both scrubbed.

    `error` says what came instead of a reply. A subscription to several channels is several
    entries; a message that says nothing (a subscription without a channel) is none.
    """
    channel = channel_of(message)
    answered = reply or {}
    advice = answered.get("advice")
    common: dict[str, Any] = {
        "number": UNNUMBERED,
        "session": session,
        "at_s": at_s,
        "successful": reply is not None and answered.get("successful") is True,
        "error": error if reply is None else _text(answered.get("error")),
        "request_extra": extra(message),
        "reply_extra": extra(answered),
    }
    if channel == META_HANDSHAKE:
        types = answered.get("supportedConnectionTypes") or message.get("supportedConnectionTypes")
        return [
            Handshake(
                **common,
                connection_types=tuple(_strings(types)),
                client_id=_text(answered.get("clientId")),
                advice=advice if isinstance(advice, dict) else None,
            )
        ]
    if channel == META_CONNECT:
        return [
            Connect(
                **common,
                connection_type=_text(message.get("connectionType")) or "long-polling",
                advice=advice if isinstance(advice, dict) else None,
            )
        ]
    if channel in (META_SUBSCRIBE, META_UNSUBSCRIBE):
        kind = Subscribe if channel == META_SUBSCRIBE else Unsubscribe
        names = _strings(message.get("subscription"))
        if common["successful"]:  # by a lenient server: nothing can come on such a channel
            names = [name for name in names if name.startswith("/")]
        return [kind(**common, channel=name) for name in names]
    if channel == META_DISCONNECT:
        return [Disconnect(**common)]
    if not channel:
        return []
    common["request_extra"] = extra(message, _OWN_DATA)
    message_id = message.get("id")
    return [
        Publish(
            **common,
            channel=channel,
            data=message.get("data"),
            # On a service channel the answer may have to echo it (CometD manual, remote calls).
            message_id=str(message_id) if is_service(channel) and message_id is not None else None,
        )
    ]


def event(session: str, at_s: float, message: JsonObject) -> Event:
    """A pushed message, scrubbed, as an entry.

    Its id is kept on a service channel only: there it names the remote call it answers; a
    broadcast must not have one, though Faye leaves the publisher's in.
    """
    channel = channel_of(message)
    message_id = message.get("id")
    return Event(
        number=UNNUMBERED,
        session=session,
        at_s=at_s,
        channel=channel,
        data=message.get("data"),
        message_id=str(message_id) if is_service(channel) and message_id is not None else None,
        extra=extra(message, _OWN_DATA),
    )


def extra(message: JsonObject, known: frozenset[str] = _PROTOCOL) -> JsonObject | None:
    """`ext` and custom fields of a message less what varies, or None where nothing is left."""
    found = {name: value for name, value in message.items() if name not in known}
    ext = found.get("ext")
    if isinstance(ext, dict):
        kept = {name: value for name, value in ext.items() if not _varies(name, value)}
        if kept:
            found["ext"] = kept
        else:
            del found["ext"]
    return found or None


def _varies(name: str, value: Json) -> bool:
    # `ack: true` negotiates the extension; a number counts batches.
    return name == "timesync" or (name == "ack" and type(value) is int)


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None


def _strings(value: Json) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str) and item]
