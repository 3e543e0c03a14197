"""A catalogue of a file is that of the whole cassette, however it is read, in little memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from cometape.core.cassette import Cassette, Event, Exchange, Header
from cometape.core.catalogue import Catalogue
from cometape.core.causality.inference import infer_causes
from cometape.core.errors import CassetteError
from cometape.core.exchange import Headers, Request, Response
from cometape.inspector.survey import summarise
from cometape.profiles import load_profile
from cometape.store.cassette_file import load, save
from cometape.store.catalogue_file import open_catalogue
from cometape.store.index_cache import IndexCache
from cometape.store.yaml_emitter import TERMINATOR, dump_entry, dump_header
from peak_memory import peak_memory
from strategies import cassettes
from two_sessions import TWO_SESSIONS

CASSETTES = sorted((Path(__file__).parents[2] / "cassettes").glob("*.yaml"))


def catalogue_of(path: Path, cache: IndexCache | None = None) -> Catalogue:
    """The catalogue by pieces, although the file is small."""
    return open_catalogue(path, load_profile, cache=cache, small_bytes=0)[0]


def told(catalogue: Catalogue) -> list[object]:
    """Everything that can be asked of a catalogue."""
    places = range(len(catalogue))
    return [
        catalogue.header,
        catalogue.sessions,
        [catalogue.entry(at) for at in places],
        [catalogue.place(number) for number in catalogue.numbers],
        [(catalogue.root(at), list(catalogue.chain(at)), catalogue.effects(at)) for at in places],
        [catalogue.direct_effects(at) for at in places],
        [catalogue.sessions[catalogue.session_of[at]] for at in places],
    ]


def told_or_refused(opened: Callable[[Path], Catalogue], path: Path) -> list[object]:
    """The same, or of which entry a refusal tells."""
    try:
        return told(opened(path))
    except CassetteError as error:
        return [error.reason, error.entry]


def in_memory(path: Path) -> Catalogue:
    """The catalogue of the same file read as a whole."""
    cassette = load(path)
    return Catalogue.of(infer_causes(cassette, load_profile(cassette.header.profile)))


@pytest.mark.parametrize("path", CASSETTES, ids=lambda path: path.name)
def test_the_catalogue_of_a_file_is_that_of_the_whole_cassette(path: Path, tmp_path: Path) -> None:
    cache = IndexCache(tmp_path / "cache")
    assert told(catalogue_of(path, cache)) == told(in_memory(path))
    assert told(catalogue_of(path, cache)) == told(in_memory(path))  # now by the cache


@settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=60,
)
@given(cassettes())
def test_any_cassette_has_the_same_catalogue_by_pieces(tmp_path: Path, cassette: Cassette) -> None:
    path = tmp_path / "any.yaml"
    save(replace(cassette, header=replace(cassette.header, profile="bayeux")), path, overwrite=True)
    assert told_or_refused(catalogue_of, path) == told_or_refused(in_memory, path)


def test_an_edited_file_has_another_catalogue(tmp_path: Path) -> None:
    path, cache = tmp_path / "c.yaml", IndexCache(tmp_path / "cache")
    save(TWO_SESSIONS, path)
    before = len(catalogue_of(path, cache))
    save(replace(TWO_SESSIONS, entries=TWO_SESSIONS.entries[:6]), path, overwrite=True)
    assert (before, len(catalogue_of(path, cache))) == (len(TWO_SESSIONS.entries), 6)


def test_a_damaged_catalogue_in_the_cache_is_made_anew(tmp_path: Path) -> None:
    path, cache = tmp_path / "c.yaml", IndexCache(tmp_path / "cache")
    save(TWO_SESSIONS, path)
    expected = told(catalogue_of(path, cache))
    (kept,) = (tmp_path / "cache").glob("*.index")
    kept.write_bytes(kept.read_bytes()[:-8])
    assert told(catalogue_of(path, cache)) == expected


def test_a_damaged_file_is_told_as_if_it_were_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    save(TWO_SESSIONS, path)
    path.write_bytes(path.read_bytes().replace(b"exchange: 9\n", b"exchange: x\n"))
    with pytest.raises(CassetteError) as whole:
        load(path)
    with pytest.raises(CassetteError) as pieces:
        catalogue_of(path)
    assert str(pieces.value) == str(whole.value)


def long_cassette(path: Path, steps: int, body: bytes) -> None:
    """Operations with their events, each as large as its body."""

    def pieces() -> Iterator[str]:
        yield dump_header(Header(scenario="long", profile="workbins"))
        numbers = count(1)
        for step in range(steps):
            operation = next(numbers)
            request = Request(method="POST", target=f"/a/{step}", headers=Headers(()), body=body)
            yield dump_entry(
                Exchange(
                    number=operation,
                    session="a",
                    at_s=step / 1,
                    took_s=0.1,
                    request=request,
                    response=Response(status=200, headers=Headers(()), body=b""),
                )
            )
            yield dump_entry(
                Event(
                    number=next(numbers),
                    session="a",
                    at_s=step + 0.5,
                    channel="/x",
                    data={},
                    cause=operation,
                )
            )
        yield TERMINATOR

    with path.open("w") as file:
        file.writelines(pieces())


def peak_of_looking_through(path: Path, steps: int) -> int:
    """Bytes that a summary of so many operations and as many events takes at its worst."""
    long_cassette(path, steps, b'{"operationName":"A","text":"' + b"x" * 4000 + b'"}')
    catalogue = catalogue_of(path)
    with peak_memory() as peak:
        summary = summarise(catalogue, load_profile("workbins"))
        effects = sum(len(operation.effects) for operation in summary.operations)
    assert (len(summary.operations), effects) == (steps, steps)
    return peak.bytes


def test_looking_through_a_cassette_takes_two_hundred_bytes_more_an_entry(tmp_path: Path) -> None:
    peak_of_looking_through(tmp_path / "first.yaml", 3000)  # fills caches of bounded size
    short = peak_of_looking_through(tmp_path / "short.yaml", 1000)
    long = peak_of_looking_through(tmp_path / "long.yaml", 4000)
    # Measured: 103. So many, because half a megabyte may come and go at any time in a long run.
    assert long - short < 200 * 2 * 3000
