"""An entry in a few words, for tables, timelines and links between entries."""

from __future__ import annotations

import re

from cometape.core.body import json_of
from cometape.core.cassette import (
    BayeuxEntry,
    Connect,
    Disconnect,
    Entry,
    Event,
    Exchange,
    Handshake,
    Publish,
    Subscribe,
    Unsubscribe,
)
from cometape.core.json_value import Json
from cometape.core.profile.profile import Profile

_WORD = re.compile(r"[A-Za-z][A-Za-z_]{1,39}")
_LONG_ID = re.compile(r"(?<=[/=,])([\w-]{5})[\w-]{9,}(?=$|[/?&,])")
MAX_WORDS = 2
LONG_WORD = 24
"""Characters; a name such as `WorkitemStateChangeMessage` says less than the words beside it."""


def short_target(target: str) -> str:
    """A target with long ids cut: `/api/v2/me/workbins/9c1d5…?fields=*`."""
    return _LONG_ID.sub(
        lambda found: f"{found[1]}…" if any(map(str.isdigit, found[0])) else found[0], target
    )


def operation_label(entry: Exchange | Publish, profile: Profile) -> str:
    """What the client asked for: `PullWorkitem`, else method and target, or `publish /channel`."""
    if isinstance(entry, Publish):
        return f"publish {entry.channel}"
    name = profile.operation_name(entry.request) if is_operation(entry, profile) else None
    return name or f"{entry.request.method} {short_target(entry.request.target)}"


def is_operation(entry: Entry, profile: Profile) -> bool:
    """Whether the entry may change something and cause events; a read does not."""
    if isinstance(entry, Exchange):
        return entry.request.method not in profile.safe_methods
    return isinstance(entry, Publish)


def event_words(data: Json) -> str:
    """What an event tells: the words in its data, `StatusChange Processing`.

    Single words are what APIs use for kinds and states; ids, texts and numbers are not. The outer
    level comes first, then one level below; lists and anything deeper are left out.
    """
    if not isinstance(data, dict):
        return "" if isinstance(data, list) or data is None else str(data)
    nested = [item for value in data.values() if isinstance(value, dict) for item in value.values()]
    found = [
        value
        for value in (*data.values(), *nested)
        if isinstance(value, str) and _WORD.fullmatch(value)
    ]
    distinct = list(dict.fromkeys(found))
    short = [word for word in distinct if len(word) <= LONG_WORD]
    return " ".join((short or distinct)[:MAX_WORDS])


def operation_subject(entry: Exchange | Publish, profile: Profile) -> str:
    """What an operation is about: the ids and words beside its name in the request's JSON."""
    if not isinstance(entry, Exchange) or not is_operation(entry, profile):
        return ""
    sent = json_of(entry.request.body)
    name = profile.operation_name(sent)
    if not isinstance(sent, dict) or name is None:
        return ""
    found = [
        str(value)
        for value in sent.values()
        if isinstance(value, str | int)
        and not isinstance(value, bool)
        and value != name
        and 0 < len(str(value)) <= LONG_WORD
    ]
    return " ".join(found[:MAX_WORDS])


def outcome(entry: Entry) -> str:
    """How it ended: a status, an error; nothing for what simply succeeded."""
    if isinstance(entry, Exchange):
        status = str(entry.response.status) if entry.response is not None else ""
        return " ".join(part for part in (status, entry.error) if part)
    if isinstance(entry, BayeuxEntry) and not entry.successful:
        return f"refused: {entry.error}" if entry.error else "refused"
    return ""


def title(entry: Entry, profile: Profile) -> str:
    """What an entry is, in a few words, without its number and outcome."""
    if isinstance(entry, Exchange | Publish):
        return f"{operation_label(entry, profile)} {operation_subject(entry, profile)}".rstrip()
    if isinstance(entry, Event):
        return f"{entry.channel} {event_words(entry.data)}".rstrip()
    if isinstance(entry, Handshake):
        return "handshake"
    if isinstance(entry, Connect):
        return f"connect by {entry.connection_type}"
    if isinstance(entry, Subscribe):
        return f"subscribe {entry.channel}"
    if isinstance(entry, Unsubscribe):
        return f"unsubscribe {entry.channel}"
    if isinstance(entry, Disconnect):
        return "disconnect" if entry.by == "client" else "disconnected by the server"
    return type(entry).__name__.lower()


def printable(text: str) -> str:
    """Text from a cassette as it is safe in a terminal: control characters made visible."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
