"""The `cometape` command: a group whose commands are imported when they are used.

`record` needs mitmproxy and `inspect` rich, which take longer to import than `replay` takes to
answer its first request; so a command's module (`cli/<name>.py`, which exports `command`) is
imported for that command alone, and the help of the group is written here.
"""

from __future__ import annotations

import gc
from importlib import import_module
from typing import IO, TYPE_CHECKING, Any

import click

from cometape import __version__
from cometape.core.errors import CometapeError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS = {
    "record": "Record traffic between a client and a live system into a cassette.",
    "replay": "Serve a cassette to real clients, without the live system.",
    "explore": "Find the order of answers and events that breaks a client.",
    "inspect": "Show what is in a cassette: sessions, operations, events, causes.",
    "identities": "Show the ids that a replay makes fresh, and propose what the profile lacks.",
    "show": "Show one entry of a cassette in full.",
    "import": "Make a cassette of HAR files, mitmproxy flows or vcrpy cassettes.",
    "export": "Write a cassette as HAR, or as mitmproxy flows.",
    "scrub": "Apply the rules of today to a cassette recorded earlier.",
    "lint": "Check cassettes: they load, their causes resolve, no secret is left.",
    "ca": "Show, export and explain the certificate that clients of a proxy must trust.",
    "simulate": "Run a simulated Workbins system to record from.",
    "broker": "Run a plain CometD server, without any cassette.",
}
"""Every command with the first line of its own help (a test compares the two)."""


class Failure(click.ClickException):
    """A `CometapeError` as click reports it: on standard error, with the error's exit code."""

    def __init__(self, error: CometapeError) -> None:
        super().__init__(str(error))
        self.exit_code = error.exit_code  # type: ignore[misc]  # a class constant to click

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"cometape: {self.message}", file=file, err=True)


class CommandsOnDemand(click.Group):
    """A group that lists `COMMANDS` without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        collecting = gc.isenabled()
        gc.disable()  # modules are no garbage: a tenth of the time to the first answer
        try:
            command = import_module(f"{__name__}.{cmd_name}").command
        finally:
            if collecting:
                gc.enable()
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            from difflib import get_close_matches

            near = get_close_matches(name, COMMANDS, n=1)
            guess = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(
                f"There is no command {name!r}.{guess} Commands: {', '.join(COMMANDS)}.", ctx
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        commands = [
            CompletionItem(name, help=line)
            for name, line in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return commands + click.Command.shell_complete(self, ctx, incomplete)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CometapeError as error:
            raise Failure(error) from error


@click.group(
    cls=CommandsOnDemand,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Exit codes:
  0  all went well
  1  a condition failed (misses, or leftovers of a strict replay)
  2  an option or argument cannot be used as given
  3  a cassette cannot be read or written
  4  a profile is wrong
  5  the live system, or a client, broke the protocol or cannot be reached
  6  a cassette is kept, but something in it looks like a secret

\b
Completion in your shell (bash here; also zsh_source, fish_source):
  eval "$(_COMETAPE_COMPLETE=bash_source cometape)"
""",
)
@click.version_option(__version__, prog_name="cometape", message="%(prog)s %(version)s")
def main() -> None:
    """Record Genesys Workbins traffic once, replay it for ever: HTTP and CometD in one cassette."""
    from .output_encoding import escape_what_has_no_sign

    escape_what_has_no_sign()
