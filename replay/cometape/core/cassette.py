"""The cassette: a header and an ordered list of entries, all frozen; knows no file and no YAML.

An entry is an HTTP exchange or something that happened in a Bayeux session, recorded as what it
*means*: a handshake, a subscription with its outcome, a publish, an event. How many polls there
were and how events were grouped into them is noise and is not here.

Entries stand in the order in which they were complete; `number` counts them from 1 and is how a
`cause` and an error message name them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .exchange import Request, Response
from .json_value import Json, JsonObject

FORMAT = 1
"""The version of the cassette format this code writes; on its own count."""
UNFINISHED = "not finished: its recorder was killed, or still records"
"""What a header's `unfinished` means, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The first document of a cassette."""

    format: int = FORMAT
    scenario: str = ""
    """What this is a recording of, in the recorder's words."""
    recorded_at: str | None = None
    """ISO 8601, UTC, to the second: `2026-03-01T09:15:00Z`."""
    origin: str | None = None
    """`scheme://host[:port]` of the system recorded."""
    profile: str = "bayeux"
    """Name of the profile that says which fields are identities, secrets and causes."""
    bayeux: str | None = None
    """Path of the Bayeux endpoint, `/api/v2/notifications`; None: the profile's."""
    allowed: tuple[str, ...] = ()
    """Fields that somebody looked at, whose values only look like secrets; `core.scrub.residue`."""
    residue: int = 0
    """How many things looked like secrets when it was recorded or scrubbed; 0: it is finished."""
    unfinished: bool = False
    """Whether it is still recorded to, or its recorder was killed: it had no last scan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What all entries have."""

    number: int
    """From 1, unique, ascending through the file."""
    session: str
    """Name of the recorded client session this belongs to."""
    at_s: float | None = None
    """When it began (an exchange) or was seen (all else), seconds since the recording began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange(Entry):
    """One HTTP request with its response, or with what went wrong instead of one."""

    request: Request
    response: Response | None = None
    took_s: float | None = None
    """From the request's first byte to the response's last, seconds."""
    error: str | None = None
    """Why there is no response, or no whole one: `client left`, `server closed`, …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Entry):
    """A Bayeux message with application data, pushed to the session on a channel."""

    channel: str
    data: Json
    cause: int | Literal["spontaneous"] | None = None
    """Number of the entry that causes it; `spontaneous`: nothing does; None: to be inferred."""
    message_id: str | None = None
    """A Bayeux `id` on the event: only a remote call's answer has one (`reference: D01`)."""
    extra: JsonObject | None = None
    """`ext` and custom top-level fields, as pushed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BayeuxEntry(Entry):
    """What the outcomes of Bayeux requests have."""

    successful: bool = True
    error: str | None = None
    """The Bayeux error, `402::Unknown client`, when not successful."""
    request_extra: JsonObject | None = None
    """`ext` and custom top-level fields of the request, scrubbed."""
    reply_extra: JsonObject | None = None
    """`ext` and custom top-level fields of the reply, scrubbed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake(BayeuxEntry):
    """A `/meta/handshake` and its answer: a Bayeux session begins, or is refused."""

    connection_types: tuple[str, ...] = ()
    """What the server offered (or, refused, what the client asked for)."""
    client_id: str | None = None
    """Placeholder of the client id that was issued."""
    advice: JsonObject | None = None
    """The advice of the reply, in wire spelling and milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connect(BayeuxEntry):
    """A session's first successful `/meta/connect`, or one that failed; idle ones are noise."""

    connection_type: str = "long-polling"
    advice: JsonObject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribe(BayeuxEntry):
    """A subscription to one channel, with its outcome."""

    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribe(BayeuxEntry):
    """The end of a subscription to one channel, with its outcome."""

    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish(BayeuxEntry):
    """A message the client published, with its outcome."""

    channel: str
    data: Json = None
    message_id: str | None = None
    """Only kept where a remote call's answer must echo it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnect(BayeuxEntry):
    """The end of a Bayeux session, by the client or (pushed without being asked) by the server."""

    by: Literal["client", "server"] = "client"


@dataclass(frozen=True, slots=True)
class Cassette:
    """A recorded scenario."""

    header: Header
    entries: tuple[Entry, ...] = ()

    def entry(self, number: int) -> Entry | None:
        """The entry with that number, or None."""
        return next((entry for entry in self.entries if entry.number == number), None)

    @property
    def sessions(self) -> tuple[str, ...]:
        """Names of the recorded sessions, in order of first appearance."""
        return tuple(dict.fromkeys(entry.session for entry in self.entries))
