"""Files: whole or not there, never overwritten by accident, never shorter than promised."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cometape.core.cassette import Cassette, Event, Header, Subscribe
from cometape.core.errors import CassetteError
from cometape.store.cassette_file import CassetteWriter, load, save
from cometape.store.yaml_documents import Limits

HEADER = Header(scenario="files", profile="workbins")
SUBSCRIBE = Subscribe(number=1, session="main", channel="/a")
CASSETTE = Cassette(HEADER, (SUBSCRIBE,))


def event(number: int, size: int = 10) -> Event:
    return Event(number=number, session="main", channel="/a", data={"text": "x" * size})


@contextlib.contextmanager
def refused(reason: str) -> Iterator[None]:
    """Expects a CassetteError with that reason."""
    with pytest.raises(CassetteError) as caught:
        yield
    assert caught.value.reason == reason


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "one.yaml"


def test_what_is_saved_is_loaded(path: Path) -> None:
    save(CASSETTE, path)
    assert load(path) == CASSETTE
    assert load(str(path)) == CASSETTE


def test_what_is_recorded_is_the_same_file_as_what_is_saved(path: Path, tmp_path: Path) -> None:
    entries = tuple(event(number) for number in range(1, 20))
    with CassetteWriter(path, HEADER) as writer:
        for entry in entries:
            writer.append(entry)
        assert writer.count == len(entries)
    save(Cassette(HEADER, entries), tmp_path / "other.yaml")
    assert path.read_bytes() == (tmp_path / "other.yaml").read_bytes()


def test_a_recording_loads_after_every_append(path: Path) -> None:
    with CassetteWriter(path, HEADER) as writer:
        assert load(path) == Cassette(HEADER)
        for number in range(1, 6):
            writer.append(event(number))
            assert [entry.number for entry in load(path).entries] == list(range(1, number + 1))


def test_a_follower_of_the_file_sees_whole_entries_appear(path: Path) -> None:
    with CassetteWriter(path, HEADER) as writer, open(path, "rb") as follower:
        shown = follower.read()  # what `tail -f` does
        writer.append(event(1))
        shown += follower.read()
    assert shown.count(b"event: 1\n") == 1
    assert shown.endswith(b"\n...\n")


def test_an_existing_file_is_left_as_it_is(path: Path) -> None:
    path.write_text("precious")
    for attempt in (lambda: save(CASSETTE, path), lambda: CassetteWriter(path, HEADER)):
        with refused("exists"):
            attempt()
    assert path.read_text() == "precious"
    assert os.listdir(path.parent) == [path.name]


def test_an_existing_file_is_replaced_when_that_is_asked_for(path: Path) -> None:
    path.write_text("old")
    path.chmod(0o640)
    save(CASSETTE, path, overwrite=True)
    assert load(path) == CASSETTE
    CassetteWriter(path, HEADER, overwrite=True).close()
    assert load(path).entries == ()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(path.parent) == [path.name]


def test_a_link_is_followed_and_stays_a_link(path: Path, tmp_path: Path) -> None:
    save(CASSETTE, path)
    link = tmp_path / "link.yaml"
    link.symlink_to(path)
    save(Cassette(HEADER, (event(1),)), link, overwrite=True)
    assert link.is_symlink()
    assert load(path).entries == (event(1),)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_second_recording_into_the_same_file_is_refused(path: Path, overwrite: bool) -> None:
    with CassetteWriter(path, HEADER) as writer:
        writer.append(SUBSCRIBE)
        with refused("locked"):
            CassetteWriter(path, HEADER, overwrite=overwrite)
        with refused("locked"):
            save(CASSETTE, path, overwrite=overwrite)
        writer.append(event(2))
    assert len(load(path).entries) == 2
    CassetteWriter(path, HEADER, overwrite=True).close()


def test_a_recording_that_replaced_a_file_is_locked_as_well(path: Path) -> None:
    save(CASSETTE, path)
    with CassetteWriter(path, HEADER, overwrite=True), refused("locked"):
        CassetteWriter(path, HEADER, overwrite=True)


def test_numbers_ascend_in_a_recording(path: Path) -> None:
    with CassetteWriter(path, HEADER) as writer:
        writer.append(event(5))
        with pytest.raises(CassetteError, match="the number 5 comes after 5"):
            writer.append(event(5))
        writer.append(event(6))
    assert len(load(path).entries) == 2


def test_after_the_end_nothing_can_be_appended(path: Path) -> None:
    writer = CassetteWriter(path, HEADER)
    writer.close()
    writer.close()
    with refused("closed"):
        writer.append(event(1))


def test_a_deleted_recording_is_an_error_and_not_written_into_nowhere(path: Path) -> None:
    with CassetteWriter(path, HEADER) as writer:
        writer.append(event(1))
        path.unlink()
        with pytest.raises(CassetteError, match="was deleted while it was recorded into"):
            writer.append(event(2))


@pytest.mark.parametrize("attempt", ["save", "record"])
def test_a_folder_that_is_not_there_is_named(tmp_path: Path, attempt: str) -> None:
    path = tmp_path / "nowhere" / "one.yaml"
    with pytest.raises(CassetteError, match="nowhere' is missing; make it first"):
        save(CASSETTE, path) if attempt == "save" else CassetteWriter(path, HEADER)


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with refused("unwritable"):
        save(CASSETTE, tmp_path, overwrite=True)
    with refused("unreadable"):
        load(tmp_path)


def test_a_file_that_is_not_there_comes_with_the_nearest_name(path: Path) -> None:
    save(CASSETTE, path)
    with pytest.raises(CassetteError, match=r"Did you mean '.*/one\.yaml'") as caught:
        load(path.with_name("on.yaml"))
    assert caught.value.reason == "missing"
    with pytest.raises(CassetteError, match=r"there are one\.yaml"):
        load(path.with_name("quite_different.yaml"))
    with pytest.raises(CassetteError, match="is missing as well"):
        load(path.parent / "no" / "one.yaml")


def test_a_huge_file_is_refused_before_it_is_read(path: Path) -> None:
    with open(path, "wb") as file:
        file.truncate(1 << 40)
    with refused("too-large"):
        load(path, limits=Limits(max_bytes=1000))


FULL_DISK = """
import resource, signal, sys
from cometape.core.cassette import Event, Header
from cometape.core.errors import CassetteError
from cometape.store.cassette_file import CassetteWriter, load
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
writer = CassetteWriter(sys.argv[1], Header())
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
entry = lambda number, size: Event(number=number, session="a", channel="/a", data="x" * size)
for number in range(1, 100):
    try:
        writer.append(entry(number, 3000))
    except CassetteError as error:
        print(number, error.reason, len(load(sys.argv[1]).entries))
        break
