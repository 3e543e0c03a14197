"""What a finished recording lacks is said, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from cometape.core.causality.inference import infer_causes
from cometape.core.record.closing_warnings import RecordingWarning, closing_warnings
from cometape.profiles import load_profile
from cometape.store import cassette_file
from scripted import Script

BIN = "/api/v2/me/workbins/9c1d5f7a-2e64-4a0b-8f3c-71d2e0b4a522"
ITEMS = "/v2/me/workitems"
CASSETTES = sorted((Path(__file__).parents[3] / "cassettes").glob("*.yaml"))


def warnings_of(script: Script) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(one.kind, one.what, one.entries) for one in found(script)]


def found(script: Script) -> tuple[RecordingWarning, ...]:
    profile = load_profile("workbins")
    return closing_warnings(infer_causes(script.cassette, profile).entries, profile)


@pytest.fixture
def script() -> Script:
    script = Script()
    script.listen("agent7", "/v2/me/*")
    return script


def pull(script: Script, reference_id: int, session: str = "agent7") -> int:
    sent = {"operationName": "PullWorkitem", "id": f"item-{reference_id}"}
    return script.ask(session, "POST", BIN, sent, {"statusCode": 0, "referenceId": reference_id})


@pytest.mark.parametrize("path", CASSETTES, ids=lambda path: path.stem)
def test_a_good_recording_has_none(path: Path) -> None:
    cassette = cassette_file.load(path)
    profile = load_profile(cassette.header.profile)
    assert closing_warnings(infer_causes(cassette, profile).entries, profile) == ()


def test_an_operation_whose_event_never_came(script: Script) -> None:
    pull(script, 16)
    script.event("agent7", ITEMS, {"referenceId": 16})
    number = pull(script, 17)
    what = "the event of PullWorkitem never came: reference-id 17"
    assert warnings_of(script) == [("no-event", what, (number,))]


def test_operations_of_one_kind_are_one_warning(script: Script) -> None:
    numbers = [pull(script, reference_id) for reference_id in range(17, 47)]
    (warning,) = found(script)
    assert (warning.what, warning.times) == ("the event of PullWorkitem never came", 30)
    assert warning.entries == tuple(numbers[:20])
    first, second = warning.render().splitlines()
    assert first.startswith("30 times: the event of PullWorkitem never came (entries 3, 4, 5,")
    assert first.endswith(", …)")
    assert "record on" in second


def test_an_event_without_a_cause(script: Script) -> None:
    number = script.event("agent7", ITEMS, {"referenceId": 99})
    assert warnings_of(script) == [
        ("no-cause", f"an event on {ITEMS} without a cause", (number,)),
    ]


def test_an_event_that_names_no_operation_needs_none(script: Script) -> None:
    script.event("agent7", ITEMS, {"notificationType": "StatusChange", "workitem": {"id": "x"}})
    assert warnings_of(script) == []


def test_a_session_that_never_subscribed(script: Script) -> None:
    script.handshake("supervisor")
    assert warnings_of(script) == [
        ("never-subscribed", "supervisor opened CometD and never subscribed", ())
    ]


def test_a_session_whose_subscription_was_refused(script: Script) -> None:
    script.handshake("supervisor")
    script.subscribe("supervisor", "/x", successful=False, error="403::denied")
    assert [kind for kind, _, _ in warnings_of(script)] == ["never-subscribed"]


def test_a_session_that_was_subscribed_before_the_recording(script: Script) -> None:
    script.handshake("supervisor")
    script.event("supervisor", "/v2/me/x", {})
    assert warnings_of(script) == []


def test_a_session_of_reads_needs_no_subscription(script: Script) -> None:
    script.ask("reporter", "GET", "/api/v2/users", None, {})
    assert warnings_of(script) == []


def test_operations_of_a_session_whose_events_pass_the_recorder(script: Script) -> None:
    pull(script, 17, "supervisor")
    assert [(kind, what) for kind, what, _ in warnings_of(script)] == [
        ("no-event", "the event of PullWorkitem never came: reference-id 17"),
        ("never-subscribed", "supervisor never opened CometD"),
    ]


@pytest.mark.parametrize("error", ["client left", "recording ended"])
def test_an_exchange_that_was_cut_off(script: Script, error: str) -> None:
    number = script.ask("agent7", "GET", "/slow", error=error)
    assert warnings_of(script) == [
        ("cut-off", f"an exchange was cut off: {error}", (number,)),
    ]


def test_an_upstream_that_failed(script: Script) -> None:
    number = script.ask("agent7", "GET", "/x", error="server closed the connection")
    what = "an exchange without a whole answer: server closed the connection"
    assert warnings_of(script) == [("cut-off", what, (number,))]


def test_a_body_that_was_left_out(script: Script) -> None:
    error = "response body longer than 67108864 bytes: not kept"
    number = script.ask("agent7", "GET", "/big", error=error)
    what = f"an exchange without a whole answer: {error}"
    assert warnings_of(script) == [("body-left-out", what, (number,))]


def test_a_warning_tells_what_it_means_for_a_replay(script: Script) -> None:
    number = script.ask("agent7", "GET", "/slow", error="client left")
    (warning,) = found(script)
    assert warning.render().splitlines() == [
        f"an exchange was cut off: client left (entry {number})",
        "  a replay cannot answer it; end the recording when the client is done",
    ]
