"""The report of a replay as JUnit XML, which CI systems show beside the tests.

A run is a test suite. A test case is a recording (it fails when nobody asked for it), an event (it
fails when nobody was given it) or a miss (which is a failure). Elements and attributes are those
that both the schema of Apache Ant's JUnit task and that of Jenkins' JUnit 10 allow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from cometape.core.lone_surrogate import encodable

from .journal import INTERNAL_ERRORS, Report, RunReport
from .miss import Miss

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML 1.0 document may hold, even escaped (XML 1.0 §2.2)."""


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    group: str
    """The recorded session, or `misses`."""
    kind: str | None = None
    """Of the failure; None: it passed."""
    message: str = ""
    text: str = ""


def junit_xml(reports: Mapping[str, Report], *, timestamp: str) -> str:
    """The document of reports, by the name of each served run, that were made `with_played`.

    `timestamp` is of the form `2026-03-01T09:15:00`.
    """
    root = ElementTree.Element("testsuites")
    for served, report in reports.items():
        name = _token(report.cassette) or "cassette"
        name = name if len(reports) == 1 else f"{name} ({_token(served)})"
        for run in report.runs:
            misses = [miss for miss in report.misses if miss.state.run == run.run]
            _add_suite(root, name, len(root), run, list(_cases(run, misses)), timestamp)
        if report.internal_errors_total:
            text = "\n".join((INTERNAL_ERRORS, *report.internal_errors))
            case = _Case("internal errors", "cometape", "internal-error", report.verdict, text)
            nobody = RunReport(run=0, clients=(), answered=0, delivered=0)
            _add_suite(root, name, len(root), nobody, [case], timestamp)
        past = report.past
        if past.runs:
            kind = "left-over" if past.complete < past.runs else None
            case = _Case("earlier runs", "past", kind, past.text())
            earlier = RunReport(run=0, clients=(), answered=past.answered, delivered=past.delivered)
            _add_suite(root, name, len(root), earlier, [case], timestamp)
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _add_suite(
    root: ElementTree.Element,
    name: str,
    number: int,
    run: RunReport,
    cases: Sequence[_Case],
    timestamp: str,
) -> None:
    failures = sum(case.kind is not None for case in cases)
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        {
            "id": str(number),
            "package": name,
            "name": f"{name}, run {run.run}",
            "timestamp": timestamp,
            "hostname": "localhost",
            "tests": str(len(cases)),
            "failures": str(failures),
            "errors": "0",
            "skipped": "0",
            "time": "0",
        },
    )
    properties = ElementTree.SubElement(suite, "properties")
    for client, session in run.clients:
        pair = {"name": _token(f"client {client}"), "value": _clean(session)}
        ElementTree.SubElement(properties, "property", pair)
    for case in cases:
        found = ElementTree.SubElement(
            suite,
            "testcase",
            {
                "name": _token(case.name),
                "classname": _token(f"{name}.{case.group}"),
                "time": "0",
            },
        )
        if case.kind is not None:
            attributes = {"type": case.kind, "message": _clean(case.message)}
            ElementTree.SubElement(found, "failure", attributes).text = _clean(case.text)
    ElementTree.SubElement(suite, "system-out").text = _clean(run.text())
    ElementTree.SubElement(suite, "system-err")


def _cases(run: RunReport, misses: Sequence[Miss]) -> Iterator[_Case]:
    """In the order of the entries, then the misses."""
    found = [(one.entry, _Case(f"{one.entry} {one.what}", one.session)) for one in run.played]
    found += [
        (
            one.entry,
            _Case(
                f"{one.entry} {one.what}",
                one.session,
                "unplayed",
                f"never asked for; needed: {one.needed}",
                str(one),
            ),
        )
        for one in run.unplayed
    ]
    found += [
        (
            one.entry,
            _Case(
                f"{one.entry} {one.what} on {one.channel}",
                one.session,
                "undelivered",
                f"never delivered: {one.why}",
                str(one),
            ),
        )
        for one in run.undelivered
    ]
    yield from (case for _, case in sorted(found, key=lambda pair: pair[0]))
    for number, miss in enumerate(misses, 1):
        yield _Case(
            f"miss {number} {miss.request}",
            "misses",
            f"miss.{miss.reason}",
            miss.title,
            miss.text(),
        )


def _token(text: str) -> str:
    """What XML Schema calls a token: one line, single spaces."""
    return " ".join(_clean(text).split())


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", encodable(text))
