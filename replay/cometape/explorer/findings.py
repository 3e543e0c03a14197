"""What came of a search: a table, the order that broke, and how to meet it again."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cometape.core.explore.order import Order
from cometape.core.json_value import JsonObject

from .search import Search, Why
from .trial import Outcome

LAST_LINES = 40
"""Of what the broken command printed so many are shown."""
_ENDS: dict[Why, str] = {
    "all": "these are all legal orders of the cassette",
    "max": "there are more: --max",
    "time": "there are more: --time-limit",
    "broken": "the search ends there; --all goes on",
    "interrupted": "interrupted",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What the user typed, so that it can be typed again for one order."""

    file: str
    options: Sequence[str]
    """Those of `cometape explore` on which the outcome of an order depends."""
    replay_options: Sequence[str]
    """Those of them that `cometape replay` has, too."""
    command: Sequence[str]

    def again(self, order: Order) -> str:
        """The line that explores this order alone."""
        words = ["cometape", "explore", self.file, "--only", order.name, *self.options]
        return shlex.join([*words, "--", *self.command])

    def served(self, order: Order) -> str:
        """The line that serves this order."""
        words = ["cometape", "replay", self.file, "--order", order.name]
        return shlex.join([*words, *self.replay_options])


def text(search: Search, why: Why, typed: Typed) -> str:
    """For a terminal."""
    lines = [*_table(search.outcomes), ""]
    broken = search.broken
    if broken:
        lines += _told(broken[0], typed)
    unmet = sum(bool(one.unrealised) and not one.is_broken for one in search.outcomes)
    counts = [
        (sum(not one.is_broken and not one.unrealised for one in search.outcomes), "passed"),
        (unmet, "not realisable"),
        (len(broken), "broke"),
        (search.skipped, "skipped for what is not realisable in them"),
    ]
    told = ", ".join(f"{count} {word}" for count, word in counts if count)
    tried = len(search.outcomes)
    orders = "1 order" if tried == 1 else f"{tried} orders"
    lines.append(f"explore: {orders}: {told or 'none tried'}; {_ENDS[why]}")
    return "\n".join(lines)


def as_json(search: Search, why: Why) -> JsonObject:
    """For a machine (`--json`)."""
    return {
        "explore": 1,
        "ended": why,
        "ok": not search.broken,
        "broken": search.broken[0].order.name if search.broken else None,
        "skipped": search.skipped,
        "orders": [outcome.json() for outcome in search.outcomes],
    }


def list_json(orders: Iterable[Order], *, are_all: bool) -> JsonObject:
    """The orders of `--list`, for a machine."""
    return {
        "explore": 1,
        "ended": "all" if are_all else "max",
        "orders": [{"order": order.name, "what": str(order)} for order in orders],
    }


def _table(outcomes: Sequence[Outcome]) -> list[str]:
    names = [outcome.order.name for outcome in outcomes]
    width = min(60, max((len(name) for name in names), default=0))
    return [
        f"{number:>4}  {name:<{width}}  {outcome.took_s:6.2f} s  {outcome.verdict}"
        for number, (name, outcome) in enumerate(zip(names, outcomes, strict=True), 1)
    ]


def _told(outcome: Outcome, typed: Typed) -> list[str]:
    lines = [f"broken by {outcome.order.name}: {outcome.verdict}", f"  {outcome.order}"]
    lines += [f"  but: {one}" for one in outcome.unrealised]
    if outcome.order.inverted or outcome.order.regrouped:
        lines.append(f"  again:  {typed.again(outcome.order)}")
        lines.append(f"  served: {typed.served(outcome.order)}")
    else:
        lines.append("  the order is the recorded one: mend that first, then explore")
    if not outcome.report.ok and outcome.exit_code == 0:
        lines += _indented(outcome.report.text().splitlines())
    return [*lines, *printed(outcome), ""]


def printed(outcome: Outcome) -> list[str]:
    """The last lines that the command printed, under a heading; none where it printed nothing."""
    lines = outcome.output.splitlines()[-LAST_LINES:]
    return ["  it printed:", *_indented(lines)] if lines else []


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]
