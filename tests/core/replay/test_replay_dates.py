"""Dates stay as recorded, or all move by one constant per run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cometape.core.bayeux.settings import Settings
from cometape.core.errors import ConfigurationError
from cometape.core.identity.date_shift import Dates
from cometape.core.profile.profile_format import parse_profile
from cometape.profiles import load_profile
from scripted import Script, Stage

RECORDED_AT = "2026-03-01T09:15:00Z"
WALL_S = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC).timestamp()
PROFILE = parse_profile(
    {
        "profile": "p",
        "dates": [
            "response.json **.receivedDate",
            "response.json **.userData.*At",
            "response.json epoch as epoch-s",
            "response.header Last-Modified",
            "event.data at as epoch-ms",
            "event.data text > json at",
            "request.query since",
            "request.json since",
        ],
    },
    "p",
    base=load_profile("workbins"),
)
ITEM = {
    "receivedDate": "2026-03-01 11:15:57.120+0300",
    "userData": {"SubmittedAt": "2026-03-01T08:15:00Z", "Subject": "2026-03-01T08:15:00Z"},
}
SHIFTED = {
    "receivedDate": "2026-05-01 14:00:57.120+0300",
    "userData": {"SubmittedAt": "2026-05-01T11:00:00Z", "Subject": "2026-03-01T08:15:00Z"},
}


def dated(**header: Any) -> Script:
    script = Script(recorded_at=RECORDED_AT, **header)
    script.listen("a", "/x")
    answer = {"items": [ITEM], "epoch": 1772356500, "n": 1772356500, "referenceId": 5}
    script.ask(
        "a",
        "POST",
        "/do",
        {"op": 1},
        answer,
        answer_headers=[
            ("Last-Modified", "Sun, 01 Mar 2026 09:15:00 GMT"),
            ("Set-Cookie", "x=1; Expires=Sun, 01 Mar 2026 10:15:00 GMT; Path=/"),
        ],
    )
    text = '{"at": "2026-03-01T09:15:01Z"}'
    script.event(
        "a", "/x", {"referenceId": 5, "at": 1772356500123, "n": 1772356500123, "text": text}
    )
    script.ask("a", "GET", "/since?since=2026-03-01T08:15:00Z", None, {"found": 1})
    script.ask("a", "POST", "/since", {"since": "2026-03-01T08:15:00Z"}, {"found": 2})
    return script


def stage(dates: str | None = None, wall_s: float = WALL_S, **more: Any) -> Stage:
    settings = Settings(wall_offset_s=wall_s - 1000)  # where a conversation's clock begins
    told = None if dates is None else Dates.parse(dates)
    return Stage(dated(), profile=more.pop("profile", PROFILE), dates=told, bayeux=settings)


@pytest.mark.parametrize("dates", ["now", "2026-05-01T12:00:00Z"])
def test_declared_dates_move_by_one_constant_and_nothing_else_does(dates: str) -> None:
    person = stage(dates).person()
    person.listen("/x")
    answer = person.ask("POST", "/do", {"op": 1})
    later_s = 61 * 86_400 + 2 * 3600 + 45 * 60
    assert answer.json["items"] == [SHIFTED]
    assert answer.json["epoch"] == 1772356500 + later_s
    assert answer.json["n"] == 1772356500
    assert answer.headers.first("Last-Modified") == "Fri, 01 May 2026 12:00:00 GMT"
    cookie = "x=1; Expires=Fri, 01 May 2026 13:00:00 GMT; Path=/"
    assert answer.headers.first("Set-Cookie") == cookie
    (event,) = person.data()
    assert event["at"] == 1772356500123 + 1000 * later_s
    assert event["n"] == 1772356500123
    assert event["text"] == '{"at": "2026-05-01T12:00:01Z"}'
    since = answer.json["items"][0]["userData"]["SubmittedAt"]
    assert person.ask("GET", f"/since?since={since}").json == {"found": 1}
    assert person.ask("POST", "/since", {"since": since}).json == {"found": 2}


def test_without_being_asked_every_byte_is_as_recorded() -> None:
    bodies = []
    for told in (None, "recorded"):
        person = stage(told).person()
        answer = person.ask("POST", "/do", {"op": 1})
        assert answer.json["items"] == [ITEM]
        assert answer.headers.first("Set-Cookie") == (
            "x=1; Expires=Sun, 01 Mar 2026 10:15:00 GMT; Path=/"
        )
        bodies.append(answer.body)
    assert bodies[0] == bodies[1]


def test_each_run_has_a_constant_of_its_own() -> None:
    playing = stage("now")
    seen = []
    for _ in range(2):
        person = playing.person("agent7")
        person.listen("/x")
        seen.append(person.ask("POST", "/do", {"op": 1}).json["epoch"])
        person.leave()
        playing.talk.advance(3600)
    assert 3600 <= seen[1] - seen[0] < 3700


def test_a_moment_gives_the_same_bytes_whenever_it_is_replayed() -> None:
    bodies = {
        stage("2030-01-01T00:00:00Z", wall_s=wall_s).person().ask("POST", "/do", {"op": 1}).body
        for wall_s in (WALL_S, WALL_S + 9999)
    }
    assert len(bodies) == 1


def test_a_profile_can_ask_for_it() -> None:
    shifting = parse_profile({"profile": "q", "shift_dates": "now"}, "q", base=PROFILE)
    items = [
        stage(told, profile=shifting).person().ask("POST", "/do", {"op": 1}).json["items"]
        for told in (None, "recorded")
    ]
    assert items == [[SHIFTED], [ITEM]]


@pytest.mark.parametrize("text", ["yesterday", "2026-03-01", "", "1772356500"])
def test_what_says_no_time_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="2026-03-01T09:15:00Z"):
        Dates.parse(text)


def test_a_cassette_that_does_not_say_when_it_was_recorded_is_refused_at_once() -> None:
    script = Script(recorded_at=None)
    with pytest.raises(ConfigurationError, match="recorded_at"):
        Stage(script, dates=Dates.parse("now"))


def test_workbins_declares_the_dates_of_interactions() -> None:
    answer = {"workbin": {"workitems": [ITEM]}}
    script = Script(recorded_at=RECORDED_AT)
    script.ask("a", "GET", "/api/v2/workbins/b", None, answer)
    moved = Stage(script, dates=Dates.parse("2026-05-01T12:00:00Z")).person()
    found = moved.ask("GET", "/api/v2/workbins/b").json["workbin"]["workitems"]
    assert found == [SHIFTED]
