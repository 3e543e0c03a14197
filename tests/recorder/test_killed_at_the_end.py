"""A recorder killed while its recording ends leaves the file as it was, or as it is to be."""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from multiprocessing.connection import Connection
from pathlib import Path

from cometape.core.cassette import Event
from cometape.store import cassette_file
from recording_desk import Desk

KILLS = int(os.environ.get("COMETAPE_KILLS", "30"))
ROUNDS = 100
SECRET = "correct horse battery staple"
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["cometape.recorder.proxy"])


def record_and_end(out: Path, told: Connection) -> None:
    """Record what its end has much to do with, and end when told to."""
    desk = Desk(out)
    desk.open()
    for number in range(ROUNDS):
        desk.ask("GET", f"/a/{number}", answer={"note": f"{SECRET} at {number}", "pad": "x" * 2000})
        desk.event(n=number)
        desk.pull(number)
        desk.event(referenceId=number)
    desk.ask("POST", "/login", {"password": SECRET})
    told.send("recorded")
    told.recv()
    desk.end()
    told.send("ended")
    told.recv()


def end_once(out: Path, kill_after_s: float | None) -> tuple[bytes, bytes, float]:
    """The file before the end began and after the recorder was gone; how long the end took."""
    ours, theirs = _FORKS.Pipe()
    process = _FORKS.Process(target=record_and_end, args=(out, theirs), daemon=True)
    process.start()
    theirs.close()
    with ours:
        assert ours.poll(60)
        ours.recv()
        before = out.read_bytes()
        began_s = time.monotonic()
        ours.send("end")
        if kill_after_s is None:
            assert ours.poll(60)
        else:
            time.sleep(kill_after_s)
        took_s = time.monotonic() - began_s
        process.kill()
        process.join(10)
        process.close()
    return before, out.read_bytes(), took_s


def assert_finished(out: Path, entries: int) -> None:
    cassette = cassette_file.load(out)
    assert not cassette.header.unfinished
    assert len(cassette.entries) == entries
    assert SECRET not in out.read_text()
    assert None not in [one.cause for one in cassette.entries if isinstance(one, Event)]


def test_the_file_is_whole_whenever_the_recorder_is_killed_while_it_ends(tmp_path: Path) -> None:
    out = tmp_path / "whole.yaml"
    before, _, took_s = end_once(out, None)
    entries = before.count(b"\n---\n")
    assert_finished(out, entries)
    instants = random.Random(1)
    as_it_was = 0
    for number in range(KILLS):
        out = tmp_path / f"{number}.yaml"
        before, after, _ = end_once(out, instants.uniform(0, took_s))
        if after == before:
            as_it_was += 1
            cassette = cassette_file.load(out)
            assert cassette.header.unfinished
            assert len(cassette.entries) == entries
        else:
            assert_finished(out, entries)
    assert as_it_was
