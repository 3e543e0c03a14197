"""A playbook by its index is the playbook of the whole cassette, and a bad file is told as ever."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cometape.core.cassette import Cassette, Entry, Exchange
from cometape.core.errors import CassetteError
from cometape.core.exchange import Request
from cometape.core.playbook.playbook import Playbook
from cometape.core.profile.profile import Profile
from cometape.profiles import load_profile
from cometape.store import cassette_file, yaml_reader
from cometape.store.entries_in_file import EntriesInFile
from cometape.store.index_cache import IndexCache
from cometape.store.playbook_file import open_playbook
from cometape.store.yaml_emitter import dump
from scripted import Person, Script, Stage
from strategies import cassettes

laws = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=60,
)
CASSETTES = sorted((Path(__file__).parents[2] / "cassettes").glob("*.yaml"))


def story() -> Script:
    """Reads that change with operations, events, two people, and what is not a number only."""
    script = Script(bayeux="/api/v2/notifications")
    for user in ("agent7", "supervisor"):
        script.ask(user, "GET", "/api/v2/me", None, {"user": user})
        script.listen(user, "/v2/me/workbins", "/v2/me/workitems")
    for n in range(6):
        user = ("agent7", "supervisor")[n % 2]
        target = f"/api/v2/workbins/bin-{n % 3}"
        answer = {"statusCode": 0, "referenceId": 10 + n // 2}
        script.ask(user, "POST", target, {"operationName": f"Do{n}"}, answer)
        script.event(user, "/v2/me/workitems", {"referenceId": 10 + n // 2, "text": f"ä {n} ✓"})
        script.event(user, "/v2/me/workbins", {"by": "nobody", "n": n}, cause="spontaneous")
        script.ask(user, "GET", target, None, {"done": n, "secret": f"<session:{n + 1}>"})
    script.ask("agent7", "POST", "/api/v2/lost", {"id": "<session:1>"}, error="server closed")
    script.publish("agent7", "/service/echo", {"a": 1})
    return script


STORY = dump(story().cassette).encode()


class Cupboard:
    """A file, and a cache for its index."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "c.yaml"
        self.cache = IndexCache(folder / "cache")
        self.made = 0
        """How many indexes were made: somebody was told of progress up to the end."""

    def open(self, data: bytes | None = None, profile: Profile | None = None) -> Playbook:
        if data is not None:
            self.file.write_bytes(data)

        def tell(done: int, size: int) -> None:
            assert 0 < done <= size
            self.made += done == size

        def find(name: str) -> Profile:
            return profile or load_profile(name)

        return open_playbook(self.file, find, cache=self.cache, progress=tell, small_bytes=0)

    def indexes(self) -> list[Path]:
        return sorted((self.file.parent / "cache").iterdir())


@pytest.fixture
def cupboard(tmp_path: Path) -> Cupboard:
    """An empty one."""
    return Cupboard(tmp_path)


def entries_of(playbook: Playbook) -> tuple[Entry, ...]:
    """All entries, each read where it lies."""
    return tuple(map(playbook.read, range(len(playbook.index.numbers))))


# ---------------------------------------------------------------- the same replay


def asked_in(cassette: Cassette) -> list[Request]:
    """Every request of a cassette."""
    return [entry.request for entry in cassette.entries if isinstance(entry, Exchange)]


class Played:
    """What somebody saw who carried out some steps."""

    def __init__(self, playbook: Playbook, steps: list[tuple[str, int]]) -> None:
        self.stage = Stage(playbook, seed=7)
        self.people: dict[str, Person] = {}
        self.seen: list[object] = []
        names = list(playbook.sessions)
        requests = asked_in(Cassette(playbook.header, entries_of(playbook)))
        for kind, number in steps:
            name = names[number % len(names)]
            if name not in self.people:
                person = self.people[name] = self.stage.person(name, cookies=True)
                channels = playbook.sessions[name].subscribes or ["/none"]
                person.listen(*channels)
            if kind == "ask":
                request = requests[number % len(requests)]
                target, method = request.target, request.method
                if playbook.bayeux_paths[0] in target:
                    continue
                answer = self.people[name].ask(
                    method, target, request.body or None, headers=[("X-Test", "1")]
                )
                self.seen.append((answer.status, tuple(answer.headers), answer.body))
            elif kind == "miss":
                self.seen.append(self.people[name].ask("PUT", f"/api/v2/no/{number}").body)
            elif kind == "look":
                self.seen.append(self.people[name].events())
            else:
                self.stage.talk.advance(number / 10)
        self.seen.append(self.stage.service.report().json())
        self.seen.append(self.stage.service.journal.text())


