"""What comes after `--` on the command line: another command, with its own options."""

from __future__ import annotations

import click

_KEY = "cometape.after_dashes"


class BeforeDashes(click.Command):
    """A command that leaves alone what comes after `--`; `after_dashes` gives that."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            at = args.index("--")
            ctx.meta[_KEY] = tuple(args[at + 1 :])
            args = args[:at]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[-- COMMAND [ARGUMENT]...]"]


def after_dashes() -> tuple[str, ...] | None:
    """The command after `--`; None where there is no `--`."""
    found: tuple[str, ...] | None = click.get_current_context().meta.get(_KEY)
    return found
