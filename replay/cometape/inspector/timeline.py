"""A cassette as a sequence over time: one column per session, arrows from cause to event.

    at s      agent                          supervisor
    1.204  ┌─ ● 7 PullWorkitem 200           │
    1.262  ├─▶  8 /v2/me/workitems           │
    1.270  └──┼──────────────────────────────▶  9 /v2/me/workitems

The lines on the left are lanes: one belongs to one operation from its row to its last event's.
Where lanes run out, the event names its cause instead (`← 7`); so does one that another event of
its lane caused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style
from rich.text import Text

from cometape.core.cassette import BayeuxEntry, Entry, Event, Exchange
from cometape.core.catalogue import Catalogue
from cometape.core.profile.profile import Profile

from .lanes import Lanes, Station
from .table import seconds
from .wording import is_operation, outcome, printable, title

LANE_WIDTH = 2
MIN_COLUMN = 22
"""Narrower columns say nothing; sessions then share one, and rows name theirs."""
TIME_WIDTH = 8

UNICODE = {"│": "│", "─": "─", "┌": "┌", "├": "├", "└": "└", "┼": "┼", "▶": "▶", "●": "●",
           "·": "·", "○": "○", "✗": "✗", "…": "…", "←": "←"}  # fmt: skip
ASCII = {"│": "|", "─": "-", "┌": "+", "├": "+", "└": "+", "┼": "+", "▶": ">", "●": "*",
         "·": ".", "○": "o", "✗": "x", "…": "~", "←": "<-"}  # fmt: skip

LEGEND = "● operation  · read  ▶ event  ○ Bayeux  ✗ failed; lines lead from a cause to its events"
_DIM = Style(dim=True)
_COLOURS = ("green", "yellow", "cyan", "magenta", "blue", "bright_green", "bright_yellow", "red")


@dataclass(slots=True)
class Row:
    """One line: one entry, or several equal reads in a row."""

    entry: Entry
    station: Station
    root: int | None
    """Number of the entry where the tree of its lane begins."""
    count: int = 1


def rows(catalogue: Catalogue, profile: Profile, lanes: Lanes) -> Iterator[Row]:
    """The lines of the timeline in order of time."""
    row: Row | None = None
    for station in lanes:
        entry = catalogue.entry(station.place)
        apart = row is None or station.lane is not None or row.station.lane is not None
        if row is not None and not apart and _is_same_read(row.entry, entry, profile):
            row.count += 1
            continue
        if row is not None:
            yield row
        root = None if station.root is None else catalogue.numbers[station.root]
        row = Row(entry, station, root)
    if row is not None:
        yield row


def _is_same_read(one: Entry, other: Entry, profile: Profile) -> bool:
    return (
        isinstance(one, Exchange)
        and isinstance(other, Exchange)
        and one.session == other.session
        and one.request.method == other.request.method
        and one.request.target == other.request.target
        and outcome(one) == outcome(other)
        and not is_operation(one, profile)
    )


class Timeline:
    """A rich renderable; as wide as the console, in ASCII where the output cannot do more."""

    def __init__(self, catalogue: Catalogue, profile: Profile) -> None:
        self._catalogue = catalogue
        self._profile = profile
        self._sessions = catalogue.sessions
        self._lanes = Lanes(catalogue)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self.lines(options)

    def lines(self, options: ConsoleOptions) -> Iterator[Text]:
        """Line by line; a console would gather them all before it prints the first."""
        glyphs = UNICODE if options.encoding.lower().startswith("utf") else ASCII
        gutter = TIME_WIDTH + 1 + LANE_WIDTH * self._lanes.count
        room = max(options.max_width - gutter, MIN_COLUMN)
        count = max(len(self._sessions), 1)
        shared = count > 1 and room // count < MIN_COLUMN
        columns = 1 if shared else count
        width = room // columns
        yield self._names(gutter, width, shared)
        for row in rows(self._catalogue, self._profile, self._lanes):
            yield self._line(row, width, columns, shared, glyphs)
        legend = "".join(glyphs.get(char, char) for char in LEGEND)
        yield Text(f"\n{legend}", style="dim")

    def _names(self, gutter: int, width: int, shared: bool) -> Text:
        names = ["all sessions"] if shared else [printable(name) for name in self._sessions]
        cells = "".join(set_cell_size(f"{name} ", width) for name in names)
        text = Text("at s".rjust(TIME_WIDTH), style="dim", no_wrap=True)
        text.append(" " * (gutter - TIME_WIDTH))
        text.append(cells.rstrip(), style="not dim bold")
        return text

    def _line(
        self, row: Row, width: int, columns: int, shared: bool, glyphs: dict[str, str]
    ) -> Text:
        column = 0 if shared else self._catalogue.session_of[row.station.place]
        lane = row.station.lane
        style = Style(color=_COLOURS[lane]) if lane is not None else Style()
        text = Text(seconds(row.entry.at_s).rjust(TIME_WIDTH) + " ", style=_DIM, no_wrap=True)
        text.append_text(self._gutter(row, style, glyphs))
        arrow = lane is not None
        for index in range(columns):
            if index == column:
                text.append_text(self._cell(row, width, shared, style, glyphs))
                continue
            passed = arrow and index < column
            text.append(glyphs["┼" if passed else "│"], style=style if passed else _DIM)
            text.append((glyphs["─"] if passed else " ") * (width - 1), style=style)
        text.rstrip()
        return text

    def _gutter(self, row: Row, style: Style, glyphs: dict[str, str]) -> Text:
        text = Text(no_wrap=True)
        reached = False
        for lane in range(self._lanes.count):
            if lane == row.station.lane:
                corner = "┌" if row.station.first else "└" if row.station.last else "├"
                text.append(glyphs[corner] + glyphs["─"], style=style)
                reached = True
            elif lane in row.station.through:
                passing = Style(color=_COLOURS[lane])
                text.append(glyphs["┼" if reached else "│"], style=passing)
                text.append(glyphs["─"] if reached else " ", style=style)
            else:
                text.append((glyphs["─"] if reached else " ") * LANE_WIDTH, style=style)
        return text

    def _cell(
        self, row: Row, width: int, shared: bool, style: Style, glyphs: dict[str, str]
    ) -> Text:
        entry = row.entry
        head = f"{glyphs[self._mark(entry)]} {entry.number} "
        words = title(entry, self._profile)
        ended = outcome(entry)
        tail = f" {ended}" if ended else ""
        tail += f" x{row.count}" if row.count > 1 else ""
        if isinstance(entry, Event) and isinstance(entry.cause, int) and entry.cause != row.root:
            head += f"{glyphs['←']} {entry.cause} "
        if shared:
            head += f"{entry.session}: "
        room = width - 1 - cell_len(head)  # one blank before the next column
        words, tail = printable(words), printable(tail)
        if cell_len(words) + cell_len(tail) > room:
            if cell_len(tail) > room // 2:
                tail = _cut(tail, max(room // 2, 0), glyphs)
            words = _cut(words, max(room - cell_len(tail), 0), glyphs)
        text = Text(no_wrap=True)
        text.append(printable(head), style=style)
        text.append(words, style=Style(bold=is_operation(entry, self._profile)))
        text.append(tail, style=Style(color="red") if _went_wrong(entry) else _DIM)
        text.truncate(width - 1)
        text.append(" " * (width - text.cell_len))
        return text

    def _mark(self, entry: Entry) -> str:
        if isinstance(entry, Event):
            return "▶"
        if _went_wrong(entry):
            return "✗"
        if is_operation(entry, self._profile):
            return "●"
        return "·" if isinstance(entry, Exchange) else "○"


def _went_wrong(entry: Entry) -> bool:
    if isinstance(entry, Exchange):
        return entry.error is not None or (
            entry.response is not None and entry.response.status >= 400
        )
    return isinstance(entry, BayeuxEntry) and not entry.successful


def _cut(text: str, width: int, glyphs: dict[str, str]) -> str:
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(width - 1, 0)) + glyphs["…"] if width else ""