steps_of_clients = st.lists(
    st.tuples(st.sampled_from(["ask", "ask", "ask", "look", "wait", "miss"]), st.integers(0, 60)),
    max_size=30,
)


@laws
@given(steps_of_clients, st.sampled_from([STORY, *(path.read_bytes() for path in CASSETTES)]))
def test_clients_cannot_tell_an_index_from_the_whole_cassette(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]], data: bytes
) -> None:
    cupboard = Cupboard(tmp_path_factory.mktemp("law"))
    cassette = yaml_reader.load(data)
    whole = Playbook.of(cassette, load_profile(cassette.header.profile))
    made, kept = cupboard.open(data), cupboard.open()
    assert cupboard.made == 1
    expected = Played(whole, steps).seen
    assert Played(made, steps).seen == expected
    assert Played(kept, steps).seen == expected


@laws
@given(cassettes())
def test_entries_are_the_same_wherever_they_are_read(
    tmp_path_factory: pytest.TempPathFactory, cassette: Cassette
) -> None:
    cupboard = Cupboard(tmp_path_factory.mktemp("law"))
    bayeux = load_profile("bayeux")
    try:
        Playbook.of(cassette, bayeux)
    except CassetteError as error:
        with pytest.raises(CassetteError, match=re.escape(error.what)):
            cupboard.open(dump(cassette).encode(), bayeux)
        return
    playbook = cupboard.open(dump(cassette).encode(), bayeux)
    assert playbook.header == cassette.header
    assert entries_of(playbook) == cassette.entries


# ---------------------------------------------------------------- the same errors


def outcome(data: bytes, cupboard: Cupboard) -> tuple[object, object]:
    """What loading the whole gives, and what opening it by an index gives."""

    def told(attempt: Iterator[object]) -> object:
        try:
            return next(attempt)
        except CassetteError as error:
            return str(error), error.reason, error.line, error.entry

    cupboard.file.write_bytes(data)
    return (
        told(cassette_file.load(cupboard.file).entries for _ in range(1)),
        told(entries_of(cupboard.open(profile=load_profile("bayeux"))) for _ in range(1)),
    )


@settings(laws, max_examples=250)
@given(
    st.integers(0, len(STORY)),
    st.integers(0, 40),
    st.sampled_from(
        [b"", b"\n", b"---\n", b"\n---\n", b"...\n", b"\t", b"\0", b"\xff", b"{", b"\xe2\x80\xa8",
         b"cause: 3\n", b"<<<<<<< a\n", b"&a ", b"\n--- {a: 1}\n", b"\x85---\n", b"\r", b"# x\n",
         b"- [", b'"', b"'", b"event: 5\n", b"%YAML 1.1\n", b"|", b"\n...\nevent: 99\n"]
    ),
)  # fmt: skip
def test_damage_anywhere_is_told_as_if_the_file_were_read_whole(
    tmp_path_factory: pytest.TempPathFactory, at: int, removed: int, put: bytes
) -> None:
    cupboard = Cupboard(tmp_path_factory.mktemp("law"))
    whole, by_index = outcome(STORY[:at] + put + STORY[at + removed :], cupboard)
    assert by_index == whole


@pytest.mark.parametrize("length", range(0, len(STORY), 97))
def test_a_file_that_was_cut_off_is_refused(cupboard: Cupboard, length: int) -> None:
    whole, by_index = outcome(STORY[:length], cupboard)
    assert isinstance(whole, tuple)
    assert by_index == whole


def test_a_missing_file_is_told_with_the_nearest_name(cupboard: Cupboard) -> None:
    cupboard.open(STORY)
    with pytest.raises(CassetteError, match="Did you mean"):
        open_playbook(cupboard.file.with_name("d.yaml"), load_profile, small_bytes=0)


# ---------------------------------------------------------------- what an index is of


