"""HAR files of browsers and proxies, small but as they are written: what becomes of them."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from cometape.core.cassette import Cassette, Connect, Event, Exchange, Handshake, Subscribe
from cometape.interchange.importing import Imported, ImportSettings, assemble
from cometape.interchange.reading import read
from cometape.profiles import load_profile
from cometape.store.yaml_emitter import dump

SAMPLES = Path(__file__).parent / "samples"
DIALECTS = sorted(path.stem for path in SAMPLES.glob("*.har"))
CLIENT_ID = "3x1kq0v9bd2p7m4hz8wn6tyc"
SECRETS = (
    CLIENT_ID,
    "pa55-Agent7-word",
    "YWdlbnQ3OnBhNTUtQWdlbnQ3LXdvcmQ",
    "node0f7b2c9e41d8a4d6c",
    "eyJhbGciOiJIUzI1NiJ9",
)
EVERY = pytest.mark.parametrize("dialect", DIALECTS)
WORKBINS = load_profile("workbins")


def imported(*dialects: str) -> Imported:
    sources = [read((SAMPLES / f"{one}.har").read_bytes(), f"{one}.har") for one in dialects]
    return assemble(sources, WORKBINS, ImportSettings(profile_name="workbins"))


def exchanges(cassette: Cassette) -> list[Exchange]:
    return [entry for entry in cassette.entries if isinstance(entry, Exchange)]


def changed(dialect: str, change: Any) -> Imported:
    document = json.loads((SAMPLES / f"{dialect}.har").read_text(encoding="utf-8"))
    change(document["log"]["entries"])
    source = read(json.dumps(document).encode(), "changed.har")
    return assemble([source], WORKBINS, ImportSettings(profile_name="workbins"))


def test_there_is_a_sample_of_each_dialect() -> None:
    assert {"chrome", "chrome_websocket", "firefox", "charles"} <= set(DIALECTS)


@EVERY
def test_bayeux_is_found_and_the_event_has_its_cause(dialect: str) -> None:
    cassette = imported(dialect).cassette
    kinds = [type(one) for one in cassette.entries if not isinstance(one, Exchange)]
    assert kinds == [Handshake, Connect, Subscribe, Event]
    (event,) = (entry for entry in cassette.entries if isinstance(entry, Event))
    assert isinstance(event.data, dict)
    assert event.data["workitem"] == {
        "id": "02F0XAMPLE00001A",
        "state": "Processing",
        "subject": "Umzug nach Köln",
    }
    cause = cassette.entry(event.cause) if isinstance(event.cause, int) else None
    assert isinstance(cause, Exchange)
    assert b"PullWorkitem" in cause.request.body


@EVERY
def test_no_secret_of_the_file_is_in_the_cassette(dialect: str) -> None:
    text = dump(imported(dialect).cassette)
    assert [secret for secret in SECRETS if secret in text] == []
    raw = (SAMPLES / f"{dialect}.har").read_text(encoding="utf-8")
    assert CLIENT_ID in raw


@EVERY
def test_everything_is_one_client_session(dialect: str) -> None:
    name = "session-1" if dialect == "chrome_sanitised" else "agent7"
    assert imported(dialect).cassette.sessions == (name,)


@EVERY
def test_headers_are_those_of_http_1_without_coding_and_framing(dialect: str) -> None:
    for entry in exchanges(imported(dialect).cassette):
        assert entry.request.headers.first("Host") == "gws.example"
        for message in (entry.request, entry.response):
            assert message is not None
            names = {name.lower() for name, _ in message.headers}
            assert not {name for name in names if name.startswith(":")}
            assert not names & {"content-length", "transfer-encoding"}
            assert not (message.body and "content-encoding" in names)


@EVERY
def test_the_origin_is_found_and_times_count_from_the_first_page(dialect: str) -> None:
    cassette = imported(dialect).cassette
    assert cassette.header.origin == "https://gws.example"
    # Of the hour of the file's offset (+01:00 in two of them) UTC is left.
    assert (cassette.header.recorded_at or "").startswith("2026-03-01T09:1")
    offset = {"chrome": 0.25, "firefox": 0.1}.get(dialect.partition("_")[0], 0.0)
    assert cassette.entries[0].at_s == offset


def test_a_poll_that_the_browser_aborted_is_no_entry() -> None:
    assert imported("chrome").skipped["cancelled polls"] == 1


def test_what_is_not_http_is_left_out_and_told() -> None:
    assert imported("chrome").skipped["requests over data:"] == 1
    assert imported("charles").skipped["tunnels"] == 1


def test_binary_and_encoded_bodies_are_the_bytes_that_were_sent() -> None:
    by_target = {
        one.request.target: one.response for one in exchanges(imported("firefox").cassette)
    }
    picture, latin = by_target["/ui/dot.gif"], by_target["/ui/gruss.txt"]
    assert picture is not None
    assert picture.body.startswith(b"GIF89a")
    assert latin is not None
    assert latin.body == "Grüß Gott".encode("latin-1")


def test_a_body_that_the_file_lacks_is_named() -> None:
    assert imported("firefox").problems == {
        "firefox.har: an answer's body is not in the file (entry 3)": 1
    }


def test_form_parameters_become_the_form_again_and_a_broken_answer_an_error() -> None:
    form = next(
        one for one in exchanges(imported("charles").cassette) if "/ui/log" in one.request.target
    )
    assert form.request.body == b"level=info&text=signed+on+%26+ready"
    assert form.error == "server closed the connection"


def test_files_of_two_people_are_put_together_by_time() -> None:
    text = (SAMPLES / "firefox.har").read_text(encoding="utf-8")
    login = base64.b64encode(b"supervisor:pa55-Supervisor-word").decode()
    for mine, theirs in (
        ("YWdlbnQ3OnBhNTUtQWdlbnQ3LXdvcmQ=", login),
        ("node0f7b2c9e41d8a4d6c", "node01a2b3c4d5e6f7a8b"),
        ("3x1kq0v9bd2p7m4hz8wn6tyc", "8c2jw5t7ra9x4n6kv0qs1mdz"),
    ):
        assert mine in text
        text = text.replace(mine, theirs)
    sources = [
        read((SAMPLES / "chrome_websocket.har").read_bytes(), "agent.har"),
        read(text.encode(), "supervisor.har"),
    ]
    settings = ImportSettings(profile_name="workbins")
    cassette = assemble(sources, WORKBINS, settings).cassette
    times = [one.at_s or 0.0 for one in cassette.entries if not isinstance(one, Exchange)]
    assert times == sorted(times)
    assert set(cassette.sessions) == {"agent7", "supervisor"}
    events = [entry for entry in cassette.entries if isinstance(entry, Event)]
    assert {event.session for event in events} == {"agent7", "supervisor"}
    for event in events:
        cause = cassette.entry(event.cause) if isinstance(event.cause, int) else None
        assert cause is not None
        assert cause.session == event.session


def test_cookies_are_taken_from_their_list_where_the_header_is_missing() -> None:
    def without_cookie_header(entries: list[Any]) -> None:
        for entry in entries:
            for side in ("request", "response"):
                headers = entry[side]["headers"]
                headers[:] = [one for one in headers if "cookie" not in one["name"].lower()]

    first, *others = exchanges(changed("firefox", without_cookie_header).cassette)
    assert first.response is not None
    assert first.response.headers.all("Set-Cookie") == ["JSESSIONID=<session:1>; Path=/; HttpOnly"]
    assert others[-1].request.cookies() == {"JSESSIONID": "<session:1>"}


def test_fields_that_some_leave_out_are_not_missed() -> None:
    def bare(entries: list[Any]) -> None:
        for entry in entries:
            for name in ("time", "cache", "connection", "pageref", "serverIPAddress"):
                entry.pop(name, None)
            for name in ("queryString", "cookies", "headersSize", "bodySize", "httpVersion"):
                entry["request"].pop(name, None)
                entry["response"].pop(name, None)

    cassette = changed("chrome", bare).cassette
    assert len(cassette.entries) == len(imported("chrome").cassette.entries)


def test_a_file_without_any_time_keeps_its_order_and_has_none() -> None:
    def undated(entries: list[Any]) -> None:
        for entry in entries:
            del entry["startedDateTime"]

    cassette = changed("charles", undated).cassette
    assert {entry.at_s for entry in cassette.entries} == {None}
    assert cassette.header.recorded_at is None


def test_the_words_and_times_of_mitmproxy_are_understood() -> None:
    document = json.loads((SAMPLES / "charles.har").read_text(encoding="utf-8"))
    document["log"]["creator"]["name"] = "mitmproxy"
    entry = document["log"]["entries"][-1]
    entry["time"] = 37 + 250
    entry["timings"] = {"connect": 250, "ssl": -1, "send": 1, "wait": 35, "receive": 1}
    entry["response"] = {"status": 0, "_error": "Client disconnected."}
    source = read(json.dumps(document).encode(), "hardump.har")
    settings = ImportSettings(profile_name="workbins")
    pull = exchanges(assemble([source], WORKBINS, settings).cassette)[-1]
    assert (pull.took_s, pull.error) == (0.037, "client left")
