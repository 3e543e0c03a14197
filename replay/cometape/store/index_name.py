"""The name of an index: it changes with whatever the index is made of."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

import cometape
from cometape.core.profile.profile import Profile

from .document_extents import CassetteFile


def content_digest(file: CassetteFile) -> bytes:
    """Of all that is in a file. Raises CassetteError."""
    digest = hashlib.sha256()
    for block in file.blocks():
        digest.update(block)
    return digest.digest()


def index_digest(what: str, content: bytes, profile: Profile) -> bytes:
    """The name of an index of some kind, of a content, under a profile, made by this code."""
    parts = (what.encode(), content, repr(profile).encode("utf-8", "surrogatepass"), _code())
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).digest()


# The folders whose code decides what stands in an index.
_INDEX_CODE = (
    "core",
    "core/bayeux",
    "core/causality",
    "core/identity",
    "core/places",
    "core/playbook",
    "core/profile",
    "store",
)


@cache
def _code() -> bytes:
    """Which code makes indexes: its version and, for a checkout has one for long, its files."""
    package = Path(__file__).parents[1]
    states = [cometape.__version__]
    for folder in _INDEX_CODE:
        with os.scandir(package / folder) as files:
            for file in sorted(files, key=lambda one: one.name):
                if file.name.endswith(".py"):
                    state = file.stat()
                    states.append(f"{folder}/{file.name} {state.st_size} {state.st_mtime_ns}")
    return "\n".join(states).encode()
