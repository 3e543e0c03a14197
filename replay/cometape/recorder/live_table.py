"""The table on the terminal while a recording runs.

Recording does not wait for it. An entry is only put aside when it is recorded; four times a second
a task counts what was put aside, a few entries at a time, and a thread draws the counts: a terminal
that does not take its output (Ctrl-S) stops that thread and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions
from rich.live import Live
from rich.segment import Segment
from rich.text import Text

from ..core.cassette import Entry, Exchange
from ..core.record.bayeux_capture import is_below
from ..core.record.live_tally import LiveTally, LiveView, OperationRow
from ..inspector.wording import printable
from .addon import Recorder

REFRESH_S = 0.25
_SLICE = 32
"""Entries counted before the proxy gets its turn again: about a millisecond."""
_MOST_ASIDE = 2000
_MOST_BYTES_ASIDE = 8 * 1024 * 1024
"""More entries, or longer bodies, are counted at once: what was put aside stays in memory."""
_CLOSING_S = 2.0
"""How long the end of a recording waits for a terminal that takes no output."""
_SHOWN_PROBLEMS = 3
_OTHER_LINES = 16
"""Lines of the screen that are not rows of the table."""
_COLUMNS = ("times", "failed", "events", "awaited")
_COLUMN = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """All that is drawn."""

    url: str
    out: str
    elapsed_s: int
    view: LiveView


Line = tuple[tuple[str, str], ...]
"""Pieces of text with their styles; the first takes what room the others leave."""


_RULE: Line = (("─", "dim"),)


class Lines:
    """Lines for rich, each cut to the terminal's width.

    A rich table of the same look takes ten times as long to lay out, and that is time in which the
    proxy waits: Python runs one thread at a time.
    """

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = list(lines)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for line in self._lines:
            room = options.max_width - sum(len(text) for text, _ in line[1:])
            for index, (text, style) in enumerate(line):
                shown = text if text.isprintable() else printable(text)
                if line is _RULE:
                    shown = text * options.max_width
                elif index == 0:
                    shown = _cut(shown, max(room, 0), pad=len(line) > 1)
                yield Segment(shown, console.get_style(style) if style else None)
            yield Segment.line()


@contextlib.asynccontextmanager
async def watched(recorder: Recorder, *, quiet: bool) -> AsyncIterator[Callable[[str], None]]:
    """Show what `recorder` records while the block runs, if that is a terminal's.

    Gives what is to be called with the URL of the recorder when it listens: the table appears then.
    """
    if quiet or recorder.recording is None or not _on_a_terminal():
        yield lambda url: None
        return
    tasks: list[asyncio.Task[None]] = []
    try:
        yield lambda url: tasks.append(asyncio.create_task(_show(recorder, url)))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def drawn(screen: Screen, *, height: int) -> Lines:
    """The screen for a terminal of so many lines."""
    view = screen.view
    minutes, seconds = divmod(screen.elapsed_s, 60)
    heading = f"recording {minutes}:{seconds:02} · {screen.url} · {screen.out}"
    lines: list[Line] = [((heading, "bold"),), ()]
    if view.operations or view.reads.times:
        lines += [*_table(view, max(height - _OTHER_LINES, 3)), ()]
    lines += [((fact, ""),) for fact in _facts(view)]
    lines += [((end, "yellow"),) for end in _open_ends(screen)]
    if view.problems:
        lines.append(((f"problems: {sum(times for _, times in view.problems)}", "red"),))
        lines += [
            ((f"  {f'{times} times: ' if times > 1 else ''}{what}", "red"),)
            for what, times in view.problems[-_SHOWN_PROBLEMS:]
        ]
    lines.append((("Ctrl-C ends the recording", "dim"),))
    return Lines(lines)


def _table(view: LiveView, most: int) -> Iterator[Line]:
    yield ("operation", "dim"), *((name.rjust(_COLUMN), "dim") for name in _COLUMNS)
    yield _RULE
    rows = view.operations if len(view.operations) <= most else view.operations[: most - 1]
    yield from map(_row, rows)
    if len(rows) < len(view.operations):
        rest = view.operations[len(rows) :]
        yield _row(
            OperationRow(
                name=f"… and {len(rest)} other kinds",
                times=sum(row.times for row in rest),
                failed=sum(row.failed for row in rest),
                events=sum(row.events for row in rest),
                waiting=sum(row.waiting for row in rest),
            )
        )
    if view.reads.times:
        yield _row(view.reads)


def _row(row: OperationRow) -> Line:
    return (row.name, ""), *(
        (str(number or "-").rjust(_COLUMN), style if number else "dim")
        for number, style in (
            (row.times, ""),
            (row.failed, "red"),
            (row.events, "green"),
            (row.waiting, "yellow"),
        )
    )


def _facts(view: LiveView) -> Iterator[str]:
    yield " · ".join(
        (
            _counted(view.sessions, "session"),
            _counted(view.subscriptions, "subscription"),
            _counted(view.exchanges, "exchange"),
        )
    )
    events = _counted(view.events, "event") + (f", {view.matched} matched" if view.events else "")
    yield f"{events} · {_counted(view.secrets, 'secret')} replaced"


def _open_ends(screen: Screen) -> Iterator[str]:
    view = screen.view
    if view.unanswered:
        requests = _counted(view.unanswered, "request")
        yield f"no answer yet: {requests}, the oldest for {view.unanswered_s:.0f} s"
    if view.waiting_total:
        shown = [
            f"{one.number} {one.name} of {one.session}"
            + ("" if one.since_s is None else f" {max(screen.elapsed_s - one.since_s, 0):.0f} s")
            for one in view.waiting
        ]
        more = view.waiting_total - len(shown)
        yield "no event yet: " + ", ".join(shown) + (f" and {more} more" if more else "")


def _cut(text: str, width: int, *, pad: bool) -> str:
    cells = cell_len(text)
    if cells > width:
        return set_cell_size(text, max(width - 1, 0)) + "…"[:width]
    return text + " " * (width - cells) if pad else text


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


class _Aside:
    """Entries that wait to be counted."""

    def __init__(self, tally: LiveTally) -> None:
        self.tally = tally
        self._entries: deque[Entry] = deque()
        self._bytes = 0

    def put(self, entry: Entry) -> None:
        """Called for each entry in the midst of recording."""
        self._entries.append(entry)
        if isinstance(entry, Exchange):
            self._bytes += len(entry.request.body)
            if entry.response is not None:
                self._bytes += len(entry.response.body)
        if len(self._entries) > _MOST_ASIDE or self._bytes > _MOST_BYTES_ASIDE:
            while self._entries:
                self._count()

    async def count(self) -> None:
        """Count all, and let the proxy work in between."""
        while self._entries:
            self._count()
            await asyncio.sleep(0)

    def _count(self) -> None:
        for _ in range(min(_SLICE, len(self._entries))):
            self.tally.observe(self._entries.popleft())
        if not self._entries:
            self._bytes = 0


class _Drawing(threading.Thread):
    """Draws the newest screen; those that came while it drew are left out."""

    def __init__(self) -> None:
        super().__init__(name="cometape-table", daemon=True)
        self._screen: Screen | None = None
        self._note: str | None = None
        self._changed = threading.Event()
        self._ended = False

    def show(self, screen: Screen) -> None:
        """Draw this one next."""
        if screen != self._screen:
            self._screen = screen
            self._changed.set()

    def finishing(self, done: int, size: int) -> None:
        """How far the end of the recording has come."""
        self._note = f"finishing the cassette: {100 * done // max(size, 1)} %"
        self._changed.set()

    def close(self) -> None:
        """Take the table away; give up on a terminal that does not listen."""
        self._ended = True
        self._changed.set()
        self.join(_CLOSING_S)

    def run(self) -> None:
        console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        # What others print meanwhile goes above the table.
        with Live(console=console, auto_refresh=False, transient=True) as live:
            while not self._ended:
                self._changed.wait()
                self._changed.clear()
                if self._ended or not _in_foreground():
                    continue
                if self._note is not None:
                    live.update(Text(self._note), refresh=True)
                elif self._screen is not None:
                    live.update(drawn(self._screen, height=console.height), refresh=True)


async def _show(recorder: Recorder, url: str) -> None:
    recording = recorder.recording
    assert recording is not None
    observer = recording.observer
    aside = _Aside(LiveTally(observer.profile))
    recording.watch = aside.put
    drawing = _Drawing()
    recording.progress = drawing.finishing
    drawing.start()
    try:
        while True:
            await aside.count()
            now_s = time.monotonic()
            drawing.show(
                Screen(
                    url=url,
                    out=str(recording.settings.out),
                    elapsed_s=int(now_s - observer.started_s),
                    view=aside.tally.view(
                        unanswered_s=list(_unanswered_s(recorder, now_s)),
                        secrets=sum(observer.scrubber.replaced.values()),
                        problems=observer.notices.problems,
                    ),
                )
            )
            await asyncio.sleep(REFRESH_S)
    finally:
        recording.watch = None
        drawing.close()


def _unanswered_s(recorder: Recorder, now_s: float) -> Iterator[float]:
    """For how long each request has waited that is no held connect."""
    assert recorder.recording is not None
    observer = recorder.recording.observer
    bases = {base for found in observer.bayeux_endpoints.values() for base in found}
    bases.update(observer.profile.bayeux_paths)
    for capture in recorder.open_requests:
        path = capture.flow.request.path.partition("?")[0]
        if not any(is_below(base, path) for base in bases):
            yield float(int(now_s - capture.started_s))  # whole seconds: drawn when they change


def _on_a_terminal() -> bool:
    return sys.stdout.isatty() and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def _in_foreground() -> bool:
    """Whether the terminal is ours: after Ctrl-Z and `bg` it is the shell's."""
    try:
        return os.tcgetpgrp(sys.__stderr__.fileno()) == os.getpgrp()  # type: ignore[union-attr]
    except (AttributeError, OSError, ValueError):
        return True
