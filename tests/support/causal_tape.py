"""A recording in a few lines, whose causes are looked for."""

from __future__ import annotations

import json

from cometape.core.cassette import Cassette, Entry, Event, Exchange, Header, Publish
from cometape.core.causality.inference import CauseFinder, infer_causes
from cometape.core.exchange import Request, Response
from cometape.core.json_value import Json
from cometape.core.profile.profile import Profile
from cometape.profiles import load_profile

WORKBINS = load_profile("workbins")
BAYEUX = load_profile("bayeux")
W, OTHER_W = "0b0e4b0e-6a35-4b9e-9d4e-3d0a9f6e2c11", "9c1d5f7a-2e64-4a0b-8f3c-71d2e0b4a522"
"""Two workbins."""
X, Y = "02F0XAMPLE00001A", "02F0XAMPLE00001B"
"""Two workitems."""


class Tape:
    """A cassette as it is recorded, entry by entry; times pass by themselves."""

    def __init__(self, *, timed: bool = True) -> None:
        """`timed`: whether it says when everything was."""
        self.entries: list[Entry] = []
        self.timed = timed
        self.now_s = 0.0

    def post(
        self,
        target: str,
        operation: str | None = None,
        *,
        session: str = "agent7",
        took_s: float = 0.01,
        answer: Json = None,
        status: int = 200,
        method: str = "POST",
        **fields: Json,
    ) -> int:
        """An exchange, answered after a moment; its number."""
        body = {} if operation is None else {"operationName": operation}
        began_s = self.now_s + 0.01
        self.now_s = began_s + took_s
        self.entries.append(
            Exchange(
                number=len(self.entries) + 1,
                session=session,
                at_s=began_s if self.timed else None,
                took_s=took_s if self.timed else None,
                request=Request(
                    method=method, target=target, body=json.dumps(body | fields).encode()
                ),
                response=Response(
                    status=status,
                    body=json.dumps({"statusCode": 0} if answer is None else answer).encode(),
                ),
            )
        )
        return len(self.entries)

    def publish(
        self, channel: str, data: Json, *, session: str = "agent7", message_id: str | None = None
    ) -> int:
        """A publish; its number."""
        self.now_s += 0.01
        self.entries.append(
            Publish(
                number=len(self.entries) + 1,
                session=session,
                at_s=self.now_s if self.timed else None,
                channel=channel,
                data=data,
                message_id=message_id,
            )
        )
        return len(self.entries)

    def event(
        self,
        data: Json,
        *,
        channel: str = "/v2/me/workbins",
        session: str = "agent7",
        after_s: float = 0.05,
        **more: object,
    ) -> int:
        """An event; its number."""
        self.now_s += after_s
        self.entries.append(
            Event(
                number=len(self.entries) + 1,
                session=session,
                at_s=self.now_s if self.timed else None,
                channel=channel,
                data=data,
                **more,  # type: ignore[arg-type]
            )
        )
        return len(self.entries)

    def causes(self, profile: Profile = WORKBINS) -> list[int | str | None]:
        """What each event was caused by."""
        inferred = infer_causes(Cassette(Header(), tuple(self.entries)), profile)
        assert infer_causes(inferred, profile) == inferred
        return [entry.cause for entry in inferred.entries if isinstance(entry, Event)]

    def rules(self, profile: Profile = WORKBINS) -> list[str | None]:
        """Which rule found the cause of each event."""
        finder = CauseFinder(profile)
        found: list[str | None] = []
        for entry in self.entries:
            if isinstance(entry, Event):
                cause = finder.cause_of(entry)
                found.append(None if cause is None else cause.rule)
            finder.observe(entry)
        return found


def ref(number: int) -> Json:
    """An answer with a reference id."""
    return {"statusCode": 0, "referenceId": number}


def subscription(state: str, workbin: str = W, **more: Json) -> Json:
    """A message that tells how a subscription to a workbin stands."""
    return {
        "messageType": "WorkbinSubscriptionStateChangeMessage",
        "stateResource": state,
        "id": workbin,
        **more,
    }


def in_workbin(action: str, item: str = X, workbin: str = W, **more: Json) -> Json:
    """One that tells what has become of an item in a workbin."""
    return {
        "messageType": "WorkbinStateChangeMessage",
        "action": action,
        "id": workbin,
        "workitemStateResourceV2": {"id": item, "userData": {}},
        **more,
    }


def workitem(state: str, item: str = X, kind: str = "StatusChange", **more: Json) -> Json:
    """One that tells the state of a workitem."""
    return {
        "messageType": "WorkitemStateChangeMessage",
        "notificationType": kind,
        "workitem": {"id": item, "state": state},
        **more,
    }