writer.append(entry(200, 10))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
writer.append(entry(300, 30_000))
writer.close()
"""


def test_a_full_disk_loses_one_entry_and_none_before_or_after_it(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=True
    )
    failed, reason, whole = done.stdout.split()
    assert reason == "unwritable"
    assert int(whole) == int(failed) - 1
    numbers = [entry.number for entry in load(path).entries]
    assert numbers == [*range(1, int(failed)), 200, 300]


ENDLESS = """
import sys
from cometape.core.cassette import Event, Header
from cometape.store.cassette_file import CassetteWriter
writer = CassetteWriter(sys.argv[1], Header())
for number in range(1, 1_000_000):
    writer.append(Event(number=number, session="a", channel="/a", data=["x" * 99] * 50))
    print(number, flush=True)
"""


def test_a_recorder_that_is_killed_leaves_every_entry_it_confirmed(path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ENDLESS, path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(50):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        confirmed = 50 + len(process.stdout.read().split(b"\n")) - 1
    cassette = load(path)
    assert len(cassette.entries) >= confirmed - 1  # the last line may be cut off
    assert [entry.number for entry in cassette.entries] == [
        number + 1 for number in range(len(cassette.entries))
    ]
    CassetteWriter(path, HEADER, overwrite=True).close()  # the lock ended with the process
