"""Causes found in traffic of the simulated Workbins system, where the truth is known.

People work one operation at a time, so what comes after an operation was caused by it. The same
must be found with reference ids, with those of others, and by the rules alone.
"""

from __future__ import annotations

from typing import Any

import pytest

from cometape.core.cassette import Cassette, Entry, Event, Exchange, Header
from cometape.core.causality.inference import CauseFinder, infer_causes
from cometape.core.scrub.scrubber import Scrubber
from cometape.profiles import load_profile
from cometape.simulator.demo_data import DRAFTS, IN_PROGRESS, SHARED
from workbins_people import Person, workbins_talk

WORKBINS = load_profile("workbins")
A, B, OF_8, SHARED_ITEM = (f"02F0XAMPLE0000{n}" for n in ("1A", "1B", "2A", "4A"))
CHAT = "0001XaMPLE0000AA"
OWN = f"/api/v2/workbins/{IN_PROGRESS.id}"
DRAFT = f"/api/v2/workbins/{DRAFTS.id}"
TIER2 = f"/api/v2/me/workbins/{SHARED.id}?agentGroup=Tier2"
OF_AGENT_7 = f"/api/v2/users/7a1f0c5e9b3d4f6aa2c8e1d7b4093f57/workbins/{IN_PROGRESS.id}"

SILENT = ",".join(
    f"{kind}StateChangeMessage" for kind in ("Workbin", "WorkbinSubscription", "Workitem", "Chat")
)
SWITCHES: dict[str, dict[str, str]] = {
    "default": {},
    "others see the actor's reference id": {"reference-id-for-others": "on"},
    "one counter for all": {"reference-id-scope": "global", "reference-id-for-others": "on"},
    "subscriptions with reference ids": {"reference-id-on-subscription": "always"},
    "media first": {"event-order": "media-first", "enableNotificationOnPullChat": "on"},
    "no reference ids at all": {"no-reference-id": SILENT, "enableNotificationOnPullChat": "on"},
}


class Office:
    """Everybody's traffic as a cassette, with the truth about each event beside it."""

    def __init__(self, switches: dict[str, str]) -> None:
        self.talk = workbins_talk(seed=3, switches=switches)
        self.people = {
            name: Person(self.talk, user).arrive()
            for name, user in (
                ("agent7", "agent7"),
                ("agent7 again", "agent7"),
                ("agent8", "agent8"),
                ("supervisor", "supervisor"),
            )
        }
        self.scrubber = Scrubber(WORKBINS)
        self.entries: list[Entry] = []
        self.truth: list[int | str] = []
        self.collect("spontaneous")

    def work(self, name: str, target: str, operation: str, **fields: Any) -> None:
        exchange = self.people[name].post(target, operation, **fields)
        assert exchange.status == 200, exchange.body
        assert exchange.response is not None
        number = len(self.entries) + 1
        self.entries.append(
            Exchange(
                number=number,
                session=name,
                at_s=self.talk.now_s,
                took_s=0.0,
                request=self.scrubber.request(exchange.request),
                response=self.scrubber.response(exchange.response),
            )
        )
        self.collect(number)

    def invite(self, user: str, item: str) -> None:
        body = f'{{"user":"{user}","id":"{item}"}}'
        assert self.talk.send("POST", "/simulator/invite", body=body).status == 200
        self.collect("spontaneous")

    def collect(self, cause: int | str) -> None:
        self.talk.advance(1)
        for name, person in self.people.items():
            for message in person.news(0.01):
                data = self.scrubber.message(message)["data"]
                self.truth.append(cause)
                self.entries.append(
                    Event(
                        number=len(self.entries) + 1,
                        session=name,
                        at_s=self.talk.now_s,
                        channel=message["channel"],
                        data=data,
                    )
                )


def a_day(switches: dict[str, str]) -> Office:
    office = Office(switches)
    work = office.work
    for name in office.people:
        work(name, "/api/v2/me", "StartContactCenterSession", channels=["workitem", "chat"])
        work(name, TIER2, "Subscribe")
    work("agent7", OWN, "Subscribe")
    work("agent7", f"/api/v2/workbins?workbinIds={DRAFTS.id},{IN_PROGRESS.id}", "Subscribe")
    work("agent8", OWN, "Subscribe")
    work("supervisor", OF_AGENT_7, "Subscribe")
    work("agent8", "/api/v2/me", "Ready")
    work("agent7", OWN, "PullWorkitem", id=A)
    work("agent7", f"/api/v2/me/workitems/{A}", "AttachUserData", userData={"a": "1"})
    work("agent7", DRAFT, "AddWorkitem", uri=f"http://gws.example:8090/api/v2/workitems/{A}")
    office.invite("agent8", "02F0INV1TED00001")
    work("agent8", "/api/v2/me/workitems/02F0INV1TED00001", "Accept")
    work("agent8", "/api/v2/me/workitems/02F0INV1TED00001", "Complete")
    work("supervisor", OF_AGENT_7, "PullWorkitem", id=B)
    work("supervisor", OF_AGENT_7, "AddWorkitem", id=B)
    work("agent7", OWN, "PullWorkitem", id=B)
    work("agent7", f"/api/v2/me/workitems/{B}", "Transfer", userName="agent8")
    work("agent8", f"/api/v2/me/workitems/{B}", "Reject")
    work("agent8", TIER2, "PullWorkitem", id=SHARED_ITEM)
    work("agent8", TIER2, "AddWorkitem", id=SHARED_ITEM)
    work("supervisor", TIER2, "PullWorkitem", id=SHARED_ITEM)
    work("agent7", OWN, "PullChat", id=CHAT, nickname="Al")
    work("agent7", f"/api/v2/me/chats/{CHAT}", "SendMessage", text="hello")
    work("agent7", OWN, "PullWorkitem", id="02F0NOSUCH1TEM01")
    work("agent8", OWN, "Unsubscribe")
    work("agent8", "/api/v2/me", "NotReady")
    office.invite("agent8", "02F0INV1TED00002")
    return office


@pytest.mark.parametrize("switches", SWITCHES.values(), ids=SWITCHES)
def test_every_event_of_a_day_at_the_office_finds_its_cause(switches: dict[str, str]) -> None:
    office = a_day(switches)
    inferred = infer_causes(Cassette(Header(), tuple(office.entries)), WORKBINS)
    events = [entry for entry in inferred.entries if isinstance(entry, Event)]
    wrong = [
        (event.number, event.session, event.cause, truth, event.data)
        for event, truth in zip(events, office.truth, strict=True)
        if event.cause != truth
    ]
    assert wrong == []
    assert len(events) > 40
    assert office.truth.count("spontaneous") == 2  # the invitations


def test_while_recording_nothing_is_said_that_is_taken_back_later() -> None:
    office = a_day({"reference-id-for-others": "on"})
    finder = CauseFinder(WORKBINS)
    inferred = infer_causes(Cassette(Header(), tuple(office.entries)), WORKBINS)
    for entry, final in zip(office.entries, inferred.entries, strict=True):
        finder.observe(entry)
        if isinstance(entry, Event) and isinstance(final, Event):
            said = finder.cause_of(entry)
            assert said is None or said.number == final.cause
