"""The end of a recording: one pass over the file, by which what is known only now gets into it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cometape.core.cassette import Entry, Event, Exchange
from cometape.core.causality.inference import infer_causes
from cometape.profiles import load_profile
from cometape.recorder import recording as module
from cometape.store import cassette_file
from cometape.store.yaml_emitter import dump
from recording_desk import Desk

ORIGIN = "https://gws.example"
BAYEUX = "/api/v2/notifications"
RANDOM = "aB3xK9mQ2vL7tR5wZ8yC1dF4" + "gH6jN0pS"
"""Nothing's secret, put together here so that no scanner takes this file for one that has one."""


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "desk.yaml"


@pytest.fixture
def desk(out: Path) -> Iterator[Desk]:
    desk = Desk(out)
    yield desk
    if not desk.recording.closed:
        desk.recording.abandon()


def entries_of(out: Path) -> tuple[Entry, ...]:
    return cassette_file.load(out).entries


def causes_of(out: Path) -> list[object]:
    return [one.cause for one in entries_of(out) if isinstance(one, Event)]


def test_until_the_end_the_header_says_that_it_is_not_finished(desk: Desk, out: Path) -> None:
    desk.ask("GET", "/api/v2/me")
    assert cassette_file.load(out).header.unfinished
    desk.end()
    assert not cassette_file.load(out).header.unfinished
    assert b"unfinished" not in out.read_bytes()


def test_causes_that_are_known_late_are_written_in_the_end(desk: Desk, out: Path) -> None:
    desk.open()
    desk.event(referenceId=1)
    desk.event(n=1)
    desk.pull(1, took_s=0.5)
    desk.pull(2)
    desk.event(referenceId=2)
    assert causes_of(out) == [None, None, 7]
    before = entries_of(out)
    summary = desk.end()
    assert causes_of(out) == [6, "spontaneous", 7]
    assert (summary.events, summary.caused, summary.warnings) == (3, 2, ())
    unlike = [one.number for one, new in zip(before, entries_of(out), strict=True) if one != new]
    assert unlike == [3, 5]


def test_what_waits_for_its_cause_is_settled_also_where_nothing_more_could_be_written(
    desk: Desk, out: Path
) -> None:
    desk.open()
    desk.event(referenceId=1)
    desk.event(n=1)
    summary = desk.recording.close()
    assert causes_of(out) == ["spontaneous", "spontaneous"]
    assert (summary.events, summary.caused) == (2, 0)


def test_the_end_says_the_causes_that_are_inferred_from_the_whole(desk: Desk, out: Path) -> None:
    desk.open()
    for number in range(1, 60):
        if number % 3:
            desk.pull(number)
        if number % 2:
            desk.event(referenceId=number)
        if number % 5 == 0:
            desk.event(n=number)
        if number % 3 == 0:
            desk.pull(number, took_s=0.3)
    unfinished = cassette_file.load(out)
    desk.end()
    assert entries_of(out) == infer_causes(unfinished, load_profile("workbins")).entries


def test_the_file_is_as_if_it_had_been_saved_whole(desk: Desk, out: Path) -> None:
    desk.open()
    desk.event(n=1)
    desk.event(text="one\ntwo\n", note="---\n")
    desk.pull(1)
    desk.end()
    assert out.read_text() == dump(cassette_file.load(out))


def test_a_secret_that_was_met_late_is_taken_out_of_early_entries(desk: Desk, out: Path) -> None:
    secret = "correct horse battery staple"
    desk.ask("GET", "/a", answer={"note": f"say {secret} at the door"})
    desk.ask("GET", "/b", answer={"odd": f"\u00e9 \u200b{secret}\n"})
    assert secret in out.read_text()
    desk.ask("POST", "/login", {"password": secret})
    desk.end()
    assert secret not in out.read_text()
    first, second, third = (e.response or e.request for e in exchanges(out))
    assert json.loads(first.body)["note"] == "say <password:1> at the door"
    assert json.loads(second.body)["odd"] == "\u00e9 \u200b<password:1>\n"
    assert third is not None


def test_a_secret_with_lines_is_found_however_they_are_written(desk: Desk, out: Path) -> None:
    secret = 'first "line" of it\nand the second \\ line\n'
    desk.ask("GET", "/a", answer={"note": f"so: {secret}"})
    desk.ask("GET", "/b", answer={"quoted": json.dumps({"deep": secret})})
    desk.ask("POST", "/login", {"password": secret})
    desk.end()
    assert "of it" not in out.read_text()


def exchanges(out: Path) -> list[Exchange]:
    return [entry for entry in entries_of(out) if isinstance(entry, Exchange)]


def test_a_name_that_was_met_late_is_taken_out_of_early_entries(out: Path) -> None:
    desk = Desk(out, pseudonyms=True)
    desk.ask("GET", "/a", answer={"mark": "call Zora-Neale J\u00fcrgensen now"})
    desk.ask("GET", "/b?who=Zora-Neale%20J%C3%BCrgensen", answer={"note": "nobody"})
    assert "Zora" in out.read_text()
    desk.ask("GET", "/c", answer={"customerName": "Zora-Neale J\u00fcrgensen"})
    desk.end()
    assert "Zora" not in out.read_text()
    assert out.read_text().count("<person:1>") == 3, out.read_text()


def test_what_looks_like_a_secret_marks_the_header(desk: Desk, out: Path) -> None:
    desk.ask("GET", "/a", answer={"mark": RANDOM})
    desk.ask("GET", "/b", answer={"mark": "x"})
    desk.end()
    header = cassette_file.load(out).header
    assert (header.residue, header.unfinished) == (1, False)
    assert desk.recording.refusal is not None
    assert "entry 1: response.json mark" in str(desk.recording.refusal)


def test_what_turns_out_to_be_a_secret_does_not_mark_the_header(desk: Desk, out: Path) -> None:
    desk.ask("GET", "/a", answer={"mark": RANDOM})
    desk.ask("GET", "/b", headers=(("Authorization", f"Bearer {RANDOM}"),))
    desk.end()
    assert cassette_file.load(out).header.residue == 0
    assert desk.recording.refusal is None
    assert RANDOM not in out.read_text()


def test_a_large_body_is_looked_through_in_the_end(desk: Desk, out: Path) -> None:
    desk.ask("GET", "/a", answer={"pad": "pad " * 50_000, "mark": RANDOM})
    desk.end()
    assert cassette_file.load(out).header.residue == 1


def test_a_file_that_cannot_be_finished_stays_and_says_so(
    desk: Desk, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.ask("GET", "/a", answer={"n": 1})
    whole = out.read_bytes()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", fail)
        summary = desk.end()
    assert out.read_bytes() == whole
    assert cassette_file.load(out).header.unfinished
    assert [file.name for file in out.parent.iterdir()] == [out.name]
    assert "not finished" in next(iter(summary.problems))


def test_how_far_it_has_come_is_told(desk: Desk) -> None:
    told: list[tuple[int, int]] = []
    desk.recording.progress = lambda done, total: told.append((done, total))
    for number in range(6):
        desk.ask("GET", f"/{number}", answer={"text": "word " * 100_000})
    desk.end()
    assert len(told) >= 2
    assert told == sorted(told)
    assert all(done <= total for done, total in told)
    assert module.MAX_BODY_BYTES > 0
