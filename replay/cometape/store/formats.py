"""The cassette format's own count, and the chain of converters for files of older formats.

A converter takes one document of format n (header or entry, as mappings) and returns it in format
n + 1. `CONVERTERS[n]` is that step; a file of format 1 read by a program of format 3 goes through
`CONVERTERS[1]`, then `CONVERTERS[2]`. Files are never rewritten by being read.

Format 1 is the first, so the chain is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cometape.core.cassette import FORMAT

from .yaml_documents import Table

Converter = Callable[[Table], Table]

CONVERTERS: dict[int, Converter] = {}


def upgrade(
    document: Table,
    written_in: int,
    converters: Mapping[int, Converter] = CONVERTERS,
    target: int = FORMAT,
) -> Table:
    """`document` of format `written_in` as one of format `target`."""
    for step in range(written_in, target):
        document = converters[step](document)
    return document
