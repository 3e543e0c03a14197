"""Events find what caused them; what nothing explains stays spontaneous."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace

import pytest

from cometape.core.cassette import Cassette, Disconnect, Entry, Event, Exchange, Header, Publish
from cometape.core.causality.inference import Cause, CauseFinder, infer_causes
from cometape.core.errors import CassetteError
from cometape.core.exchange import Request, Response
from cometape.core.json_value import Json
from cometape.core.profile.profile import Profile
from cometape.core.profile.profile_format import parse_profile
from cometape.profiles import load_profile

WORKBINS = load_profile("workbins")
BAYEUX = load_profile("bayeux")
W, OTHER_W = "0b0e4b0e-6a35-4b9e-9d4e-3d0a9f6e2c11", "9c1d5f7a-2e64-4a0b-8f3c-71d2e0b4a522"
X, Y = "02F0XAMPLE00001A", "02F0XAMPLE00001B"


class Tape:
    """A cassette as it is recorded, entry by entry; times pass by themselves."""

    def __init__(self, *, timed: bool = True) -> None:
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
        inferred = infer_causes(Cassette(Header(), tuple(self.entries)), profile)
        assert infer_causes(inferred, profile) == inferred
        return [entry.cause for entry in inferred.entries if isinstance(entry, Event)]

    def rules(self, profile: Profile = WORKBINS) -> list[str | None]:
        finder = CauseFinder(profile)
        found: list[str | None] = []
        for entry in self.entries:
            if isinstance(entry, Event):
                cause = finder.cause_of(entry)
                found.append(None if cause is None else cause.rule)
            finder.observe(entry)
        return found


def ref(number: int) -> Json:
    return {"statusCode": 0, "referenceId": number}


def subscription(state: str, workbin: str = W, **more: Json) -> Json:
    return {
        "messageType": "WorkbinSubscriptionStateChangeMessage",
        "stateResource": state,
        "id": workbin,
        **more,
    }


def in_workbin(action: str, item: str = X, workbin: str = W, **more: Json) -> Json:
    return {
        "messageType": "WorkbinStateChangeMessage",
        "action": action,
        "id": workbin,
        "workitemStateResourceV2": {"id": item, "userData": {}},
        **more,
    }


def workitem(state: str, item: str = X, kind: str = "StatusChange", **more: Json) -> Json:
    return {
        "messageType": "WorkitemStateChangeMessage",
        "notificationType": kind,
        "workitem": {"id": item, "state": state},
        **more,
    }


# By identity.


def test_an_event_with_the_reference_id_of_an_answer_was_caused_by_it() -> None:
    tape = Tape()
    pull = tape.post(f"/api/v2/workbins/{W}", "PullWorkitem", id=X, answer=ref(17))
    tape.post(f"/api/v2/workbins/{W}", "PullWorkitem", id=Y, answer=ref(18))
    tape.event(workitem("Processing", referenceId=17))
    tape.event(in_workbin("ItemRemoved", referenceId=17))
    assert tape.causes() == [pull, pull]
    assert tape.rules() == ["reference-id of the same session"] * 2


def test_each_reference_id_of_a_map_points_to_the_one_request() -> None:
    tape = Tape()
    both = tape.post(
        f"/api/v2/me/workbins?workbinIds={W},{OTHER_W}",
        "Subscribe",
        answer={"statusCode": 0, "referenceIds": {OTHER_W: 57, W: 56}},
    )
    tape.event(subscription("Subscribed", W, referenceId=56))
    tape.event(subscription("Subscribed", OTHER_W, referenceId=57))
    assert tape.causes() == [both, both]


def test_equal_reference_ids_of_two_sessions_are_not_mixed_up() -> None:
    tape = Tape()
    of_7 = tape.post(f"/api/v2/workbins/{W}", "PullWorkitem", id=X, answer=ref(3))
    of_8 = tape.post(f"/api/v2/workbins/{W}", "PullWorkitem", id=Y, answer=ref(3), session="agent8")
    tape.event(workitem("Processing", X, referenceId=3), session="agent7")
    tape.event(workitem("Processing", Y, referenceId=3), session="agent8")
    tape.event(in_workbin("ItemRemoved", X, referenceId=3), session="agent8")
    tape.event(in_workbin("ItemRemoved", Y, referenceId=3), session="agent7")
    assert tape.causes() == [of_7, of_8, of_7, of_8]


def test_an_actors_reference_id_reaching_others_points_to_the_actors_request() -> None:
    tape = Tape()
    pull = tape.post(f"/api/v2/workbins/{W}", "PullWorkitem", id=X, answer=ref(3))
    tape.event(in_workbin("ItemRemoved", referenceId=3), session="agent8")
    assert tape.causes() == [pull]
    assert tape.rules() == [None]  # while recording, its own session may yet issue a 3


def test_one_session_s_counter_that_starts_again_points_to_the_latest() -> None:
    tape = Tape()
    tape.post("/api/v2/me/workitems", "Create", answer=ref(1))
    tape.post("/api/v2/me", "EndContactCenterSession")
    second = tape.post("/api/v2/me/workitems", "Create", answer=ref(1))
    tape.event(workitem("Processing", referenceId=1))
    assert tape.causes() == [second]


def test_an_event_that_overtakes_its_answer_finds_its_cause() -> None:
    tape = Tape()
    tape.post(f"/api/v2/workbins/{W}", "AddWorkitem", id=X, answer=ref(7), session="agent8")
    tape.post(f"/api/v2/workbins/{W}", "PullWorkitem", id=X, answer=ref(7), took_s=0.5)
    pull = tape.entries.pop()
    tape.now_s = 0.2
    tape.event(workitem("Processing"))
    tape.event(workitem("Processing", referenceId=7))
    tape.entries.append(replace(pull, number=4))
    assert tape.causes() == [4, 4]


def test_an_event_is_not_caused_by_a_request_that_began_after_it() -> None:
    tape = Tape()
    tape.event(workitem("Processing", referenceId=7))
    tape.event(workitem("Processing"))
    tape.post(f"/api/v2/workbins/{W}", "PullWorkitem", id=X, answer=ref(7))
    assert tape.causes() == ["spontaneous", "spontaneous"]


def test_a_number_that_is_no_reference_id_ties_nothing() -> None:
    tape = Tape()
    tape.post(f"/api/v2/workbins/{W}", "PullWorkitem", id=X, answer=ref(17))
    tape.event({"messageType": "Other", "userData": {"referenceId": 17}, "count": 17})
    assert tape.causes() == ["spontaneous"]


# By the rules of the profile.


@pytest.mark.parametrize(
    "target", [f"/api/v2/me/workbins/{W}", f"/api/v2/me/workbins?workbinIds={OTHER_W},{W}"]
)
def test_a_subscription_is_found_by_workbin_and_state(target: str) -> None:
    tape = Tape()
    tape.post(f"/api/v2/workbins/{OTHER_W}", "Subscribe", answer=ref(1))
    yes = tape.post(target, "Subscribe", answer=ref(2))
    no = tape.post(target, "Unubscribe", answer=ref(3))
    tape.event(subscription("Unsubscribed"))
    tape.event(subscription("Subscribed"))
    assert tape.causes() == [no, yes]
    assert tape.rules() == ["workbin unsubscribed", "workbin subscribed"]


def test_one_subscription_is_confirmed_once_and_a_failed_one_not_at_all() -> None:
    tape = Tape()
    failed = tape.post(f"/api/v2/workbins/{W}", "Subscribe", answer=ref(1))
    tape.event(subscription("RequestFailed"))
    again = tape.post(f"/api/v2/workbins/{W}", "Subscribe", answer=ref(2))
    tape.event(subscription("Subscribed"))
    tape.event(subscription("Subscribed"))
    assert tape.causes() == [failed, again, "spontaneous"]


def test_a_refused_operation_causes_nothing() -> None:
    tape = Tape()
    tape.post(f"/api/v2/workbins/{W}", "Subscribe", answer={"statusCode": 5})
    tape.post(f"/api/v2/workbins/{W}", "Subscribe", status=500)
    tape.post(f"/api/v2/workbins/{W}", "Subscribe", method="GET")
    tape.event(subscription("Subscribed"))
    assert tape.causes() == ["spontaneous"]


def test_copies_of_a_workbin_are_told_apart_by_group_and_user() -> None:
    tape = Tape()
    group = tape.post(f"/api/v2/me/workbins/{W}?agentGroup=Tier2", "Subscribe", answer=ref(1))
    place = tape.post(f"/api/v2/me/workbins/{W}?placeGroup=Front", "Subscribe", answer=ref(2))
    user = tape.post(f"/api/v2/users/u8/workbins/{W}", "Subscribe", answer=ref(3))
    own = tape.post(f"/api/v2/me/workbins/{W}", "Subscribe", answer=ref(4))
    tape.event(subscription("Subscribed", workbinUserId="u8"))
    tape.event(subscription("Subscribed"))
    tape.event(subscription("Subscribed", placeGroup="Front"))
    tape.event(subscription("Subscribed", agentGroup="Tier2"))
    assert tape.causes() == [user, own, place, group]


def test_what_one_agent_does_in_a_workbin_reaches_the_others_who_watch_it() -> None:
    tape = Tape()
    add = tape.post(
        f"/api/v2/workbins/{W}", "AddWorkitem", uri=f"http://h/api/v2/workitems/{X}", answer=ref(1)
    )
    for session in ("agent8", "supervisor"):
        tape.event(in_workbin("ItemAdded"), session=session)
    pull = tape.post(f"/api/v2/workbins/{W}", "PullWorkitem", id=X, answer=ref(2))
    for session in ("supervisor", "agent8"):
        tape.event(in_workbin("ItemRemoved"), session=session)
    tape.event(in_workbin("ItemRemoved"), session="agent8")
    tape.event(in_workbin("ItemRemoved", Y), session="agent8")
    tape.event(in_workbin("ItemRemoved", X, OTHER_W), session="agent8")
    assert tape.causes() == [add, add, pull, pull, *["spontaneous"] * 3]


def test_an_outcome_that_named_its_cause_is_not_expected_again() -> None:
    tape = Tape()
    pull = tape.post(f"/api/v2/workbins/{W}", "PullWorkitem", id=X, answer=ref(2))
    tape.event(in_workbin("ItemRemoved", referenceId=2))
    tape.event(in_workbin("ItemRemoved"))
    assert tape.causes() == [pull, "spontaneous"]


@pytest.mark.parametrize(
    ("operation", "event"),
    [
        ("Accept", workitem("Processing")),
        ("Complete", workitem("Completed")),
        ("Reject", workitem("Revoked")),
        ("AttachUserData", workitem("Processing", kind="PropertiesUpdated")),
        ("Complete", workitem("Processing", kind="Error")),
        ("Transfer", workitem("Invited")),
    ],
)
def test_a_media_message_without_reference_id_is_found_by_item_and_state(
    operation: str, event: Json
) -> None:
    tape = Tape()
    tape.post(f"/api/v2/me/workitems/{Y}", operation, answer=ref(1))
    number = tape.post(f"/api/v2/me/workitems/{X}", operation, answer=ref(2))
    tape.event(event, channel="/v2/me/workitems")
    tape.event(event, channel="/v2/me/workitems")
    assert tape.causes() == [number, "spontaneous"]


def test_an_agent_state_follows_ready_of_the_same_session_and_only_soon() -> None:
    tape = Tape()
    ready = tape.post("/api/v2/me", "Ready")
    device: Json = {"messageType": "DeviceStateChangeMessage", "devices": [{"id": "d7"}]}
    channel: Json = {"messageType": "ChannelStateChangeMessageV2", "channels": []}
    tape.event(device)
    tape.event(channel)
    tape.event({"messageType": "DeviceStateChangeMessage", "devices": []}, session="agent8")
    late = tape.post("/api/v2/me", "NotReady")
    tape.event(device, after_s=60)
    assert late == 5
    assert tape.causes() == [ready, ready, "spontaneous", "spontaneous"]


def test_a_copy_for_another_session_has_the_cause_of_the_event_it_is_a_copy_of() -> None:
    tape = Tape()
    tape.post(f"/api/v2/workbins/{W}", "Subscribe", answer=ref(1))
    second = tape.post(f"/api/v2/workbins/{W}", "Subscribe", answer=ref(2))
    tape.event(subscription("Subscribed", referenceId=2))
    tape.event(subscription("Subscribed"), session="agent7 again")
    tape.event(subscription("Subscribed"), session="agent7 again")
    tape.event(subscription("Subscribed"), session="agent8", after_s=1.5)
    assert tape.causes() == [second, second, "spontaneous", "spontaneous"]


def test_a_chat_message_is_found_by_the_uri_of_its_chat() -> None:
    tape = Tape()
    number = tape.post("/api/v2/me/chats/C1", "SendMessage", text="hello", answer=ref(1))
    tape.event({"messageType": "MessageLogUpdated", "chatUri": "http://h/api/v2/me/chats/C1"})
    tape.event({"messageType": "MessageLogUpdated", "chatUri": "http://h/api/v2/me/chats/C2"})
    assert tape.causes() == [number, "spontaneous"]


def test_an_invitation_stays_spontaneous() -> None:
    tape = Tape()
    tape.post("/api/v2/me", "Ready")
    tape.post(f"/api/v2/me/workitems/{Y}", "Accept", answer=ref(1))
    tape.event(workitem("Invited"))
    assert tape.causes() == ["spontaneous"]


def test_one_s_own_operation_comes_before_another_session_s() -> None:
    tape = Tape()
    tape.post(f"/api/v2/workbins/{W}", "PullWorkitem", id=X, session="agent8", answer=ref(1))
    own = tape.post(f"/api/v2/workbins/{W}", "PullWorkitem", id=X, answer=ref(1))
    tape.event(workitem("Processing"))
    assert tape.causes() == [own]


def test_the_rules_work_without_times_as_in_a_cassette_written_by_hand() -> None:
    tape = Tape(timed=False)
    tape.event(subscription("Subscribed"))
    one = tape.post(f"/api/v2/workbins/{W}", "Subscribe", answer=ref(1))
    tape.event(subscription("Subscribed"))
    tape.event(workitem("Processing", referenceId=2))
    tape.post(f"/api/v2/workbins/{W}", "PullWorkitem", id=X, answer=ref(2))
    assert tape.causes() == ["spontaneous", one, "spontaneous"]


def test_a_rule_of_a_users_profile_speaks_of_channel_and_answer() -> None:
    profile = parse_profile(
        {
            "profile": "orders",
            "operation": "action",
            "causes": [
                {
                    "name": "order done",
                    "channel": "/orders/*",
                    "operations": "Order",
                    "same": {"order": "answer:created.id"},
                }
            ],
        },
        "orders",
        base=BAYEUX,
    )
    tape = Tape()
    tape.post("/orders", action="Order", answer={"created": {"id": "A"}})
    order = tape.post("/orders", action="Order", answer={"created": {"id": "B"}})
    tape.event({"order": "B"}, channel="/orders/new")
    tape.event({"order": "B"}, channel="/elsewhere")
    assert tape.causes(profile) == [order, "spontaneous"]


# By publish.


def test_a_broadcast_is_the_echo_of_the_publish_with_equal_data_for_everybody_once() -> None:
    tape = Tape()
    first = tape.publish("/chat", {"text": "hi", "n": 1})
    tape.event({"n": 1, "text": "hi"}, channel="/chat", session="agent8")
    second = tape.publish("/chat", {"text": "hi", "n": 1})
    tape.event({"text": "hi", "n": 1}, channel="/chat")
    tape.event({"text": "hi", "n": 1}, channel="/chat", session="agent8")
    tape.event({"text": "hi", "n": 1}, channel="/chat")
    tape.event({"text": "ho", "n": 1}, channel="/chat")
    tape.event({"text": "hi", "n": 1}, channel="/other")
    assert tape.causes(BAYEUX) == [first, first, second, second, "spontaneous", "spontaneous"]


def test_an_echo_may_come_just_before_the_reply_to_its_publish() -> None:
    tape = Tape()
    tape.event("x", channel="/chat")
    publish = tape.publish("/chat", "x")
    assert tape.causes(BAYEUX) == [publish]


def test_a_service_answers_the_session_that_asked_by_message_id_where_there_is_one() -> None:
    tape = Tape()
    one = tape.publish("/service/echo", {"q": 1}, message_id="4")
    two = tape.publish("/service/echo", {"q": 2}, message_id="5")
    tape.event({"a": 2}, channel="/service/echo", message_id="5")
    tape.event({"a": 0}, channel="/service/echo", session="agent8")
    tape.event({"a": 1}, channel="/service/echo")
    tape.event({"a": 3}, channel="/service/echo")
    assert tape.causes(BAYEUX) == [two, "spontaneous", one, "spontaneous"]


def test_a_publish_that_was_refused_causes_nothing() -> None:
    tape = Tape()
    tape.entries.append(
        Publish(number=1, session="agent7", successful=False, channel="/chat", data="x")
    )
    tape.event("x", channel="/chat")
    assert tape.causes(BAYEUX) == ["spontaneous"]


# What is written down.


def test_a_written_cause_stays_even_against_the_reference_id() -> None:
    tape = Tape()
    tape.post(f"/api/v2/workbins/{W}", "PullWorkitem", id=X, answer=ref(17))
    other = tape.post("/api/v2/me", "Ready")
    tape.event(workitem("Processing", referenceId=17), cause=other)
    tape.event(workitem("Processing", referenceId=17), cause="spontaneous")
    assert tape.causes() == [other, "spontaneous"]


def test_a_written_cause_uses_up_an_outcome_that_comes_once() -> None:
    tape = Tape()
    one = tape.post(f"/api/v2/workbins/{W}", "Subscribe", answer=ref(1))
    two = tape.post(f"/api/v2/workbins/{W}", "Subscribe", answer=ref(2))
    tape.event(subscription("Subscribed"), cause=one)
    tape.event(subscription("Subscribed"))
    assert tape.causes() == [one, two]


@pytest.mark.parametrize(
    ("cause", "message"),
    [(9, "no entry"), (3, "in a circle: 3 by 3"), (4, "began later"), (5, "came later")],
)
def test_a_written_cause_that_cannot_be_is_refused(cause: int, message: str) -> None:
    tape = Tape()
    tape.post("/api/v2/me", "Ready")
    tape.event({})
    tape.event({}, cause=cause)
    tape.post("/api/v2/me", "Ready")
    tape.event({})
    with pytest.raises(CassetteError, match=message) as refused:
        tape.causes()
    assert refused.value.entry == 3
    assert "spontaneous" in refused.value.hint


def test_other_entries_are_left_as_they_are() -> None:
    tape = Tape()
    tape.post("/api/v2/me", "Ready")
    tape.entries.append(Disconnect(number=2, session="agent7"))
    cassette = Cassette(Header(scenario="x"), tuple(tape.entries))
    assert infer_causes(cassette, WORKBINS) == cassette


# While recording.


def test_an_event_whose_identity_was_not_seen_yet_waits_for_its_answer() -> None:
    tape = Tape()
    tape.post(f"/api/v2/workbins/{W}", "PullWorkitem", id=X, answer=ref(3), session="agent8")
    tape.post(f"/api/v2/workbins/{W}", "PullWorkitem", id=Y, answer=ref(3), took_s=0.5)
    tape.now_s = 0.2
    tape.event(workitem("Processing", Y, referenceId=3))
    of_8, of_7, event = tape.entries
    assert isinstance(event, Event)
    finder = CauseFinder(WORKBINS)
    finder.observe(of_8)
    assert finder.cause_of(event) is None
    finder.observe(of_7)
    assert finder.cause_of(event) == Cause(2, "reference-id of the same session")


def test_memory_is_bounded() -> None:
    finder = CauseFinder(WORKBINS, max_operations=200)
    used: list[int] = []
    tracemalloc.start()
    try:
        for first in (1, 301, 601):
            for number in range(first, first + 300):
                tape = Tape(timed=False)
                tape.post(f"/w/{number}", "PullWorkitem", id=f"I{number}", answer=ref(number))
                finder.observe(replace(tape.entries[0], number=number))
            used.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert used[2] < used[1] * 1.1

    def cause_of(number: int) -> Cause | None:
        event = Event(number=1, session="agent7", channel="/x", data={"referenceId": number})
        return finder.cause_of(event, last_chance=True)

    assert cause_of(900) == Cause(900, "reference-id of the same session")
    assert cause_of(1) is None
