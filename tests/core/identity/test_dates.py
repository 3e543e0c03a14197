"""Dates are told by their looks, shifted by whole seconds, and look afterwards as before."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cometape.core.identity.dates import epoch_s, is_date, shifted

DAY = 86_400


@pytest.mark.parametrize(
    ("recorded", "later"),
    [
        ("2014-04-17T04:03:21Z", "2014-04-18T04:03:26Z"),
        ("2016-12-31 15:05:57.000+0300", "2017-01-01 15:06:02.000+0300"),
        ("2016-02-28T23:59:59.123456-05:00", "2016-03-01T00:00:04.123456-05:00"),
        ("2016-02-27T10:00:00", "2016-02-28T10:00:05"),
        ("Thu, 17 Apr 2014 04:03:21 GMT", "Fri, 18 Apr 2014 04:03:26 GMT"),
        ("Thu, 17-Apr-2014 04:03:21 GMT", "Fri, 18-Apr-2014 04:03:26 GMT"),
    ],
)
def test_a_date_keeps_its_look(recorded: str, later: str) -> None:
    assert shifted(recorded, DAY + 5) == later
    assert shifted(later, -DAY - 5) == recorded


@pytest.mark.parametrize(
    "text",
    ["", "2014", "2014-04-17", "17.04.2014 04:03:21", "2014-13-17T04:03:21Z", "2014-02-30 01:01:01",
     "2014-04-17T04:03:21Z and more", "Thu, 17 Foo 2014 04:03:21 GMT", "1397707401", "02F0XAMPLE"],
)  # fmt: skip
def test_what_is_no_date_is_none(text: str) -> None:
    assert not is_date(text)
    assert shifted(text, 1) is None


def test_numbers_are_dates_only_where_that_is_said() -> None:
    assert shifted("1397707401", 5, "epoch-s") == "1397707406"
    assert shifted("1397707401123", 5, "epoch-ms") == "1397707406123"
    assert shifted("2014-04-17T04:03:21Z", 5, "epoch-s") is None
    assert shifted("0", 5, "epoch-s") is None


def test_a_date_beyond_the_calendar_stays() -> None:
    assert shifted("9999-12-31T23:59:59Z", 1) is None


@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)), st.integers(-DAY * 900, DAY * 900))
def test_distances_stay(moment: datetime, seconds: int) -> None:
    for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S.000+0300"):
        text, other = moment.strftime(form), (moment + timedelta(days=3)).strftime(form)
        a, b = shifted(text, seconds), shifted(other, seconds)
        assert a is not None
        assert b is not None
        assert re.sub(r"\d", "0", a) == re.sub(r"\d", "0", text)
        assert _moment(b) - _moment(a) == timedelta(days=3)
        assert shifted(a, -seconds) == text


def test_the_beginning_of_a_recording_is_read() -> None:
    assert epoch_s("2026-03-01T09:15:00Z") == datetime(2026, 3, 1, 9, 15, tzinfo=UTC).timestamp()
    assert epoch_s("yesterday") is None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text[:19])
