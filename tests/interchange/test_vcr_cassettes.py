"""Cassettes that vcrpy itself recorded, and older ones in its words."""

from __future__ import annotations

import gzip
import http.client
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import vcr  # type: ignore[import-untyped]
import yaml

from cometape.core.cassette import Cassette, Exchange
from cometape.core.errors import CassetteError
from cometape.interchange.importing import ImportSettings, assemble
from cometape.interchange.reading import read
from cometape.profiles import load_profile
from cometape.store.yaml_emitter import dump

WORKBINS = load_profile("workbins")
PAGE = json.dumps({"statusCode": 0, "referenceId": 17}).encode()
PICTURE = b"\x89PNG\r\n\x1a\n\x00\xff"


class Origin(BaseHTTPRequestHandler):
    """Answers compressed, sets a session cookie."""

    def do_GET(self) -> None:
        self._answer(PICTURE if self.path.endswith(".png") else PAGE)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(PAGE)

    def _answer(self, body: bytes) -> None:
        zipped = body is PAGE
        data = gzip.compress(body, mtime=0) if zipped else body
        self.send_response(200)
        self.send_header("Set-Cookie", "JSESSIONID=node0f7b2c9e41d8a4d6c; Path=/")
        self.send_header("Content-Type", "application/json" if zipped else "image/png")
        if zipped:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Origin)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def recorded(path: Path, port: int, serializer: str, **options: Any) -> bytes:
    with vcr.VCR().use_cassette(str(path), serializer=serializer, **options):
        client = http.client.HTTPConnection("127.0.0.1", port)
        login = {"Authorization": "Basic YWdlbnQ3OnBhNTUtQWdlbnQ3LXdvcmQ="}
        for method, target, body in (
            ("GET", "/api/v2/me?fields=*", None),
            ("POST", "/api/v2/me/workbins/7", '{"operationName":"PullWorkitem","id":"A"}'),
            *([("GET", "/dot.png", None)] if serializer == "yaml" else []),
        ):
            client.request(method, target, body, login)
            client.getresponse().read()
        client.close()
    return path.read_bytes()


def imported(data: bytes) -> Cassette:
    settings = ImportSettings(profile_name="workbins")
    return assemble([read(data, "calls.yaml")], WORKBINS, settings).cassette


@pytest.mark.parametrize("decoded", [False, True], ids=["as it came", "decoded by vcrpy"])
def test_a_yaml_cassette_of_vcrpy(tmp_path: Path, port: int, decoded: bool) -> None:
    options = {"decode_compressed_response": decoded}
    cassette = imported(recorded(tmp_path / "calls.yaml", port, "yaml", **options))
    first, pull, picture = (entry for entry in cassette.entries if isinstance(entry, Exchange))
    assert first.request.target == "/api/v2/me?fields=*"
    assert first.response is not None
    assert first.response.body == PAGE
    assert first.response.headers.first("Content-Encoding") is None
    assert pull.request.body == b'{"operationName":"PullWorkitem","id":"A"}'
    assert picture.response is not None
    assert picture.response.body == PICTURE
    assert cassette.sessions == ("agent7",)
    assert cassette.header.origin == f"http://127.0.0.1:{port}"
    text = dump(cassette)
    assert "at_s" not in text
    assert "node0f7b2c9e41d8a4d6c" not in text
    assert "YWdlbnQ3" not in text


def test_a_json_cassette_of_vcrpy(tmp_path: Path, port: int) -> None:
    data = recorded(tmp_path / "calls.json", port, "json", decode_compressed_response=True)
    assert data.startswith(b"{")
    cassette = imported(data)
    assert [type(entry) for entry in cassette.entries] == [Exchange, Exchange]


def interactions(request: dict[str, Any], response: dict[str, Any]) -> bytes:
    asked = {"method": "GET", "uri": "http://gws.example/a", "headers": {}, "body": None, **request}
    answered = {"status": {"code": 200, "message": "OK"}, "headers": {}, **response}
    pair = {"request": asked, "response": answered}
    return yaml.dump({"version": 1, "interactions": [pair]}).encode()


def only(data: bytes) -> Exchange:
    (entry,) = imported(data).entries
    assert isinstance(entry, Exchange)
    return entry


def test_the_words_of_the_first_stub_for_httpx() -> None:
    data = interactions({}, {"status": None, "status_code": 204, "content": "hello"})
    assert only(data).response is not None
    assert only(data.replace(b"status: null", b"http_version: HTTP/1.1")).response is not None


def test_a_decoded_body_beside_its_coding_loses_the_header() -> None:
    data = interactions(
        {}, {"headers": {"Content-Encoding": ["gzip"]}, "body": {"string": "plain text"}}
    )
    response = only(data).response
    assert response is not None
    assert (response.headers, response.body) == ((), b"plain text")


def test_file_like_bodies_and_old_strings_are_read_and_no_object_is_made() -> None:
    data = interactions({"body": "TAG"}, {"body": {"string": "ok"}})
    buffer = b"!!python/object/new:_io.BytesIO\n      state: !!python/tuple [part, 0, null]"
    assert only(data.replace(b"TAG", buffer)).request.body == b"part"
    assert only(data.replace(b"TAG", b"!!python/unicode 'text'")).request.body == b"text"
    with pytest.raises(CassetteError, match="no safe reader") as caught:
        imported(data.replace(b"TAG", b"!!python/object/apply:os.getcwd []"))
    assert caught.value.reason == "tag"


def test_an_interaction_without_status_is_named() -> None:
    with pytest.raises(
        CassetteError, match=r"calls.yaml \(entry 1\): its `response` has no status"
    ):
        imported(interactions({}, {"status": {}}))


@pytest.mark.parametrize("headers", ["text", ["ab"], [["a", "b", "c"]], 17])
def test_headers_that_are_no_pairs_are_named(headers: Any) -> None:
    with pytest.raises(CassetteError, match="its `headers` are neither a mapping nor") as caught:
        imported(interactions({"headers": headers}, {}))
    assert (caught.value.entry, caught.value.reason) == (1, "bad-vcr")
