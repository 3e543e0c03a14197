"""Bad input, each with the error a user sees: place, what is wrong, what to do, a reason."""

from __future__ import annotations

import gzip
import time

import pytest

from cometape.core.cassette import Event, Exchange, Handshake, Publish, Subscribe
from cometape.core.errors import CassetteError
from cometape.core.exchange import Headers
from cometape.store.yaml_documents import Limits
from cometape.store.yaml_reader import load

HEADER = "cassette: 1\n---\n"


def refused(text: str | bytes, limits: Limits | None = None) -> CassetteError:
    """The error that loading `text` raises."""
    data = text.encode() if isinstance(text, str) else text
    with pytest.raises(CassetteError) as caught:
        load(data, "c.yaml", limits=limits or Limits())
    return caught.value


def data_error(yaml_text: str) -> CassetteError:
    """The error for an event with that data."""
    return refused(f"{HEADER}event: 5\nchannel: /a\ndata: {yaml_text}\n")


@pytest.mark.parametrize(
    ("text", "reason", "line", "message"),
    [
        (b"", "empty", None, "is an empty file"),
        (b" \n\n", "empty", None, "is an empty file"),
        (b"# nothing\n", "empty", None, "holds comments and no header"),
        (b"cassette: 1\nscenario: x\n", "empty", None, "has a header and no entries"),
        (b"cassette: 1\n\x00\n", "binary", 2, "not text in UTF-8: byte 0x00 at offset 12"),
        (b"cassette: 1\nscenario: caf\xe9\n", "binary", 2, "byte 0xe9 at offset 25"),
        (gzip.compress(b"cassette: 1\n", mtime=0), "binary", 1, "It is compressed: unpack it."),
        ("cassette: 1\n".encode("utf-16"), "binary", 1, "not text in UTF-8"),
        (b"cassette: 2\nnews: true\n", "newer-format", 1,
         "format 2, this cometape reads 1: upgrade"),
        (b"cassette: one\n", "invalid", 1, 'must be the number of the format, not "one"'),
        (b"cassette: true\n", "invalid", 1, "must be the number of the format, not true"),
        (b"just text\n", "not-a-cassette", 1, "begins with the line `cassette: 1`"),
        (b"- a\n- b\n", "not-a-cassette", 1, "has no key `cassette`"),
        (b"casette: 1\n", "not-a-cassette", 1, "Did you mean that by `casette`?"),
        (b"interactions: []\nversion: 1\n", "not-a-cassette", 1, "VCR"),
        (b'{"log": {"version": "1.2"}}', "not-a-cassette", 1, "HAR"),
        (b"exchange: 1\n", "not-a-cassette", 1, "Put a header before this entry"),
        (b"cassette: 1\nscenaro: x\n---\nsubscribe: 1\nchannel: /a\n", "invalid", 2,
         "`scenaro` is not a known key; did you mean `scenario`?"),
        (b"cassette: 1\norigin: http://[x\n---\nsubscribe: 1\nchannel: /a\n", "invalid", 2,
         "`origin` must be the address of the system recorded"),
        (b'cassette: 1\norigin: "\\0"\n---\nsubscribe: 1\nchannel: /a\n', "invalid", 2,
         "Write its scheme, host and port: https://gws.example:8090"),
        (b"cassette: 1\nends_with: end\n", "invalid", 2, "`ends_with` must be '...'"),
        (b"cassette: 1\n---\n<<<<<<< HEAD\nevent: 1\n", "conflict", 3, "git"),
        (b"cassette: 1\n---\nevent: 1\n=======\nevent: 2\n", "conflict", 4, "git"),
        (b"cassette: 1\n---\nevent: 1\n\tchannel: /a\n", "not-yaml", 4, "indented with a tab"),
        (b"cassette: 1\n---\nevent: [1\n", "not-yaml", 4, "expected ',' or ']'"),
        (b"cassette: 1\n---\nevent: 1\nchannel: @a\n", "not-yaml", 4, "cannot start any token"),
        (b"cassette: 1\n---\nevent: 1\nchannel: a\x07\n", "not-yaml", 4, "control characters"),
        (b'cassette: 1\n---\nevent: 1\nchannel: "\\ud83d"\n', "not-yaml", 4, "not YAML"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_whole_cassette(
    text: bytes, reason: str, line: int | None, message: str
) -> None:
    error = refused(text)
    assert (error.reason, error.line) == (reason, line)
    assert message in str(error)
    assert str(error).startswith("c.yaml:" if line is None else f"c.yaml:{line}")


@pytest.mark.parametrize(
    ("data", "reason", "message"),
    [
        ("&a [1]", "alias", "an anchor (`&a`) is not allowed"),
        ("&a x", "alias", "an anchor (`&a`) is not allowed"),
        ("{&a x: 1}", "alias", "an anchor (`&a`) is not allowed"),
        ("*a", "alias", "an alias (`*a`) is not allowed"),
        ("{<<: {a: 1}}", "alias", "a merge key (`<<`) is not allowed"),
        ("!!python/object/apply:os.system [ls]", "tag", "a tag (`tag:yaml.org,2002:python"),
        ("!!binary aGVsbG8=", "tag", "a tag (`tag:yaml.org,2002:binary`)"),
        ("! x", "tag", "a tag"),
        ("!mine {a: 1}", "tag", "a tag (`!mine`) is not allowed"),
        ("{a: 1, a: 2}", "duplicate", "the key 'a' twice"),
        ("{1: 1, '1': 2}", "duplicate", "the key '1' twice"),
        ("{[a]: 1}", "invalid", "a key that is not text"),
        ("[" * 120 + "]" * 120, "too-deep", "more than 100 levels"),
        ("9" * 5000, "too-large", "a number of 5000 digits"),
    ],
)
def test_yaml_that_a_cassette_does_not_want(data: str, reason: str, message: str) -> None:
    error = data_error(data)
    assert (error.reason, error.line) == (reason, 5)
    assert message in str(error)
    assert error.hint


def test_a_hundred_levels_in_blocks_are_too_deep_as_well() -> None:
    nested = "".join("  " * level + f"k{level}:\n" for level in range(1, 150))
    error = refused(f"{HEADER}event: 1\nchannel: /a\ndata:\n{nested}")
    assert error.reason == "too-deep"
    assert "`data_json` for `data`" in error.hint


def test_a_hundred_thousand_brackets_are_refused_at_once() -> None:
    began = time.monotonic()
    assert data_error("[" * 100_000).reason in ("too-deep", "not-yaml")
    assert time.monotonic() - began < 5


def test_a_bomb_of_aliases_is_refused_at_its_first_anchor() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{name}: &{name} [*{before}, *{before}]\n"
        for before, name in zip("abcdefgh", "bcdefghi")  # noqa: B905
    )
    error = refused("cassette: 1\n" + bomb)
    assert (error.reason, error.line) == ("alias", 2)


def test_files_and_scalars_are_bounded() -> None:
    small = Limits(max_bytes=200, max_scalar=20, max_depth=3)
    assert "more than 200" in str(refused("#" * 300, small))
    long = refused(HEADER + "event: 1\nchannel: /a\ndata: " + "x" * 30, small)
    assert (long.reason, long.line) == ("too-large", 5)
    deep = refused(HEADER + "event: 1\nchannel: /a\ndata: {a: {b: {c: 1}}}\n", small)
    assert deep.reason == "too-deep"


def test_a_key_given_twice_names_both_lines() -> None:
    error = refused(HEADER + "event: 5\nchannel: /a\ndata: 1\nchannel: /b\n")
    assert (error.reason, error.line) == ("duplicate", 6)
    assert "first in line 4" in str(error)


@pytest.mark.parametrize(
    ("entry", "line", "message"),
    [
        ("- event: 1", 3, "an entry must be a mapping, not a list of 1"),
        ("{}", 3, "does not say what it is"),
        ("evnt: 1\nchannel: /a", 3, "unknown key `evnt`. Did you mean `event`?"),
        ("event: 1\nsubscribe: 2\nchannel: /a", 4, "an entry is one thing"),
        ("event: one\nchannel: /a", 3, '`event` must be the entry\'s number, 1 or more, not "one"'),
        ("event: 0\nchannel: /a", 3, "`event` must be the entry's number"),
        ("event: 5\nchanel: /a\ndata: 1", 4,
         "(entry 5): `chanel` is not a known key; did you mean `channel`?"),
        ("event: 5\ndata: 1", 3, "`channel` is missing"),
        ("event: 5\nchannel: /a", 3, "`data` is missing"),
        ("event: 5\nchannel: 17\ndata: 1", 4, "`channel` must be text, not 17"),
        ("event: 5\nchannel:\ndata: 1", 4, "`channel` has no value"),
        ("event: 5\nchannel: [/a]\ndata: 1", 4, "`channel` must be text, not a list of 1"),
        ("event: 5\nchannel: /a\ncause: -1\ndata: 1", 5, "must be the number of an entry, or spon"),
        ("event: 5\nchannel: /a\ncause: true\ndata: 1", 5, "must be the number of an entry"),
        ("event: 5\nchannel: /a\ncause: 4\ndata: 1", 3, "`cause` is 4, and no entry is"),
        ("event: 5\nchannel: /a\ncause: 5\ndata: 1", 3, "which is the event itself"),
        ("event: 5\nchannel: /a\nextra: x\ndata: 1", 5, '`extra` must be a mapping, not "x"'),
        ("event: 5\nchannel: /a\nat_s: soon\ndata: 1", 5, "must be a number of seconds, 0 or more"),
        ("event: 5\nchannel: /a\nat_s: -1\ndata: 1", 5, "0 or more, not -1"),
        ("event: 5\nchannel: /a\nat_s: .nan\ndata: 1", 5, "must be a number of seconds"),
        (f"event: 5\nchannel: /a\nat_s: {'9' * 400}\ndata: 1", 5, "must be a number of seconds"),
        ("event: 5\nchannel: /a\ndata: 1\ndata_json: '1'", 6,
         "`data_json` and `data` exclude each other"),
        ("event: 5\nchannel: /a\ndata_json: '{'", 5, "`data_json` must be JSON text"),
        ("subscribe: 5\nchannel: /a\nsuccessful: No", 5,
         '`successful` must be true or false, not "No"'),
        ("handshake: 5\nconnection_types: websocket", 4, "must be a list of texts"),
        ("disconnect: 5\nby: me", 4, 'must be client or server, not "me"'),
        ("exchange: 7\nresponse: {status: 200}", 3, "`request` is missing"),
        ("exchange: 7\nrequest: {method: GET, target: /}", 3, "needs `response`, or `error`"),
        ("exchange: 7\nrequest: GET /\nerror: x", 4, "`request` must be a mapping"),
        ("exchange: 7\nrequest: {method: GET}\nerror: x", 4, "`request.target` is missing"),
        ("exchange: 7\nrequest:\n  method: GET\n  target: /\n  header: []\nerror: x", 7,
         "`request.header` is not a known key; did you mean `headers`?"),
        ("exchange: 7\nrequest: {method: GET, target: /}\nresponse: {status: OK}", 5,
         '`response.status` must be a whole number, not "OK"'),
        ("exchange: 7\nrequest: {method: GET, target: /}\nresponse: {status: 17}", 5,
         "must be the HTTP status of an answer, 200 to 599, not 17"),
        ("exchange: 7\nrequest: {method: GET, target: /}\nresponse: {status: 101}", 5,
         "100 to 199 only announce an answer; write the one that follows."),
        ("exchange: 18446744073709551616\nrequest: {method: GET, target: /}", 3,
         "`exchange` is too high a number for an entry, not 18446744073709551616"),
        ("event: 9223372036854775808\nchannel: /a\ndata: 1", 3, "the highest number there can be"),
        ("event: 7\ncause: 18446744073709551616\nchannel: /a\ndata: 1", 4,
         "`cause` must be the number of an entry"),
        ("exchange: 7\nrequest: {method: GET, target: a}\nresponse: {status: 200}", 4,
         '`request.target` can be asked for by no client, not "a"'),
        ("exchange: 7\nrequest: {method: GET, target: a}\nresponse: {status: 200}", 4,
         "A path with its query begins with a slash: /a"),
        ("exchange: 7\nrequest: {method: GET, target: 'http://[::1'}\nerror: x", 4,
         "For example /api/v2/me/workbins?fields=*"),
        ("exchange: 7\nrequest: {method: GE T, target: /}\nresponse: {status: 200}", 4,
         '`request.method` can be no method of a request, not "GE T"'),
        ('exchange: 7\nrequest: {method: "", target: /}\nresponse: {status: 200}', 4,
         "one word, without blanks"),
        ('exchange: 7\nrequest: {method: GET, target: /}\n'
         'response: {status: 200, headers: [[A, "b\\r\\nX: y"]]}', 5,
         "`response.headers` must have no line break or NUL in them"),
        ('exchange: 7\nresponse: {status: 200}\n'
         'request: {method: GET, target: /, headers: [["A\\0", b]]}', 5,
         "Write it as one line, and a further header as a pair of its own."),
        ('event: 7\nchannel: ""\ndata: 1', 4, '`channel` can be no channel, not ""'),
        ("event: 7\nchannel: v2/me/workitems\ndata: 1", 4,
         "Channels begin with a slash: /v2/me/workitems"),
        ("subscribe: 7\nchannel: v2/me/workitems", 4, "`channel` can be no channel"),
        ("publish: 7\nchannel: \U0001f600\ndata: 1", 4, "`channel` can be no channel"),
        ("exchange: 7\nrequest:\n  method: GET\n  target: /\n  headers: {A: b}\nerror: x", 7,
         "`request.headers` must be a list of [name, value] pairs, not a mapping"),
        ("exchange: 7\nrequest:\n  method: GET\n  target: /\n  headers: [[A, 1]]\nerror: x", 7,
         "a number goes in double quotes"),
        ("exchange: 7\nrequest:\n  method: GET\n  target: /\n  text: a\n  json: {}\nerror: x", 7,
         "are both the body"),
        ("exchange: 7\nrequest:\n  method: GET\n  target: /\n  base64: '?'\nerror: x", 7,
         "`request.base64` is not base64"),
        ("exchange: 7\nrequest: {method: GET, target: /, json: 1, json_style: odd}\nerror: x", 4,
         "`request.json_style` is no style: unknown JSON style 'odd'"),
        ("exchange: 7\nrequest: {method: GET, target: /, json_style: spaced}\nerror: x", 4,
         "there is no `json`"),
        ("exchange: 7\nrequest: {method: GET, target: /, text: 17}\nerror: x", 4,
         "Put it in double quotes: \"17\"."),
    ],
)  # fmt: skip
def test_an_entry_that_breaks_the_schema_is_named_with_line_and_key(
    entry: str, line: int, message: str
) -> None:
    error = refused(f"{HEADER}{entry}\n")
    assert message in str(error)
    assert error.line == line


@pytest.mark.parametrize("second", [3, 2])
def test_numbers_ascend(second: int) -> None:
    error = refused(f"{HEADER}subscribe: 3\nchannel: /a\n---\nsubscribe: {second}\nchannel: /b\n")
    assert f"the number {second} comes after 3" in str(error)
    assert (error.entry, error.line) == (second, 6)


def test_a_cassette_written_by_hand_may_leave_nearly_everything_out() -> None:
    cassette = load(
        b"""\
# Comments are fine, and a byte order mark, and the order of keys.
cassette: 1
---
handshake: 1
---
channel: /v2/me/workitems
subscribe: 2
---
exchange: 4
request: {method: GET, target: /api/v2/me}
response: {status: 200, json: {a: 12:30, b: No, c: 0017, d: 1_000, e: 2024-01-01, f: 0x1F}}
---
subscribe: 5
channel: /secret
error: "403::denied"
---
event: 6
cause: 4
channel: /v2/me/workitems
data: null
---
publish: 9
session: other
channel: /service/x
"""
    )
    handshake, subscribe, exchange, refusal, event, publish = cassette.entries
    assert cassette.header.profile == "bayeux"
    assert handshake == Handshake(number=1, session="main")
    assert subscribe == Subscribe(number=2, session="main", channel="/v2/me/workitems")
    assert isinstance(exchange, Exchange)
    assert exchange.response is not None
    assert exchange.request.headers == Headers()
    assert exchange.response.body == (
        b'{"a":"12:30","b":"No","c":"0017","d":"1_000","e":"2024-01-01","f":31}'
    )
    assert isinstance(refusal, Subscribe)
    assert not refusal.successful, "an error without `successful` is a failure"
    assert event == Event(number=6, session="main", channel="/v2/me/workitems", data=None, cause=4)
    assert publish == Publish(number=9, session="other", channel="/service/x")


def test_a_byte_order_mark_does_no_harm() -> None:
    assert load(b"\xef\xbb\xbfcassette: 1\n---\nsubscribe: 1\nchannel: /a\n").entries


def test_a_refused_channel_may_be_none() -> None:
    text = f"{HEADER}subscribe: 1\nchannel: v2\nerror: '400:v2:subscription invalid'\n"
    assert load(text.encode()).entries == (
        Subscribe(
            number=1,
            session="main",
            channel="v2",
            successful=False,
            error="400:v2:subscription invalid",
        ),
    )
