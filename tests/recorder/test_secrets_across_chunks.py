"""No border between chunks hides a secret: bodies are judged whole, but written chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from odd_origin import Caller, odd_origin
from recorder_thread import RecorderThread

Record = Callable[..., RecorderThread]

SECRET = b"hJ8sKq02LmZx71Qp55Ty"
BODY = b'{"statusCode":0,"accessToken":"%s","note":"as %s said"}' % (SECRET, SECRET)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("size", [1, 7, 40])
def test_a_secret_that_is_cut_by_chunks_is_nowhere_in_the_file(record: Record, size: int) -> None:
    def behave(caller: Caller) -> None:
        asked = caller.request()
        while not asked.endswith(b"0\r\n\r\n"):
            asked += caller.socket.recv(65536)
        caller.send(HEAD)
        for at in range(0, len(BODY), size):
            piece = BODY[at : at + size]
            caller.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        caller.send(b"0\r\n\r\n")

    with odd_origin(behave) as url, record(url) as recorder:
        client = HTTPConnection(urlsplit(recorder.url).netloc, timeout=20)
        pieces = (BODY[at : at + size] for at in range(0, len(BODY), size))
        client.request("POST", "/login", pieces, {"Content-Type": "application/json"})
        assert client.getresponse().read() == BODY
        client.close()
        (entry,) = recorder.exchanges
    file = recorder.out.read_bytes()
    assert entry.response is not None
    assert entry.request.body == entry.response.body
    assert entry.response.body.count(b"<token:1>") == 2
    for at in range(len(SECRET) - 5):
        assert SECRET[at : at + 6] not in file
