"""Watching a file: what is told of a change, of damage, of a touch, of its absence."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from cometape.core.errors import CassetteError, CometapeError
from cometape.server.cassette_watch import CassetteWatch


class Watched:
    """A file that holds a text; `bad` cannot be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.told: list[str] = []
        self.loads = 0
        path.write_text("one")
        self.watch = CassetteWatch(
            path, self.load, changed=self.told.append, damaged=self.damaged, every_s=0.01
        )

    def load(self, path: Path) -> str:
        self.loads += 1
        text = path.read_text()
        if text == "bad":
            raise CassetteError("it is bad", line=7, entry=3, path=str(path))
        return text

    def damaged(self, error: CometapeError) -> None:
        self.told.append(str(error))

    def look(self) -> list[str]:
        asyncio.run(self.watch.look())
        return self.told


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "file")


def test_a_change_is_told_once(watched: Watched) -> None:
    assert watched.look() == []
    watched.path.write_text("two")
    assert watched.look() == ["two"]
    assert watched.look() == ["two"]


def test_a_file_that_was_renamed_over_it_is_a_change(watched: Watched, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("two")
    state = watched.path.stat()
    os.utime(other, ns=(state.st_atime_ns, state.st_mtime_ns))
    other.replace(watched.path)
    assert watched.look() == ["two"]


def test_a_touch_is_no_change(watched: Watched) -> None:
    os.utime(watched.path, ns=(1, 1))
    assert watched.look() == []
    assert watched.loads == 0


def test_damage_is_told_with_line_and_entry_and_then_its_repair(watched: Watched) -> None:
    watched.path.write_text("bad")
    (told,) = watched.look()
    assert told == f"{watched.path}:7 (entry 3): it is bad"
    watched.path.write_text("good again")
    assert watched.look()[1:] == ["good again"]


def test_a_file_that_is_not_there_for_a_moment_is_no_change(watched: Watched) -> None:
    watched.path.unlink()
    assert watched.look() == []
    watched.path.write_text("one")
    assert watched.look() == []
    watched.path.write_text("two")
    assert watched.look() == ["two"]


def test_it_looks_until_it_is_cancelled(watched: Watched) -> None:
    async def until_told() -> None:
        watching = asyncio.create_task(watched.watch.watch())
        watched.path.write_text("two")
        async with asyncio.timeout(20):
            while not watched.told:
                await asyncio.sleep(0.005)
        watching.cancel()

    asyncio.run(until_told())
    assert watched.told == ["two"]
