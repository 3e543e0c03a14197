"""The summary of a cassette, and one entry with its links, as JSON for machines.

`docs/inspect.md` documents the shape; keys are only ever added to it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields, is_dataclass
from textwrap import indent
from typing import Any

from cometape.core.json_value import Json

from .entry_links import EntryLinks, Link
from .summary import OperationSummary, Summary

SHAPE = 1
"""The version of the shape, under the key `inspect`."""


def summary_as_json(summary: Summary, path: str) -> Iterator[str]:
    """What `cometape inspect --json` prints, in pieces, however much it is."""
    yield f'{{\n  "inspect": {SHAPE},\n  "file": {json.dumps(path)}'
    for one in fields(summary):
        yield f",\n  {json.dumps(one.name)}: "
        value = getattr(summary, one.name)
        if isinstance(value, Sequence):
            yield from _items(value)
        else:
            yield indent(json.dumps(_listed(value), indent=2), "  ").lstrip()
    yield "\n}\n"


def _items(found: Sequence[Any]) -> Iterator[str]:
    separator = "["
    for item in found:
        yield f"{separator}\n{indent(json.dumps(_listed(item), indent=2), '    ')}"
        separator = ","
    yield "\n  ]" if separator == "," else "[]"


def links_as_json(links: EntryLinks, document: dict[str, Json], path: str) -> dict[str, Json]:
    """What `cometape show --json` prints; `document` is the entry as it stands in the file."""
    return {
        "show": SHAPE,
        "file": path,
        "entry": document,
        "cause": _link(links.cause),
        "earlier_causes": [_link(cause) for cause in links.earlier_causes],
        "effects": [_link(effect) for effect in links.effects],
        "previous": _link(links.previous),
        "next": _link(links.following),
    }


def _link(link: Link | None) -> Json:
    return None if link is None else _listed(asdict(link))


def _listed(value: Any) -> Any:
    """Records as mappings and everything that is like a list as a list, all the way down."""
    if isinstance(value, OperationSummary):
        ids = [{"kind": kind, "value": name} for kind, name in value.correlation_ids]
        return {**_mapped(value), "correlation_ids": ids}
    if is_dataclass(value):
        return _mapped(value)
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_listed(item) for item in value]
    return value


def _mapped(value: Any) -> dict[str, Any]:
    return {one.name: _listed(getattr(value, one.name)) for one in fields(value)}
