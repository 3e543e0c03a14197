"""What is written is what is read: by cometape, and by the two YAML readers users have."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from cometape.core.body import Body
from cometape.core.cassette import Cassette, Entry, Event, Exchange, Header
from cometape.core.errors import CassetteError
from cometape.core.exchange import Request, Response
from cometape.store.yaml_emitter import dump, dump_entry, dump_header, entry_document
from cometape.store.yaml_reader import load
from strategies import AWKWARD, bodies, cassettes, entries, json_values, same_json

CASSETTES = sorted((Path(__file__).parents[2] / "cassettes").glob("**/*.yaml"))
laws = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=70)


def ruamel(text: str) -> list[Any]:
    """Every document, by a reader of YAML 1.2."""
    return list(YAML(typ="safe", pure=True).load_all(io.StringIO(text)))


def pyyaml(text: str) -> list[Any]:
    """Every document, by a reader of YAML 1.1."""
    return list(yaml.load_all(text, Loader=yaml.CSafeLoader))


def event(data: Any) -> Event:
    return Event(number=1, session="main", channel="/a", data=data)


@laws
@given(cassettes())
def test_a_cassette_that_is_written_and_read_is_the_same(cassette: Cassette) -> None:
    text = dump(cassette)
    read = load(text.encode())
    assert read == cassette
    assert dump(read) == text
    pieces = [dump_header(cassette.header), *map(dump_entry, cassette.entries), "...\n"]
    assert "".join(pieces) == text, "what a recording appends is what save writes"


@laws
@given(bodies, bodies)
def test_bodies_come_back_byte_for_byte(request: bytes, response: bytes) -> None:
    exchange = Exchange(
        number=1,
        session="main",
        request=Request(method="POST", target="/", body=request),
        response=Response(status=200, body=response),
    )
    (read,) = load(dump(Cassette(Header(), (exchange,))).encode()).entries
    assert isinstance(read, Exchange)
    assert read.response is not None
    assert (read.request.body, read.response.body) == (request, response)


@pytest.mark.parametrize("text", AWKWARD)
@pytest.mark.parametrize("reader", [pyyaml, ruamel])
def test_text_that_looks_like_something_else_is_text_to_every_reader(
    text: str, reader: Any
) -> None:
    data = {
        "value": text, "in a list": [text], text: "key", "nested": {"a": {text: [{text: text}]}},
        "wide": {"one": text, "two": "x" * 90}, "wide list": [text, "x" * 90, [text, "y" * 90]],
    }  # fmt: skip
    written = dump_entry(event(data))
    (document,) = reader(written)
    assert same_json(document["data"], data)
    header = Header(scenario=text, profile=text)
    (document,) = reader(dump_header(header))
    assert (document.get("scenario", ""), document["profile"]) == (text, text)


@laws
@given(json_values)
@example([float("inf"), float("-inf"), float("nan")])
def test_pyyaml_reads_the_same_values(value: Any) -> None:
    (document,) = pyyaml(dump_entry(event(value)))
    assert same_json(document["data"], value)


@settings(laws, max_examples=50)
@given(json_values)
@example([float("inf"), float("-inf"), float("nan")])
def test_ruamel_reads_the_same_values(value: Any) -> None:
    (document,) = ruamel(dump_entry(event(value)))
    assert same_json(document["data"], value)


@laws
@given(bodies, st.sampled_from([pyyaml, ruamel]))
def test_every_reader_finds_the_value_a_body_holds(data: bytes, reader: Any) -> None:
    body = Body.from_bytes(data)
    exchange = Exchange(
        number=1, session="main", request=Request(method="PUT", target="/", body=data), error="x"
    )
    (document,) = reader(dump_entry(exchange))
    if body.form != "empty":
        assert same_json(document["request"][body.form], body.value)


@laws
@given(entries(7))
def test_an_entry_begins_with_a_separator_and_what_it_is(entry: Entry) -> None:
    written = dump_entry(entry)
    assert written.startswith(f"---\n{type(entry).__name__.lower()}: 7\n")
    assert written.endswith("\n")
    assert not any(line in ("---", "...") for line in written.splitlines()[1:])


@laws
@given(entries(3))
def test_no_line_ends_in_a_blank_which_editors_would_remove(entry: Entry) -> None:
    for line in dump_entry(entry).split("\n"):
        assert line == line.rstrip()


@laws
@given(json_values)
def test_short_collections_stay_on_one_line_of_a_hundred_columns(value: Any) -> None:
    for line in dump_entry(event(value)).splitlines():
        collection = line.split(": ", 1)[-1].lstrip("- ")
        if collection[:1] in ("{", "[") and len(collection) > 2:
            assert len(line) <= 100


def test_an_exchange_that_no_reader_would_accept_is_not_written() -> None:
    exchange = Exchange(number=4, session="main", request=Request(method="GET", target="/"))
    with pytest.raises(CassetteError, match="needs a response, or an error"):
        dump_entry(exchange)


def test_what_is_the_default_is_left_out() -> None:
    assert entry_document(event(None)) == {
        "event": 1, "session": "main", "channel": "/a", "data": None,
    }  # fmt: skip


def test_a_key_longer_than_yaml_allows_on_a_line_is_written_as_a_complex_key() -> None:
    data = {"k" * 1500: {"inner": 1}, "x": [{"l" * 1500: "v"}]}
    written = dump_entry(event(data))
    for reader in (pyyaml, ruamel):
        assert reader(written)[0]["data"] == data
    cassette = Cassette(Header(), (event(data),))
    assert load(dump(cassette).encode()) == cassette


@pytest.mark.parametrize("path", CASSETTES, ids=lambda path: path.name)
def test_a_golden_cassette_is_loaded_and_dumped_byte_for_byte(path: Path) -> None:
    written = path.read_bytes()
    assert dump(load(written, str(path))).encode() == written
