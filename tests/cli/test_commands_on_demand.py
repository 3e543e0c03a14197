"""The command as a whole: what it lists, what it imports, how it says that something is wrong."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

import cometape
from cometape.cli import COMMANDS, CommandsOnDemand, Failure, main
from cometape.core.errors import (
    CassetteError,
    CometapeError,
    ConfigurationError,
    ProfileError,
    ProtocolError,
    ResidueError,
)

HEAVY = ("mitmproxy", "rich", "pytest", "wsproto", "h11", "detect_secrets", "requests")
"""What a server's first answer must not wait for."""


def modules_after(statement: str) -> set[str]:
    """The packages a fresh Python has imported after a statement."""
    packages = "{name.partition('.')[0] for name in sys.modules}"
    script = f"{statement}\nimport sys\nprint()\nprint(*{packages})"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


def test_the_help_lists_every_command_with_a_line() -> None:
    text = CliRunner().invoke(main, ["--help"], terminal_width=100).output
    for name, line in COMMANDS.items():
        assert f"  {name} " in text
        assert line in text


def test_the_help_imports_no_command() -> None:
    modules = modules_after(
        "from cometape.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "import sys\n"
        "assert not [name for name in sys.modules if name.startswith('cometape.cli.')]"
    )
    assert not modules & {"asyncio", "httptools", "yaml", *HEAVY}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_of_a_command_is_the_first_line_of_its_own_help(name: str) -> None:
    command = import_module(f"cometape.cli.{name}").command
    assert isinstance(command, click.Command)
    assert command.name == name
    assert command.help is not None
    assert command.help.splitlines()[0] == COMMANDS[name]


@pytest.mark.parametrize("name", ["broker", "replay", "simulate"])
def test_a_server_is_ready_without_the_heavy_packages(name: str) -> None:
    modules = modules_after(
        f"from cometape.cli import main\nassert main.get_command(None, {name!r})\n"
        "import cometape.server.listener, cometape.server.http_protocol"
    )
    assert "httptools" in modules
    assert not modules & set(HEAVY)


def test_the_version_is_told() -> None:
    assert CliRunner().invoke(main, ["--version"]).output == f"cometape {cometape.__version__}\n"


def test_a_command_that_does_not_exist_is_told_with_the_nearest_that_does() -> None:
    result = CliRunner().invoke(main, ["reply", "x.yaml"])
    assert result.exit_code == 2
    assert "There is no command 'reply'. Did you mean 'replay'?" in result.output


def test_commands_are_completed_without_importing_them() -> None:
    completion = ShellComplete(main, {}, "cometape", "_COMETAPE_COMPLETE")
    found = [each.value for each in completion.get_completions([], "re")]
    assert found == ["record", "replay"]
    assert [each.value for each in completion.get_completions([], "--v")] == ["--version"]


def test_the_help_tells_how_to_complete_and_every_exit_code() -> None:
    text = CliRunner().invoke(main, ["-h"]).output
    assert "_COMETAPE_COMPLETE=bash_source cometape" in text
    for code in range(7):
        assert f"  {code}  " in text


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CometapeError("leftovers", hint="look"), 1),
        (ConfigurationError("port 1 is in use", hint="take another", reason="port-in-use"), 2),
        (CassetteError("not a cassette", path="a.yaml", line=3), 3),
        (ProfileError("no such profile"), 4),
        (ProtocolError("not HTTP"), 5),
        (ResidueError("a secret"), 6),
    ],
)
def test_an_error_is_one_message_on_standard_error_and_its_exit_code(
    error: CometapeError, code: int
) -> None:
    @click.group(cls=CommandsOnDemand, invoke_without_command=True)
    def group() -> None:
        raise error

    result = CliRunner().invoke(group, [])
    assert result.exit_code == code
    assert result.stderr == f"cometape: {error}\n"
    assert result.stdout == ""
    assert isinstance(result.exception, SystemExit)
    assert Failure(error).exit_code == code


def test_the_package_can_be_run_as_a_module(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cometape", "--version"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert done.stdout == f"cometape {cometape.__version__}\n"
