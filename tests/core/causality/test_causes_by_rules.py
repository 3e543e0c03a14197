"""Causes of events that name none, by the rules of a profile."""

from __future__ import annotations

import pytest

from causal_tape import BAYEUX, OTHER_W, Tape, W, X, Y, in_workbin, ref, subscription, workitem
from cometape.core.json_value import Json
from cometape.core.profile.profile_format import parse_profile


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
