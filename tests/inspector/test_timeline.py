"""The timeline: columns, lanes, widths, and what it does where the terminal can do little."""

from __future__ import annotations

import io
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from cometape.core.cassette import Cassette, Event
from cometape.core.catalogue import Catalogue
from cometape.core.causality.inference import infer_causes
from cometape.inspector.lanes import MAX_LANES, Lanes
from cometape.inspector.survey import summarise
from cometape.inspector.table import numbers, table
from cometape.inspector.timeline import Timeline
from cometape.profiles import load_profile
from strategies import cassettes
from two_sessions import ESCAPE, TWO_SESSIONS, operation

WORKBINS = load_profile("workbins")
INFERRED = infer_causes(TWO_SESSIONS, WORKBINS)
CATALOGUE = Catalogue.of(INFERRED)


class AsciiOutput(io.StringIO):
    """An output that can write ASCII only."""

    encoding = "ascii"


def drawn(renderable: object, width: int = 80, output: io.StringIO | None = None) -> str:
    """What is printed where the output is no terminal."""
    file = output or io.StringIO()
    Console(file=file, width=width, highlight=False, color_system=None).print(renderable)
    return file.getvalue()


def test_arrows_lead_from_the_cause_to_its_events_in_every_column() -> None:
    lines = drawn(Timeline(CATALOGUE, WORKBINS)).splitlines()
    assert lines[0] == "    at s     supervisor                       agent"
    assert lines[7:12] == [
        "   1.204 ┌───● 7 PullWorkitem 02F0ASAK8E… 200 │",
        "   1.250 ├───┼────────────────────────────────▶ 8 /v2/me/workbins Gone",
        "   1.260 │ ┌─┼────────────────────────────────● 9 Complete 200",
        "   1.262 └─┼─▶ 10 /v2/me/workitems StatusCha… │",
        "   1.280   └─┼────────────────────────────────▶ 11 /v2/me/workitems Completed",
    ]


@pytest.mark.parametrize("width", [40, 50, 80, 120, 200])
def test_no_line_is_wider_than_the_console(width: int) -> None:
    for picture in (Timeline(CATALOGUE, WORKBINS), table(summarise(CATALOGUE, WORKBINS), "c.yaml")):
        for line in drawn(picture, width).splitlines():
            assert cell_len(line) <= width


def test_equal_reads_in_a_row_are_one_line() -> None:
    assert "· 18 GET /api/v2/me 200 x2" in drawn(Timeline(CATALOGUE, WORKBINS), 120)


def test_where_columns_would_be_too_narrow_sessions_share_one() -> None:
    picture = drawn(Timeline(CATALOGUE, WORKBINS), 50)
    assert "all sessions" in picture
    assert "● 9 agent: Complete 200" in picture


def test_where_the_output_is_ascii_so_is_the_picture() -> None:
    picture = drawn(Timeline(CATALOGUE, WORKBINS), 80, AsciiOutput())
    assert picture.isascii()
    assert "   1.250 +---+--------------------------------> 8 /v2/me/workbins Gone" in picture


def test_what_a_cassette_says_cannot_control_the_terminal() -> None:
    for picture in (Timeline(CATALOGUE, WORKBINS), table(summarise(CATALOGUE, WORKBINS), "c.yaml")):
        text = drawn(picture, 120)
        assert ESCAPE not in text
        assert "\\x1b[31m" in text


def test_events_say_what_caused_them_where_lanes_run_out() -> None:
    many = MAX_LANES + 2
    entries = [operation(number, "a", number / 10, "PullWorkitem") for number in range(1, many + 1)]
    events = [
        Event(number=100 + n, session="a", at_s=5 + n / 10, channel="/a", data=None, cause=n)
        for n in range(1, many + 1)
    ]
    cassette = Cassette(INFERRED.header, (*entries, *events))
    assert {one.lane for one in Lanes(Catalogue.of(cassette))} == {None, *range(MAX_LANES)}
    assert f"▶ {100 + many} ← {many} /a" in drawn(Timeline(Catalogue.of(cassette), WORKBINS))


def test_without_times_the_order_of_the_file_is_shown() -> None:
    late = Event(number=1, session="a", channel="/a", data=None, cause=2)
    cassette = Cassette(INFERRED.header, (late, operation(2, "a", 1.0, "PullWorkitem")))
    lines = drawn(Timeline(Catalogue.of(cassette), WORKBINS)).splitlines()
    assert lines[1:3] == ["       - ┌─▶ 1 /a", "   1.000 └─● 2 PullWorkitem 200"]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=40)
@given(cassettes(), st.integers(40, 140))
def test_any_cassette_can_be_drawn(cassette: Cassette, width: int) -> None:
    for picture in (
        Timeline(Catalogue.of(cassette), WORKBINS),
        table(summarise(Catalogue.of(cassette), WORKBINS), "c.yaml"),
    ):
        for line in drawn(picture, width).split("\n"):
            assert cell_len(line) <= width


def test_ten_thousand_entries_are_drawn_in_seconds() -> None:
    entries = [
        one
        for n in range(1, 10_000, 2)
        for one in (
            operation(n, "a", n / 10, "PullWorkitem"),
            Event(number=n + 1, session="b", at_s=n / 10, channel="/a", data=None, cause=n),
        )
    ]
    cassette = Cassette(INFERRED.header, tuple(entries))
    began_s = time.monotonic()
    drawn(Timeline(Catalogue.of(cassette), WORKBINS))
    assert time.monotonic() - began_s < 30  # measured: 2 s


def test_many_numbers_are_told_by_their_ends() -> None:
    assert numbers((1, 2, 3)) == "1, 2, 3"
    assert numbers(tuple(range(1, 13))) == "1, 2, 3, 4 … 12 (12)"


def chained() -> Cassette:
    """An operation, its event, what that caused in another session, and a spontaneous pair."""

    def event(number: int, session: str, cause: int | None) -> Event:
        at_s = 1 + number / 10
        return Event(
            number=number, session=session, at_s=at_s, channel="/a", data=None, cause=cause
        )

    found = [operation(1, "a", 1.0, "PullWorkitem"), event(2, "a", 1), event(3, "b", 2)]
    found += [event(4, "b", None), event(5, "a", 4)]
    return infer_causes(Cassette(INFERRED.header, tuple(found)), WORKBINS)


def test_a_tree_of_causes_has_one_lane_and_names_the_causing_event() -> None:
    lines = drawn(Timeline(Catalogue.of(chained()), WORKBINS)).splitlines()
    assert [line.rstrip(" │") for line in lines[1:6]] == [
        "   1.000 ┌─● 1 PullWorkitem 200",
        "   1.200 ├─▶ 2 /a",
        "   1.300 └─┼─────────────────────────────────▶ 3 ← 2 /a",
        "   1.400 ┌─┼─────────────────────────────────▶ 4 /a",
        "   1.500 └─▶ 5 /a",
    ]


def test_the_table_tells_which_event_caused_an_event() -> None:
    tables = drawn(table(summarise(Catalogue.of(chained()), WORKBINS), "c.yaml"), 100)
    assert "2 +170 ms /a" in tables
    assert "3 by 2 +270 ms /a to b" in tables
    assert "causes 5 +100 ms /a to a" in tables
