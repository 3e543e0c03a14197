"""`cometape show`: one entry of a cassette in full."""

from __future__ import annotations

import json
from difflib import get_close_matches
from pathlib import Path

import click
from rich.syntax import Syntax
from rich.text import Text

from cometape.core.cassette import Event
from cometape.core.catalogue import Catalogue
from cometape.core.errors import ConfigurationError
from cometape.inspector.as_json import links_as_json
from cometape.inspector.entry_links import EntryLinks, Link, links
from cometape.inspector.wording import printable
from cometape.store.yaml_emitter import SEPARATOR, dump_entry, entry_document

from .cassette_argument import cassette_options, understood
from .inspect import console

_FEW = 10_000
"""Of more entries the nearest number is not looked for."""


@click.command("show")
@cassette_options
@click.argument("entry", type=int, metavar="ENTRY")
@click.option("--json", "as_json", is_flag=True, help="For machines; see docs/inspect.md.")
def command(file: Path, profile: str | None, recover: bool, entry: int, as_json: bool) -> None:
    """Show one entry of a cassette in full.

    ENTRY is the number that `cometape inspect` shows. The entry is printed as it stands in the
    file, with its cause, the events it caused, and its neighbours in the session.
    """
    catalogue, known = understood(file, profile, recover)
    found = links(catalogue, entry, known)
    if found is None:
        raise _no_entry(catalogue, file, entry)
    if as_json:
        document = entry_document(found.entry)
        click.echo(json.dumps(links_as_json(found, document, str(file)), indent=2))
        return
    output = console()
    text = dump_entry(found.entry).removeprefix(SEPARATOR)
    if output.is_terminal:
        output.print(Syntax(text.rstrip("\n"), "yaml", background_color="default", word_wrap=True))
    else:
        output.print(Text(text), end="", soft_wrap=True)
    output.print(_links(found), soft_wrap=True)


def _links(found: EntryLinks) -> str:
    lines = [""]
    if isinstance(found.entry, Event):
        if found.cause is None:
            lines.append("cause     spontaneous: nothing recorded explains it")
        else:
            relation = "before it" + ("" if found.cause.kind == "event" else ", from its answer")
            lines.append(f"cause     {_link(found.cause, relation)}")
    lines += [f"  by      {_link(cause, 'before it')}" for cause in found.earlier_causes]
    for effect in found.effects:
        overtook = effect.after_s is not None and effect.after_s < 0
        whole = "it" if isinstance(found.entry, Event) else "the answer"
        relation = f"before {whole}" if overtook else f"after {whole}"
        lines.append(f"effect    {_link(effect, relation)}")
    lines += [f"previous  {_link(found.previous)}"] if found.previous else []
    lines += [f"next      {_link(found.following)}"] if found.following else []
    return "\n".join(map(printable, lines))


def _link(link: Link, relation: str = "") -> str:
    text = f"{link.number} {link.kind} of {link.session}: {link.title}"
    if link.after_s is None:
        return text
    relation = relation or ("later" if link.after_s >= 0 else "earlier")
    return f"{text} ({1000 * abs(link.after_s):.0f} ms {relation})"


def _no_entry(catalogue: Catalogue, file: Path, number: int) -> ConfigurationError:
    numbers = catalogue.numbers
    few = numbers if len(numbers) <= _FEW else (numbers[0], numbers[-1])
    near = get_close_matches(str(number), map(str, few), n=1)
    there = f"{numbers[0]} to {numbers[-1]}" if len(numbers) else "none"
    return ConfigurationError(
        f"{file} has no entry {number}",
        hint=f"Its entries are {there}" + (f"; did you mean {near[0]}?" if near else "."),
        reason="bad-option",
    )
