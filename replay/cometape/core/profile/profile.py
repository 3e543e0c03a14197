"""A profile: what is special about one API, as data.

Where the Bayeux endpoints are, which fields hold identities, what is secret, what is volatile, how
an event without a correlation id finds its cause. `profiles/*.yaml` are read into these records by
`core.profile_format`; `docs/profiles.md` is the format for people.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from cometape.core.body import json_of
from cometape.core.exchange import Request
from cometape.core.faults.profile_fault import ProfileFault
from cometape.core.json_value import Json
from cometape.core.places.place import Place
from cometape.core.places.typed_path import TypedPath

Form = Literal["integer", "hex", "uuid", "base36", "text", "shape"]
"""What a fresh identity looks like; `integer` is a JSON number, the others are JSON strings.
`text` is a token that nobody can guess, `shape` has digits and letters where the recorded has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityKind:
    """A kind of id that is another one in every run."""

    name: str
    """`reference-id`, `client-id`, `session`, `csrf-token`, …"""
    form: Form
    scope: Literal["session", "run"]
    """Within what an id is unique: two sessions may both have a reference id 17."""
    issued: tuple[Place, ...] = ()
    """Where it is handed out; empty: the Bayeux protocol does (the client id)."""
    used: tuple[Place, ...] = ()
    """Where it turns up afterwards."""
    made_by: Literal["server", "client"] = "server"
    """`client`: each run's client makes it up, at the places `issued` of its requests. Matching
    ignores its value there; answers and events carry the one that the client sent."""
    operations: tuple[str, ...] = ()
    """Operations that create what has such an id, `Create*`. Only what they hand out, in answers
    and in the events they cause, is one then: any other value at the places `used` stays."""
    start: int | None = None
    """First integer of a run, where the kind counts from a number of its own."""
    step: int = 1
    """From one integer to the next."""

    @property
    def is_created(self) -> bool:
        """Whether it is the id of a thing that operations create, not of an operation."""
        return bool(self.operations)

    def fits(self, value: Json) -> bool:
        """Whether `value` can be an identity of this kind at all: a `true` is no reference id."""
        if self.form == "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        return isinstance(value, str) and value != ""

    def read(self, value: Json, *, textual: bool) -> Json:
        """The identity that `value` is, or None.

        `textual`: it stands where all is text (a URL, a header), so digits are an integer.
        """
        if textual and self.form == "integer" and isinstance(value, str):
            return int(value) if _INTEGER.fullmatch(value) else None
        return value if self.fits(value) else None

    def almost(self, value: Json) -> bool:
        """Whether `value` has the digits of such an identity, but is a text where it is JSON.

        A replay leaves it as it was recorded: a text that happens to be digits may be anything.
        """
        is_text = isinstance(value, str) and _INTEGER.fullmatch(value) is not None
        return self.form == "integer" and is_text

    def may_create(self, operation: str | None) -> bool:
        """Whether an operation of that name creates such things."""
        return operation is not None and any(fnmatchcase(operation, n) for n in self.operations)


_INTEGER = re.compile(r"0|[1-9]\d{0,17}")

