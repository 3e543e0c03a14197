"""The simulator's small parts: switches, dates, identifiers, data set."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from random import Random

import pytest

from cometape.core.errors import ConfigurationError
from cometape.simulator import Workbins, WorkbinsConfig
from cometape.simulator.dates import Calendar
from cometape.simulator.demo_data import DEMO_DATA
from cometape.simulator.identifiers import Identifiers
from cometape.simulator.media import MEDIA
from cometape.simulator.statuses import HTTP_STATUSES, STATUS_MESSAGES, Failure
from cometape.simulator.switches import ON_OFF, SWITCHES, Switches, parse_switch


def test_every_switch_is_set_to_a_value_it_can_have() -> None:
    for switch in SWITCHES:
        assert not switch.values or switch.default in switch.values
        assert switch.meaning
        assert switch.source


def test_a_switch_takes_only_what_it_can_be() -> None:
    switches = Switches({"csrf-on-notifications": "false", "no-reference-id": " A, B ,"})
    assert not switches.on("csrf-on-notifications")
    assert switches.words("no-reference-id") == {"A", "B"}
    with pytest.raises(ConfigurationError, match="Use one of off, on"):
        switches.set("websocket", "maybe")
    with pytest.raises(ConfigurationError, match="Did you mean event-order"):
        switches.set("event-ordr", "random")
    with pytest.raises(ConfigurationError, match="NAME=VALUE"):
        parse_switch("websocket")


def test_a_wrong_switch_is_refused_before_anything_is_served() -> None:
    with pytest.raises(ConfigurationError):
        Workbins(WorkbinsConfig(switches={"websocket": "maybe"}))


def test_dates_are_told_in_the_api_s_formats() -> None:
    start = datetime(2016, 4, 8, 15, 5, 57, tzinfo=timezone(timedelta(hours=3)))
    calendar = Calendar(start)
    assert calendar.resource(1000.0) == "2016-04-08 15:05:57.000+0300"
    assert calendar.user_data(1000.0) == "2016-04-08T12:05:57Z"
    assert calendar.resource(1061.25) == "2016-04-08 15:06:58.250+0300"


def test_identifiers_look_like_the_samples() -> None:
    identifiers = Identifiers(Random(1))
    assert re.fullmatch(r"[0-9a-z]{25,28}", identifiers.client_id())
    assert re.fullmatch(r"[0-9A-Z]{16}", identifiers.interaction())
    assert re.fullmatch(r"[0-9A-F]{16}", identifiers.participant())
    assert re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", identifiers.uuid()
    )
    one, two = identifiers.sequence(), identifiers.sequence()
    assert 71051600 <= one < two


def test_every_status_code_has_a_message_and_an_http_status() -> None:
    assert set(STATUS_MESSAGES) == set(HTTP_STATUSES) == set(range(21))
    assert Failure(6, "workbin x").body() == {
        "statusCode": 6,
        "statusMessage": "The resource is not found: workbin x",
    }


def test_media_are_told_apart_by_every_name() -> None:
    for attribute in ("name", "collection", "channel", "message_type", "title"):
        assert len({getattr(medium, attribute) for medium in MEDIA}) == len(MEDIA)


def test_the_demo_data_hold_together() -> None:
    data = DEMO_DATA
    ids = [interaction.id for interaction, _ in data.interactions]
    assert len(set(ids)) == len(ids)
    for user in data.users:
        assert set(user.agent_groups) <= set(data.agent_groups)
        assert set(user.place_groups) <= set(data.place_groups)
    for switch in SWITCHES:
        if switch.values == ON_OFF:
            assert switch.default in ON_OFF
