"""`docs/simulator.md` is true: users, workbins, status codes and switches are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import click

from cometape.cli.simulate import command
from cometape.simulator.demo_data import DEMO_DATA
from cometape.simulator.routes import ROUTES
from cometape.simulator.statuses import HTTP_STATUSES, STATUS_MESSAGES
from cometape.simulator.switches import SWITCHES

PAGE = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text(encoding="utf-8")
ROWS = {
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in PAGE.splitlines()
    if line.startswith("|")
}


def test_every_user_and_workbin_is_described() -> None:
    for user in DEMO_DATA.users:
        row = (f"`{user.user_name}`", f"`{user.password}`", f"`{user.id}`")
        assert row in {cells[:3] for cells in ROWS}
    for workbin in DEMO_DATA.workbins:
        row = (f"`{workbin.name}`", f"`{workbin.id}`", workbin.type)
        assert row in {cells[:3] for cells in ROWS}
    for interaction, _ in DEMO_DATA.interactions:
        assert f"`{interaction.id}`" in PAGE


def test_every_switch_is_described_with_its_default_and_no_other() -> None:
    described = {cells[0]: cells for cells in ROWS if len(cells) == 5}
    for switch in SWITCHES:
        values = ", ".join(f"`{value}`" for value in switch.values) or "words, by commas"
        assert described[f"`{switch.name}`"] == (
            f"`{switch.name}`",
            f"`{switch.default}`" if switch.default else "none",
            values,
            switch.meaning,
            switch.source,
        )
    names = {cell.strip("`") for cell in described if cell.startswith("`")}
    assert names - {user.user_name for user in DEMO_DATA.users} == {s.name for s in SWITCHES}


def test_every_status_code_is_listed() -> None:
    for code, status in HTTP_STATUSES.items():
        assert (str(code), str(status), STATUS_MESSAGES[code]) in ROWS


def test_every_operation_is_listed_or_hinted_at() -> None:
    for route in ROUTES:
        for operation in route.operations:
            assert f"`{operation}`" in PAGE or operation.startswith("Pull"), operation


def test_every_option_it_mentions_exists() -> None:
    known = {
        option
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
    }
    assert set(re.findall(r"--[a-z][a-z-]+", PAGE)) <= known
