"""`python -m cometape` is the `cometape` command."""

from cometape.cli import main

main(prog_name="cometape")
