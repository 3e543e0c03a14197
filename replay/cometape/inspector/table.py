"""The summary of a cassette as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..core.cassette import UNFINISHED
from .summary import Effect, OperationSummary, SessionSummary, SpontaneousEvent, Summary
from .wording import printable, short_target

MAX_ROWS = 1000
"""Of a table; the JSON has all."""


def table(summary: Summary, path: str, max_rows: int = MAX_ROWS) -> RenderableType:
    """Everything `cometape inspect` prints: of each table the first rows."""
    shown = replace(
        summary,
        sessions=summary.sessions[:max_rows],
        operations=summary.operations[:max_rows],
        reads=summary.reads[:max_rows],
        spontaneous=summary.spontaneous[:max_rows],
        problems=summary.problems[:max_rows],
    )
    several = len(summary.sessions) > 1
    parts: list[RenderableType] = [_heading(summary, path)]
    parts += ["", _sessions(shown), *_rest(summary.sessions, max_rows)]
    if summary.operations:
        parts += ["", _operations(shown, several), *_rest(summary.operations, max_rows)]
    if summary.reads:
        parts += ["", _reads(shown, several), *_rest(summary.reads, max_rows)]
    if summary.spontaneous:
        parts += ["", _spontaneous(shown), *_rest(summary.spontaneous, max_rows)]
    return Group(*parts, "", _problems(shown), *_rest(summary.problems, max_rows))


def _rest(rows: Sequence[object], max_rows: int) -> Iterator[Text]:
    """What is said of rows that are not shown."""
    if len(rows) > max_rows:
        left = f"… and {len(rows) - max_rows:,} more: --rows N shows N, --json all"
        yield Text(left, style="dim")


def _heading(summary: Summary, path: str) -> Text:
    header = summary.header
    text = Text()
    text.append(printable(header.scenario or path), style="bold")
    facts = [path] if header.scenario else []
    facts += [f"{summary.entries} {'entry' if summary.entries == 1 else 'entries'}"]
    if summary.duration_s is not None:
        facts.append(f"{summary.duration_s:.1f} s")
    facts.append(f"profile {header.profile}")
    text.append("\n" + printable(" · ".join(facts)))
    recorded = [f"recorded {header.recorded_at}"] if header.recorded_at else []
    recorded += [f"from {header.origin}"] if header.origin else []
    if recorded:
        text.append("\n" + printable(" ".join(recorded)), style="dim")
    if header.unfinished:
        text.append(f"\n{UNFINISHED}; `cometape scrub` finishes it", style="yellow")
    return text


def _new_table(title: str) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        header_style="dim",
    )


def _sessions(summary: Summary) -> Table:
    found = _new_table("Sessions")
    found.add_column("session", overflow="fold")
    found.add_column("connected by", overflow="fold")
    found.add_column("subscriptions", overflow="fold", ratio=1)
    for name in ("operations", "reads", "events"):
        found.add_column(name, justify="right", no_wrap=True)
    for session in summary.sessions:
        found.add_row(
            Text(printable(session.name)),
            Text(printable(", ".join(session.connection_types)) or "-"),
            _subscriptions(session),
            str(session.operations),
            str(session.reads),
            str(session.events),
        )
    return found


def _subscriptions(session: SessionSummary) -> Text:
    if not session.subscriptions:
        return Text("-")
    lines = []
    for subscription in session.subscriptions:
        line = Text(printable(subscription.channel))
        if subscription.error is not None:
            line.append(f" refused: {printable(subscription.error)}", style="red")
        elif subscription.ended:
            line.append(" (ended)", style="dim")
        lines.append(line)
    return Text("\n").join(lines)


def _operations(summary: Summary, several: bool) -> Table:
    found = _new_table("Operations and the events they caused")
    found.add_column("#", justify="right", no_wrap=True)
    found.add_column("at s", justify="right", no_wrap=True)
    if several:
        found.add_column("session", overflow="fold")
    found.add_column("operation", overflow="fold")
    found.add_column("answer", overflow="fold", min_width=8)
    found.add_column("events", overflow="fold")
    for operation in summary.operations:
        found.add_row(
            str(operation.number),
            seconds(operation.at_s),
            *([Text(printable(operation.session))] if several else []),
            _operation(operation),
            _answer(operation),
            Text("\n").join(_effects(operation, several)) or Text("-", style="dim"),
        )
    return found


def _operation(operation: OperationSummary) -> Text:
    text = Text(printable(operation.name), style="bold")
    if operation.subject:
        text.append(f" {printable(operation.subject)}", style="not bold")
    plain = operation.method is None or operation.name.startswith(f"{operation.method} ")
    if not plain:
        target = f"{operation.method} {short_target(operation.target)}"
        text.append("\n" + printable(target), style="not bold dim")
    return text


def _answer(operation: OperationSummary) -> Text:
    text = Text(printable(operation.outcome))
    for kind, value in operation.correlation_ids:
        text.append(f"\n{kind} ", style="dim")
        text.append(printable(str(value)), style="yellow")
    return text


def _effects(operation: OperationSummary, several: bool) -> Iterator[Text]:
    yield from effect_lines(
        operation.effects, operation.number, operation.session if several else None
    )


def effect_lines(effects: Iterable[Effect], root: int, session: str | None) -> Iterator[Text]:
    """Events with what caused them where that is not `root`; to whom, where not to `session`."""
    for effect in effects:
        text = Text(f"{effect.number} ", style="green")
        if effect.cause != root:
            text.append(f"by {effect.cause} ", style="green")
        text.append(f"{delay(effect)} ", style="dim")
        text.append(printable(effect.channel), style="default")
        if session is not None and effect.session != session:
            text.append(f" to {printable(effect.session)}", style="cyan")
        if effect.words:
            text.append(f" {printable(effect.words)}", style="dim")
        yield text


def _reads(summary: Summary, several: bool) -> Table:
    found = _new_table("Reads")
    if several:
        found.add_column("session", overflow="fold")
    found.add_column("request", overflow="fold", ratio=1)
    found.add_column("answer", overflow="fold")
    found.add_column("entries", overflow="fold")
    for read in summary.reads:
        found.add_row(
            *([Text(printable(read.session))] if several else []),
            Text(printable(f"{read.method} {short_target(read.target)}")),
            Text(printable(", ".join(read.outcomes))),
            numbers(read.numbers),
        )
    return found


def _spontaneous(summary: Summary) -> Table:
    found = _new_table("Spontaneous events")
    found.add_column("#", justify="right", no_wrap=True)
    found.add_column("at s", justify="right", no_wrap=True)
    found.add_column("session", overflow="fold")
    found.add_column("event", overflow="fold", ratio=1)
    found.add_column("follows", justify="right", no_wrap=True)
    for event in summary.spontaneous:
        found.add_row(
            str(event.number),
            seconds(event.at_s),
            Text(printable(event.session)),
            Text("\n").join(_spontaneous_lines(event)),
            "-" if event.after is None else str(event.after),
        )
    return found


def _spontaneous_lines(event: SpontaneousEvent) -> Iterator[Text]:
    yield Text(printable(f"{event.channel} {event.words}".rstrip()))
    for line in effect_lines(event.effects, event.number, event.session):
        yield Text("causes ").append_text(line)


def _problems(summary: Summary) -> RenderableType:
    if not summary.problems:
        return Text("No problems: every event has its cause, every operation its events.")
    found = _new_table("Problems")
    found.add_column("#", justify="right", no_wrap=True)
    found.add_column("kind", no_wrap=True, style="red")
    found.add_column("what", overflow="fold", ratio=1)
    for problem in summary.problems:
        found.add_row(str(problem.entry), problem.kind, Text(printable(problem.what)))
    return found


def seconds(value: float | None) -> str:
    """A time for a column: `1.204`, or `-`."""
    return "-" if value is None else f"{value:.3f}"


def delay(effect: Effect) -> str:
    """How long after the answer: `+34 ms`, `-2 ms` when it overtook it, nothing if unknown."""
    after_s = effect.after_answer_s
    if after_s is None:
        return ""
    return f"{after_s:+.1f} s" if abs(after_s) >= 10 else f"{1000 * after_s:+.0f} ms"


def numbers(found: Sequence[int], most: int = 6) -> str:
    """Entry numbers for a column: `3, 5, 9 … 40 (12)`."""
    if len(found) <= most:
        return ", ".join(map(str, found))
    return f"{', '.join(map(str, found[: most - 2]))} … {found[-1]} ({len(found)})"
