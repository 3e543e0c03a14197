"""The summary of a cassette, and one entry with its links, as JSON for machines.

`docs/inspect.md` documents the shape; keys are only ever added to it.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from cometape.core.json_value import Json

from .entry_links import EntryLinks, Link
from .summary import Summary

SHAPE = 1
"""The version of the shape, under the key `inspect`."""


def summary_as_json(summary: Summary, path: str) -> dict[str, Json]:
    """What `cometape inspect --json` prints."""
    found: dict[str, Any] = asdict(summary)
    for operation in found["operations"]:
        operation["correlation_ids"] = [
            {"kind": kind, "value": value} for kind, value in operation["correlation_ids"]
        ]
    return {"inspect": SHAPE, "file": path, **_listed(found)}


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
    """Tuples as lists, all the way down: what JSON makes of them."""
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, list | tuple) else value