def test_an_index_is_made_once_and_used_by_the_next(cupboard: Cupboard) -> None:
    cupboard.open(STORY)
    for _ in range(3):
        cupboard.open()
    assert cupboard.made == 1


def test_an_edited_cassette_has_another_index(cupboard: Cupboard) -> None:
    cupboard.open(STORY)
    edited = cupboard.open(STORY.replace(b"done: 3", b"done: 4"))
    assert cupboard.made == 2
    assert entries_of(edited) == yaml_reader.load(cupboard.file.read_bytes()).entries


def test_another_profile_has_another_index(cupboard: Cupboard) -> None:
    cupboard.open(STORY)
    cupboard.open(profile=load_profile("bayeux"))
    assert cupboard.made == 2


def test_other_code_has_another_index(cupboard: Cupboard, monkeypatch: pytest.MonkeyPatch) -> None:
    cupboard.open(STORY)
    monkeypatch.setattr("cometape.store.index_name._code", lambda: b"changed")
    cupboard.open()
    assert cupboard.made == 2


def test_a_damaged_index_is_made_anew_and_nobody_is_bothered(cupboard: Cupboard) -> None:
    entries = entries_of(cupboard.open(STORY))
    (index,) = cupboard.indexes()
    whole = index.read_bytes()
    damaged = [whole[:n] for n in range(0, len(whole), 997)]
    damaged += [whole[:n] + bytes([whole[n] ^ 1]) + whole[n + 1 :] for n in range(0, 200, 7)]
    for made, data in enumerate(damaged, 2):
        index.write_bytes(data)
        assert entries_of(cupboard.open()) == entries
        assert cupboard.made == made
        assert index.read_bytes() == whole


def test_columns_that_fit_the_check_but_not_the_cassette_are_made_anew(cupboard: Cupboard) -> None:
    entries = entries_of(cupboard.open(STORY))
    (index,) = cupboard.indexes()
    digest = bytes.fromhex(index.stem)
    for nonsense in ([b"\x08" + bytes(7), b"[1,2]   "], [bytes(64)], [b"\xff" * 64], []):
        assert cupboard.cache.write(digest, nonsense)
        assert entries_of(cupboard.open()) == entries


def test_without_a_place_for_indexes_a_replay_only_begins_later(cupboard: Cupboard) -> None:
    (cupboard.file.parent / "cache").write_text("a file where the folder should be")
    first, second = cupboard.open(STORY), cupboard.open()
    assert cupboard.made == 2
    assert entries_of(first) == entries_of(second)


def is_readable(playbook: Playbook, place: int) -> bool:
    try:
        playbook.read(place)
    except CassetteError:
        return False
    return True


def test_a_file_written_to_while_it_is_replayed_is_noticed(cupboard: Cupboard) -> None:
    playbook = cupboard.open(STORY)
    cupboard.file.write_bytes(STORY.replace(b"done: 3", b"done: 4"))
    places = [at for at in range(len(playbook.index.numbers)) if not is_readable(playbook, at)]
    (place,) = places
    with pytest.raises(CassetteError, match="was written to") as told:
        playbook.read(place)
    assert told.value.reason == "changed"
    assert told.value.line is not None
    assert b"done: 4" in b"".join(cupboard.file.read_bytes().splitlines()[told.value.line :])


def test_a_file_replaced_while_it_is_replayed_is_replayed_on(cupboard: Cupboard) -> None:
    playbook = cupboard.open(STORY)
    other = cupboard.file.with_name("new.yaml")
    other.write_bytes(b"cassette: 1\n")
    os.replace(other, cupboard.file)
    assert entries_of(playbook) == yaml_reader.load(STORY).entries


def test_entries_are_let_go_of_again(cupboard: Cupboard) -> None:
    """What was parsed is kept within a bound, whatever is asked for."""
    playbook = cupboard.open(STORY)
    read = playbook.read
    assert isinstance(read, EntriesInFile)
    most = 2 * len(STORY) // 4
    read._recently._most = len(STORY) // 4
    for _, place in itertools.product(range(3), range(len(playbook.index.numbers))):
        read(place)
    kept = [*read._recently._young, *read._recently._old]
    assert sum(read._lengths[place] for place in kept) <= most + max(read._lengths)
