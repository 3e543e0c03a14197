"""Options in seconds: a finite number within a day, or a refusal that says so."""

from __future__ import annotations

import click
import pytest

from cometape.cli import broker, explore, replay, simulate
from cometape.cli.seconds import Seconds
from cometape.core.bayeux.settings import LONGEST_S


@pytest.mark.parametrize("text", ["nan", "-nan", "inf", "-inf", "1e9", "-1", "soon", ""])
def test_what_is_no_time_that_can_pass_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match=r"seconds|range|valid"):
        Seconds().convert(text, None, None)


@pytest.mark.parametrize(("text", "seconds"), [("0", 0), ("0.5", 0.5), (str(LONGEST_S), LONGEST_S)])
def test_a_number_of_seconds_within_a_day_is_taken(text: str, seconds: float) -> None:
    assert Seconds().convert(text, None, None) == seconds


def test_where_a_time_must_pass_none_is_refused() -> None:
    with pytest.raises(click.BadParameter):
        Seconds(min_open=True).convert("0", None, None)


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (replay.command, "patience"),
        (explore.command, "patience"),
        (explore.command, "command_limit"),
        (explore.command, "time_limit"),
        (simulate.command, "invite_every_s"),
        (simulate.command, "revoke_after_s"),
        (broker.command, "interval_s"),
        *(
            (command, option)
            for command in (replay.command, simulate.command, broker.command)
            for option in ("timeout_s", "max_interval_s")
        ),
    ],
)
def test_options_in_seconds_are_of_this_kind(command: click.Command, option: str) -> None:
    (found,) = [one for one in command.params if one.name == option]
    assert isinstance(found.type, Seconds)