DateForm = Literal["text", "epoch-s", "epoch-ms"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DateField:
    """A place where a date stands."""

    place: Place
    form: DateForm = "text"
    """`text`: in a written form that is told by its looks (`core.identity.dates`)."""


Where = Literal["header", "cookie", "json", "query", "form", "handshake"]
"""`handshake`: custom fields, and members of `ext`, of a `/meta/handshake` request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRule:
    """Names under which secrets are found; names match in any case and with any separators."""

    name: str
    kind: str
    """Kind of the placeholder: `token`, `password`, `cookie`, `client-id`, `credentials`."""
    where: tuple[Where, ...]
    names: tuple[str, ...]
    """`access-token` is also `accessToken` and `ACCESS_TOKEN`; `*` stands for any text."""
    exceptions: tuple[str, ...] = ()
    """Names this rule leaves alone though `names` has them."""
    everywhere: bool = True
    """Whether a secret found so is replaced wherever else it turns up (`core.scrub`)."""
    numbers: bool = True
    """Whether a JSON number under such a name is a secret too (a PIN is, a row's id is not)."""
    below: bool = True
    """Whether an object or array under such a name is secret with all its texts and numbers."""
    named_by: str | None = None
    """A response header whose value is one more header name of this rule (`X-CSRF-HEADER`)."""
    patterns: tuple[str, ...] = ()
    """Regular expressions for secrets that give themselves away by their shape, in any text; of
    one with groups the first is the secret."""


Shape = Literal["e-mail", "phone"]
"""What can be told from its looks: an e-mail address (RFC 5322 §3.4.1, the plain form), a phone
number in international form (E.164, with its `+`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalRule:
    """Where personal data is found; replaced by pseudonyms when that is asked for."""

    name: str
    kind: str
    """Kind of the pseudonym: `person`, `user`, `e-mail`, `phone`, `text`, …"""
    where: tuple[Where, ...] = ("json", "query", "form")
    names: tuple[str, ...] = ()
    """In any case, with any separators; `*` stands for any text."""
    exceptions: tuple[str, ...] = ()
    paths: tuple[TypedPath, ...] = ()
    """Fields of JSON bodies and of event data, for names that are personal in their place only."""
    shape: Shape | None = None
    """Also replaced wherever in a text something looks like this."""
    everywhere: bool = True
    """Whether a value once met is replaced wherever else it turns up."""
    numbers: bool = False
    """Whether a JSON number under such a name is personal too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowRule:
    """What the last scan must not take for a secret."""

    name: str
    fields: tuple[str, ...] = ("*",)
    """Fields as the scan names them, `response.json *.id`; `*` stands for any text."""
    values: str | None = None
    """A regular expression: what fits it is passed over; None: all of such a field is."""


Condition = tuple[TypedPath, tuple[Json, ...]]
"""A field and the values one of which it must have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseRule:
    """How an event that carries no correlation id finds what caused it: an exchange or an event."""

    name: str
    channel: str | None = None
    """Channel or channel pattern (`/v2/me/*`) the event must be on."""
    event: tuple[Condition, ...] = ()
    """What the event's data must say, all of it."""
    operations: tuple[str, ...] = ()
    """Names of operations that can be the cause; `*` stands for any text: `Pull*`."""
    answer: tuple[Condition, ...] = ()
    """What the exchange's answer must say (a field that is absent says nothing against it)."""
    by_event: tuple[Condition, ...] = ()
    """Instead of operations: what the data of the event that is the cause must say, all of it."""
    by_channel: str | None = None
    """Channel or channel pattern that event must be on."""
    same: tuple[tuple[TypedPath, tuple[str, ...]], ...] = ()
    """Field of the event's data, and the parts of the exchange one of which has the same value:
    `path:last`, `path:any`, `query:<name>` (a comma-separated list counts as its items),
    `json:<typed path>`, `answer:<typed path>`; of an event that is the cause `event:<typed path>`.
    A URI counts as its last segment. A field that the event lacks says nothing, but the first must
    be there."""
    session: Literal["same", "any"] = "same"
    """Whether another session's exchange can be the cause."""
    within_s: float = 30.0
    """How long after the exchange the event can still come, seconds."""
    once: str | None = None
    """An exchange causes one event of this name per session and subject (what the first field of
    `same` says); rules may share the name. Without it an exchange can cause any number."""

    @property
    def is_by_event(self) -> bool:
        """Whether events are the causes it is about."""
        return bool(self.by_event) or self.by_channel is not None


IdentityPlace = tuple[IdentityKind, Place, bool]
"""A kind of identity, a place it can be at, and whether it is handed out there."""

DEFAULT_SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")
"""RFC 9110 §9.2.1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """All of one API that is not code."""

    name: str
    about: str = ""
    bayeux_paths: tuple[str, ...] = ("/cometd",)
    """Base paths of Bayeux endpoints; the first is the one a cassette without one is served at."""
    dialect: str = "cometd3"
    """Whose error strings the Bayeux server speaks where the recording does not say."""
    operation: TypedPath | None = None
    """Field of a request's JSON that names the operation: `operationName`."""
    identities: tuple[IdentityKind, ...] = ()
    secrets: tuple[SecretRule, ...] = ()
    """In order of precedence: the first rule that has a name decides its kind."""
    personal: tuple[PersonalRule, ...] = ()
    """In order of precedence."""
    allow: tuple[AllowRule, ...] = ()
    causes: tuple[CauseRule, ...] = ()
    """In order of precedence."""
    subjects: tuple[TypedPath, ...] = ()
    """Fields of event data that say what an event is about; among exchanges with an equal
    correlation id, one that speaks of the same thing is preferred."""
    uri_fields: tuple[TypedPath, ...] = ()
    """Fields of response JSON and event data with absolute URIs, whose origin is rewritten (that
    of the header `Location` always is)."""
    volatile: tuple[Place, ...] = ()
    """Parts of a request that differ from run to run and are ignored when matching."""
    dates: tuple[DateField, ...] = ()
    """Where dates stand, for replays that shift them."""
    shift_dates: str = "recorded"
    """Where they are shifted to unless a replay is told: `recorded` or `now`."""
    session_cookies: tuple[str, ...] = ()
    """Cookies that tie requests to one server session, the most telling first."""
    repeatable: tuple[str, ...] = ()
    """Operations that may be asked for again and are answered as before."""
    ends_session: tuple[str, ...] = ()
    """Operations after which the server session is gone."""
    safe_methods: tuple[str, ...] = DEFAULT_SAFE_METHODS
    faults: tuple[ProfileFault, ...] = ()
    """How this API can fail, for faults on purpose."""
    places: Mapping[str, tuple[IdentityPlace, ...]] = field(init=False, compare=False, repr=False)
    """Where any value is an identity, by `request`, `response`, `event` and `publish`; kinds of
    created things are not among them. Nor are names of channels and replies to handshakes, which
    tie nothing to its cause."""

    def __post_init__(self) -> None:
        """Sort the places of identities once; they are looked through for every message."""
        places: dict[str, tuple[IdentityPlace, ...]] = {
            half: () for half in ("request", "response", "event", "publish")
        }
        for kind in self.identities:
            if kind.is_created:
                continue
            for place in dict.fromkeys((*kind.issued, *kind.used)):
                half = place.part.partition(".")[0]
                if half in places:
                    places[half] += ((kind, place, place in kind.issued),)
        object.__setattr__(self, "places", places)

    def kind(self, name: str) -> IdentityKind | None:
        """The identity kind of that name, or None."""
        return next((kind for kind in self.identities if kind.name == name), None)

    def operation_name(self, request: Request | Json) -> str | None:
        """The operation a request (or its JSON) names, or None."""
        if self.operation is None:
            return None
        value = json_of(request.body) if isinstance(request, Request) else request
        found = next(iter(self.operation.find(value)), None)
        return found[1] if found is not None and isinstance(found[1], str) else None
