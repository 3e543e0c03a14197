"""What the documentation leaves open, and faults to rehearse: each a switch with a default.

A switch is set with `--switch NAME=VALUE`, in `WorkbinsConfig.switches`, or while the simulator
runs through `POST /simulator/switches`. `docs/simulator.md` prints this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from cometape.core.errors import ConfigurationError

ON_OFF = ("off", "on")


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """One open question or fault, what it can be set to and what it is by default."""

    name: str
    default: str
    values: tuple[str, ...]
    """What it can be set to; empty: a comma-separated list of free words."""
    meaning: str
    source: str
    """Where the default comes from, or why the question is open."""


SWITCHES = (
    Switch(
        name="reference-id-scope",
        default="session",
        values=("session", "user", "global"),
        meaning="Who shares one `referenceId` counter.",
        source="Undocumented. Small rising numbers in every sample suggest one per session.",
    ),
    Switch(
        name="reference-id-consumed",
        default="off",
        values=ON_OFF,
        meaning="Whether Ready, NotReady, StartContactCenterSession and "
        "EndContactCenterSession use up a number although their answer shows none.",
        source="Undocumented.",
    ),
    Switch(
        name="reference-id-on-subscription",
        default="group",
        values=("group", "always", "never"),
        meaning="Which `WorkbinSubscriptionStateChangeMessage` carries `referenceId`.",
        source="WorkbinsMessageType lists the field; the samples of WorkbinSubscribeNotifications "
        "have none, those of WorkbinSubscribingToGWNotif have it.",
    ),
    Switch(
        name="reference-id-for-others",
        default="off",
        values=ON_OFF,
        meaning="Whether other users' copies of an event carry the actor's `referenceId`.",
        source="Undocumented.",
    ),
    Switch(
        name="no-reference-id",
        default="",
        values=(),
        meaning="Message types whose events never carry `referenceId`: "
        "`WorkbinStateChangeMessage,WorkitemStateChangeMessage`.",
        source="WorkbinsMessageType shows messages without it; which ones is not listed.",
    ),
    Switch(
        name="user-sessions",
        default="all",
        values=("all", "actor"),
        meaning="Which sessions of one user receive a media message or a subscription's outcome.",
        source="Undocumented; channels are named `/v2/me/…`, not after a session.",
    ),
    Switch(
        name="subscription-scope",
        default="user",
        values=("user", "session"),
        meaning="Whether Subscribe counts for all sessions of the user or for the session.",
        source="Undocumented.",
    ),
    Switch(
        name="event-order",
        default="workbin-first",
        values=("workbin-first", "media-first", "random"),
        meaning="The order of the events of one operation on several channels.",
        source="Undocumented; WorkbinAddInteractionToWorkbin shows the workbin's message first.",
    ),
    Switch(
        name="event-before-answer",
        default="off",
        values=ON_OFF,
        meaning="Events overtake the answer of the request that caused them.",
        source="Nothing orders the two connections (AsynchronousEvents).",
    ),
    Switch(
        name="pulled-workitem",
        default="documented",
        values=("documented", "full"),
        meaning="`documented`: a pulled workitem shows `id`, `state`, `capabilities` and "
        "`userData`; `full` adds `workitemType`, `receivedDate` and `uri`.",
        source="WorkbinSupPullIntFromWorkbin shows the four fields; WorkitemMessageType more.",
    ),
    Switch(
        name="enableNotificationOnPullChat",
        default="off",
        values=ON_OFF,
        meaning="PullChat sends the interaction-properties message as other media do.",
        source="application.yaml, default false (WorkbinPullInteractionFromWorkbin).",
    ),
    Switch(
        name="enableJoinOnPullChat",
        default="off",
        values=ON_OFF,
        meaning="PullChat joins the chat session; a transcript follows, as after Accept.",
        source="application.yaml, default false (WorkbinPullInteractionFromWorkbin).",
    ),
    Switch(
        name="workbin-name-key",
        default="mixed",
        values=("mixed", "workbinName", "name"),
        meaning="How a workbin resource spells its name.",
        source="WorkbinGetWorkbins uses both spellings within one list.",
    ),
    Switch(
        name="missing-item",
        default="event",
        values=("event", "answer"),
        meaning="How Pull and Add fail for an interaction that is not there: answer 0 and an "
        "`Error` event, or statusCode 6.",
        source="Undocumented; the answer only says that the backend has the request.",
    ),
    Switch(
        name="error-fields",
        default="message",
        values=("message", "code", "none"),
        meaning="What an `Error` event adds: `errorMessage`; that and `errorCode`; nothing.",
        source="Documented for password messages only (8.5.0 AsyncTelephonyOpsNotifications).",
    ),
    Switch(
        name="partial-subscribe",
        default="status-7",
        values=("status-7", "request-failed", "refuse"),
        meaning="Subscribing several workbins of which one is unknown: statusCode 7 and the "
        "others' `referenceIds`; all ids and a `RequestFailed` event; statusCode 6.",
        source="statusCode 7 is for bulk operations (ReturnValues); no sample.",
    ),
    Switch(
        name="unsubscribe-place-group",
        default="off",
        values=ON_OFF,
        meaning="Whether `placeGroup` is in the event of an Unsubscribe.",
        source="The sample of WorkbinUnsubscribingFromGWNotif omits it.",
    ),
    Switch(
        name="set-in-focus-event",
        default="on",
        values=ON_OFF,
        meaning="SetInFocus is followed by a `PropertiesUpdated` event.",
        source="Undocumented.",
    ),
    Switch(
        name="start-session-events",
        default="on",
        values=ON_OFF,
        meaning="StartContactCenterSession is followed by device and channel state messages.",
        source="Client code (iOS sample) handles them after login; no page says so.",
    ),
    Switch(
        name="csrf-on-notifications",
        default="on",
        values=ON_OFF,
        meaning="With CSRF protection, CometD POSTs need the token too.",
        source="CSRFProtection: all POST, PUT and DELETE; the iOS sample sends it there.",
    ),
    Switch(
        name="unauthenticated-notifications",
        default="http",
        values=("http", "bayeux"),
        meaning="A CometD request without login gets HTTP 401 with statusCode 20, or a Bayeux "
        "answer (a refused handshake, `402::Unknown client`).",
        source="Undocumented.",
    ),
    Switch(
        name="websocket",
        default="off",
        values=ON_OFF,
        meaning="Whether CometD over WebSocket is offered (else an upgrade gets 404). "
        "Read at the start only.",
        source="The CometD deployment page of 2015 says web sockets are not supported; "
        "AsynchronousEvents names them.",
    ),
    Switch(
        name="close-http-session-on-expiration",
        default="off",
        values=ON_OFF,
        meaning="The end of the last CometD session by silence ends the HTTP session.",
        source="An option closeHttpSessionOnCometDExpiration is remembered, not seen; the iOS "
        "sample handshakes again with its old cookie.",
    ),
    Switch(
        name="interaction-server",
        default="up",
        values=("up", "down"),
        meaning="`down`: media channels fail to start (statusCode 7), Subscribe ends in "
        "`RequestFailed`, Add and Pull and the workitem operations in `Error`.",
        source="A fault to rehearse (StartContactCenterSession, WorkbinsMessageType).",
    ),
    Switch(
        name="failing-operations",
        default="",
        values=(),
        meaning="Operation names that are answered 0 and fail afterwards: "
        "`Subscribe,PullWorkitem`.",
        source="A fault to rehearse.",
    ),
    Switch(
        name="notifications",
        default="all",
        values=("all", "workbin", "media", "none"),
        meaning="Which events are sent: all, only `/v2/me/workbins`, only the other channels.",
        source="A fault to rehearse: one of two notifications is lost.",
    ),
    Switch(
        name="duplicate-events",
        default="off",
        values=ON_OFF,
        meaning="Every event is sent twice.",
        source="A fault to rehearse.",
    ),
)

_BY_NAME = {switch.name: switch for switch in SWITCHES}


class Switches:
    """The settings of all switches; `set` refuses what a switch cannot be."""

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        """Start from the defaults. Raises ConfigurationError as `set` does."""
        self._values = {switch.name: switch.default for switch in SWITCHES}
        for name, value in (settings or {}).items():
            self.set(name, value)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def on(self, name: str) -> bool:
        """Whether an on/off switch is on."""
        return self._values[name] == "on"

    def words(self, name: str) -> frozenset[str]:
        """The words of a switch that holds a list."""
        return frozenset(word.strip() for word in self._values[name].split(",") if word.strip())

    def as_dict(self) -> dict[str, str]:
        """All settings by name."""
        return dict(self._values)

    def set(self, name: str, value: str) -> None:
        """Set a switch. Raises ConfigurationError naming what the switch can be."""
        switch = _BY_NAME.get(name)
        if switch is None:
            near = get_close_matches(name, _BY_NAME, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(_BY_NAME)}."
            raise ConfigurationError(
                f"there is no switch {name!r}", hint=hint, reason="unknown-switch"
            )
        if switch.values == ON_OFF:
            value = {"true": "on", "false": "off"}.get(value, value)
        if switch.values and value not in switch.values:
            raise ConfigurationError(
                f"switch {name} cannot be {value!r}",
                hint=f"Use one of {', '.join(switch.values)}.",
                reason="bad-switch-value",
            )
        self._values[name] = value


def parse_switch(text: str) -> tuple[str, str]:
    """`NAME=VALUE` in two. Raises ConfigurationError when there is no `=`."""
    name, separator, value = text.partition("=")
    if not separator:
        raise ConfigurationError(
            f"switch {text!r} has no value",
            hint="Write --switch NAME=VALUE, for example --switch event-order=random.",
            reason="bad-switch-value",
        )
    return name.strip(), value.strip()
