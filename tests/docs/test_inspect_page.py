"""`docs/inspect.md` names every key of the JSON, every problem, and every option."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import get_args

import click
import pytest

from cometape.cli import inspect, show
from cometape.core.cassette import Header
from cometape.inspector.entry_links import Link
from cometape.inspector.summary import (
    Effect,
    OperationSummary,
    Problem,
    ProblemKind,
    ReadSummary,
    SessionSummary,
    SpontaneousEvent,
    Subscription,
    Summary,
)

PAGE = (Path(__file__).parents[2] / "docs" / "inspect.md").read_text(encoding="utf-8")
RECORDS = (
    Summary, Header, SessionSummary, Subscription, OperationSummary, Effect, ReadSummary,
    SpontaneousEvent, Problem, Link,
)  # fmt: skip


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_every_key_of_the_json_is_named(record: type) -> None:
    assert [one.name for one in fields(record) if f"`{one.name}`" not in PAGE] == []


def test_every_kind_of_problem_is_explained() -> None:
    assert [kind for kind in get_args(ProblemKind) if f"| `{kind}` |" not in PAGE] == []


@pytest.mark.parametrize("command", [inspect.command, show.command], ids=["inspect", "show"])
def test_every_option_is_named(command: click.Command) -> None:
    options = [one for parameter in command.params for one in parameter.opts if one[:2] == "--"]
    assert [option for option in options if option not in PAGE] == []
