"""A run and what there is to see of it, as the JSON of the control API."""

from __future__ import annotations

from itertools import islice

from ..json_value import Json, JsonObject
from .served_run import Moment, ServedRun

MAX_PAGE = 1000
"""Lines of a journal, or misses, in one answer."""


def run_json(run: ServedRun) -> JsonObject:
    """A run, and how it is played."""
    settings = run.settings
    return {
        "run": run.name,
        "url": run.url,
        "cassette": run.cassette,
        "pace": str(settings.pace),
        "seed": settings.seed,
        "strict": settings.strict,
        "repeats": settings.repeats
        if isinstance(settings.repeats, bool)
        else list(settings.repeats),
        "dates": str(run.replay.replay.dates),
        "as_recorded": settings.as_recorded,
        "faults": [rule.json() for rule in settings.faults],
        "order": settings.order,
        "patience_s": settings.order_patience_s,
        "timeout_s": settings.bayeux.timeout_ms / 1000,
        "max_interval_s": settings.bayeux.max_interval_ms / 1000,
        "dialect": run.replay.replay.bayeux.settings.dialect,
        "resets": run.resets,
        "requests": run.requests,
    }


def report_json(run: ServedRun) -> JsonObject:
    """The report of a run, with the verdict of a strict one."""
    report = run.report()
    return {
        **report.json(),
        "name": run.name,
        "strict": run.settings.strict,
        "passed": report.ok or not run.settings.strict,
    }


def journal_json(run: ServedRun, since: int, limit: int) -> JsonObject:
    """Lines of the journal from number `since` on, and the number to ask for next.

    `lost` counts those in between that the journal keeps no more.
    """
    journal = run.journal
    oldest = journal.total - len(journal)
    first = min(max(since, oldest), journal.total)
    lines: list[Json] = [
        {"number": number, **line.json(), "at_s": line.at_s - run.began_s}
        for number, line in enumerate(
            islice(journal, first - oldest, first - oldest + limit), first
        )
    ]
    return {
        "lines": lines,
        "next": first + len(lines),
        "total": journal.total,
        "lost": max(0, oldest - since),
        "resets": run.resets,
    }


def misses_json(run: ServedRun, since: int, limit: int) -> JsonObject:
    """Misses from number `since` on, and the number to ask for next."""
    found = run.misses[since : since + limit]
    misses: list[Json] = [
        {"number": number, **miss.json()} for number, miss in enumerate(found, since)
    ]
    return {
        "misses": misses,
        "next": since + len(misses),
        "total": run.misses_total,
        "resets": run.resets,
    }


def faults_json(run: ServedRun) -> JsonObject:
    """Rules in force, and what became of every rule there was."""
    faults = run.replay.faults
    return {
        "faults": [*faults.json()],
        "tallies": [tally.json() for tally in faults.tallies],
    }


def moment_json(moment: Moment) -> JsonObject:
    """Where the clock stands; the first things that are pending."""
    return {
        "now_s": moment.now_s,
        "manual": moment.manual,
        "pending": [one.json(moment.now_s) for one in moment.pending[:MAX_PAGE]],
        "pending_total": len(moment.pending),
    }


def sessions_json(run: ServedRun, name: str | None = None) -> JsonObject:
    """Living Bayeux sessions."""
    found = run.sessions(name)
    return {
        "sessions": [one.json() for one in found],
        "held": any(one.held for one in found),
    }
