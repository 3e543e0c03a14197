"""The `cometape` command."""

import click


@click.group()
def main() -> None:
    """Record Genesys Workbins traffic once, replay it for ever."""
