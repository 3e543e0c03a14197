"""The options of a command as they were given, to be typed again."""

from __future__ import annotations

from collections.abc import Collection

import click
from click.core import ParameterSource


def given_options(names: Collection[str]) -> list[str]:
    """Those of the current command that stood on its command line, as words of a shell.

    `names` are parameters (`fault_texts`), not options (`--fault`).
    """
    context = click.get_current_context()
    words: list[str] = []
    for option in context.command.params:
        name = option.name
        if not isinstance(option, click.Option) or name is None or name not in names:
            continue
        if context.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        value = context.params[name]
        if option.is_flag:
            words.append(option.opts[0] if value else option.secondary_opts[0])
            continue
        for each in value if option.multiple else (value,):
            words += [option.opts[0], str(each)]
    return words
