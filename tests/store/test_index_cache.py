"""The cache of indexes: private, bounded, and never in the way."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from cometape.store.index_cache import ENVIRONMENT, IndexCache, cache_folder

ONE, TWO, THREE = (bytes([n]) * 32 for n in (1, 2, 3))


def content(cache: IndexCache, digest: bytes) -> bytes | None:
    found = cache.read(digest)
    return None if found is None else bytes(found)


def test_what_is_written_is_read_under_its_name_alone(tmp_path: Path) -> None:
    cache = IndexCache(tmp_path / "a" / "b")
    assert cache.read(ONE) is None
    assert cache.write(ONE, [b"all ", b"of it"])
    assert content(cache, ONE) == b"all of it"
    assert cache.read(TWO) is None
    cache.forget(ONE)
    assert cache.read(ONE) is None
    cache.forget(ONE)


def test_nobody_else_can_read_or_write_it(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        assert IndexCache(tmp_path / "cache").write(ONE, [b"x"])
    finally:
        os.umask(old)
    (file,) = (tmp_path / "cache").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_what_others_could_have_written_is_not_used(tmp_path: Path) -> None:
    cache = IndexCache(tmp_path)
    tmp_path.chmod(0o700)
    cache.write(ONE, [b"x"])
    (file,) = tmp_path.iterdir()
    file.chmod(0o666)
    assert cache.read(ONE) is None
    file.chmod(0o600)
    assert content(cache, ONE) == b"x"
    tmp_path.chmod(0o777)
    assert not cache.write(TWO, [b"y"])


def test_a_link_or_a_pipe_in_its_place_is_not_followed(tmp_path: Path) -> None:
    cache = IndexCache(tmp_path / "cache")
    cache.write(ONE, [b"x"])
    (file,) = (tmp_path / "cache").iterdir()
    moved = tmp_path / "elsewhere"
    file.rename(moved)
    file.symlink_to(moved)
    assert cache.read(ONE) is None
    file.unlink()
    os.mkfifo(file)
    assert cache.read(ONE) is None
    assert cache.write(ONE, [b"y"])
    assert content(cache, ONE) == b"y"


def test_one_renamed_to_another_is_not_that(tmp_path: Path) -> None:
    cache = IndexCache(tmp_path / "cache")
    cache.write(ONE, [b"x"])
    folder = tmp_path / "cache"
    (folder / f"{ONE.hex()}.index").rename(folder / f"{TWO.hex()}.index")
    assert cache.read(TWO) is None


def test_those_not_used_for_the_longest_time_make_room(tmp_path: Path) -> None:
    cache = IndexCache(tmp_path / "cache", max_bytes=2500)
    (tmp_path / "cache").mkdir(mode=0o700)
    bystander = tmp_path / "cache" / "notes.txt"
    bystander.write_text("not ours")
    for second, digest in enumerate((ONE, TWO)):
        assert cache.write(digest, [bytes(1000)])
        os.utime(tmp_path / "cache" / f"{digest.hex()}.index", (second, second))
    assert cache.read(ONE) is not None  # and so TWO is the oldest
    assert cache.write(THREE, [bytes(1000)])
    assert cache.read(TWO) is None
    assert cache.read(ONE) is not None
    assert cache.read(THREE) is not None
    assert not cache.write(TWO, [bytes(3000)]), "larger than all may be"
    assert bystander.exists()


def test_a_part_left_by_a_killed_process_makes_room_as_well(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    part = folder / f".{ONE.hex()}.123-0.part"
    part.write_bytes(bytes(1000))
    os.utime(part, (1, 1))
    assert IndexCache(folder, max_bytes=1500).write(TWO, [bytes(1000)])
    assert [file.name for file in folder.iterdir()] == [f"{TWO.hex()}.index"]


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() == tmp_path / ".cache" / "cometape" / "indexes"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "cometape" / "indexes"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() == tmp_path / ".cache" / "cometape" / "indexes"
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine" / "indexes"
