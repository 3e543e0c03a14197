"""What a replay tells in the end, and where: text, JSON, JUnit XML."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from cometape.core.errors import ConfigurationError
from cometape.core.json_value import Json
from cometape.core.lone_surrogate import encodable
from cometape.core.report.journal import Report

Command = TypeVar("Command", bound=Callable[..., Any])


def report_options(command: Command) -> Command:
    """The options of a command that reports: `report_file`, `junit_file`, `as_json`."""
    for option in (
        click.option(
            "--json",
            "as_json",
            is_flag=True,
            help="The report on standard output as JSON, after the lines that name addresses.",
        ),
        click.option(
            "--junit",
            "junit_file",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE.xml",
            help="Write the report to this file as JUnit XML, a test case for each recording, "
            "event and miss.",
        ),
        click.option(
            "--report",
            "report_file",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE.json",
            help="Write the report to this file as well, for machines.",
        ),
    ):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTo:
    """Where the reports of a replay's runs go."""

    report_file: Path | None = None
    junit_file: Path | None = None
    as_json: bool = False

    @property
    def wants_played(self) -> bool:
        """Whether the reports must tell what was played as well."""
        return self.junit_file is not None

    def check(self) -> None:
        """Raises ConfigurationError for a file that has no folder to be in."""
        check_folder("--report", self.report_file)
        check_folder("--junit", self.junit_file)

    def tell(self, reports: Mapping[str, Report], titles: Mapping[str, str], first: Report) -> None:
        """The reports of runs by name; `first` is that of the first cassette.

        Raises ConfigurationError for files that cannot be written, when all others are.
        """
        if self.as_json:
            every: Json = {name: report.json() for name, report in reports.items()}
            one = next(iter(reports.values())) if len(reports) == 1 else None
            click.echo(_rendered(one.json() if one is not None else {"reports": every}))
        else:
            for name, report in reports.items():
                if name in titles:
                    click.echo(titles[name])
                click.echo(report.text())
        unwritten: list[str] = []
        if self.report_file is not None:
            unwritten += _write("--report", self.report_file, _rendered(first.json()) + "\n")
        if self.junit_file is not None:
            from cometape.core.report.junit import junit_xml

            timestamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
            xml = junit_xml(reports, timestamp=timestamp)
            unwritten += _write("--junit", self.junit_file, xml)
        if unwritten:
            raise ConfigurationError(
                "; ".join(unwritten),
                hint="The report was told on standard output; choose another place for the file.",
                reason="unwritable",
            )


def check_folder(option: str, file: Path | None) -> None:
    """Raises ConfigurationError where an option's file has no folder to be in."""
    if file is not None and not file.parent.is_dir():
        raise ConfigurationError(
            f"{option}: there is no folder {str(file.parent)!r}",
            hint="Create it, or choose another place for the file.",
            reason="bad-option",
        )


def _write(option: str, file: Path, text: str) -> list[str]:
    """Write a report; what is wrong where that cannot be."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        return [f"{option}: {str(file)!r} cannot be written: {error.strerror or error}"]
    return []


def _rendered(value: Json) -> str:
    return encodable(json.dumps(value, ensure_ascii=False, indent=2))
