"""A secret planted anywhere in a recording, in any encoding: it is nowhere in the finished file.

Judged by other means than those that scrub: every text of the file is read in all the ways in which
it can be read (percent-encoding, JSON, base64, layer by layer), and the secret looked for.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import string
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal
from urllib.parse import quote, unquote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cometape.core.cassette import Exchange
from cometape.core.exchange import Headers, Request, Response
from cometape.core.json_value import Json, JsonObject
from cometape.core.record.capture import CapturedExchange, CapturedRequest, SocketText
from cometape.live_replay import LiveReplay
from cometape.recorder.recording import Recording, RecordingSettings
from cometape.store import cassette_file
from raw_client import connected

ORIGIN = "https://gws.example"
BAYEUX = "/api/v2/notifications"
Way = Literal["long-polling", "callback-polling", "websocket"]
WAYS: tuple[Way, ...] = ("long-polling", "callback-polling", "websocket")
JSON = ("Content-Type", "application/json")
FORM = ("Content-Type", "application/x-www-form-urlencoded")
CASES: dict[str, Callable[[list[str]], str]] = {
    "camel": lambda words: words[0] + "".join(word.title() for word in words[1:]),
    "Pascal": lambda words: "".join(word.title() for word in words),
    "snake": "_".join,
    "SCREAMING": lambda words: "_".join(words).upper(),
    "kebab": "-".join,
    "Train": lambda words: "-".join(word.title() for word in words),
    "dotted": ".".join,
    "flat": "".join,
}
names = st.builds(
    lambda case, words: CASES[case](words),
    st.sampled_from([*CASES]),
    st.sampled_from([["access", "token"], ["user", "password"], ["client", "secret"],
                     ["x", "api", "key"], ["refresh", "token"]]),
)  # fmt: skip
tokens = st.text(string.ascii_letters + string.digits + "-._~", min_size=4, max_size=30).map(
    lambda text: f"Zq{text}qZ"
)
"""What may stand in a header as it is."""
anything = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20).map(
    lambda text: f"Zq{text}qZ"
)


class Desk:
    """One client of a recording, whose Bayeux goes its way."""

    def __init__(self, out: Path, way: Way) -> None:
        self.recording = Recording(RecordingSettings(out=out, origin=ORIGIN))
        self.way = way
        self.client_id = "ZqClientIdOfAgent7qZ"
        self._keys = 0
        self._socket = ""

    def ask(
        self,
        target: str,
        *,
        method: str = "POST",
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        answer: bytes = b"",
        answer_headers: Sequence[tuple[str, str]] = (),
        connection: str = "c",
    ) -> None:
        """A plain exchange, from its beginning until it is on disk."""
        request = Request(method=method, target=target, headers=Headers(headers), body=body)
        response = Response(status=200, headers=Headers(answer_headers), body=answer)
        asked = replace(self._asked(request), connection=connection)
        self.recording.observer.began(asked)
        self._keep(asked, response)

    def bayeux(self, asked: JsonObject, *replies: JsonObject) -> None:
        """One message of the client's, and what comes for it."""
        texts = json.dumps([asked]), json.dumps(list(replies))
        if self.way == "websocket":
            self._open_socket()
            senders: tuple[Literal["client", "server"], ...] = ("client", "server")
            for sender, text in zip(senders, texts, strict=True):
                told = SocketText(sender=sender, text=text, at_s=time.monotonic())
                self.recording.write(self.recording.observer.socket_text(self._socket, told))
                self.recording.catch_up()
        elif self.way == "callback-polling":
            query = urlencode({"jsonp": "cb", "message": texts[0]})
            self.ask(f"{BAYEUX}?{query}", method="GET", answer=f"/**/cb({texts[1]});".encode())
        else:
            sent, answered = (text.encode() for text in texts)
            self.ask(BAYEUX, headers=[JSON], body=sent, answer=answered, answer_headers=[JSON])

    def open(self, **fields: Json) -> None:
        """A session, with these fields in its handshake."""
        shake: JsonObject = {"channel": "/meta/handshake", "version": "1.0", "id": "1"}
        offered: JsonObject = {"supportedConnectionTypes": list(WAYS)}
        self.bayeux(
            {**shake, **offered, **fields},
            {**shake, **offered, "successful": True, "clientId": self.client_id},
        )
        self.poll()
        self.says("/meta/subscribe", subscription="/v2/me/*")

    def says(self, channel: str, **fields: Json) -> None:
        """A message in the session and its reply, which says the same."""
        message: JsonObject = {"channel": channel, "id": "7", "clientId": self.client_id, **fields}
        self.bayeux(message, {**message, "successful": True})

    def poll(self, *events: JsonObject, **reply: Json) -> None:
        """A connect that is answered with these events."""
        connect: JsonObject = {"channel": "/meta/connect", "id": "8", "clientId": self.client_id}
        asked: JsonObject = {**connect, "connectionType": self.way}
        self.bayeux(asked, *events, {**connect, "successful": True, **reply})

    def pushed(self, data: Json, **fields: Json) -> None:
        """An event."""
        self.poll({"channel": "/v2/me/workitems", "data": data, **fields})

    def _open_socket(self) -> None:
        if not self._socket:
            request = Request(
                method="GET", target=BAYEUX, headers=Headers([("Upgrade", "websocket")])
            )
            asked = self._asked(request)
            self._socket = asked.key
            self.recording.observer.began(asked)
            opened = CapturedExchange(
                asked=asked, response=Response(status=101), ended_s=asked.at_s
            )
            self.recording.observer.socket_opened(opened)

    def _asked(self, request: Request) -> CapturedRequest:
        self._keys += 1
        return CapturedRequest(
            key=f"k{self._keys}",
            connection="c",
            origin=ORIGIN,
            request=request,
            at_s=time.monotonic(),
        )

    def _keep(self, asked: CapturedRequest, response: Response) -> None:
        captured = CapturedExchange(asked=asked, response=response, ended_s=time.monotonic())
        self.recording.write(self.recording.observer.exchange(captured))
        self.recording.catch_up()

    def end(self) -> None:
        """The recording is over."""
        self.recording.write(self.recording.observer.finish(time.monotonic()))
        self.recording.close()


Plant = Callable[[Desk, str, str], None]
"""Plants a secret under a name."""


def deep(name: str, secret: str) -> Json:
    return {"n": 1, "list": [[{"a": {name: secret}}], None]}


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def jwt_of(secret: str) -> str:
    parts = [{"alg": "HS256", "typ": "JWT"}, {"sub": "agent7", "jti": secret}]
    head, claims = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    )
    return f"{head}.{claims}.{base64.urlsafe_b64encode(secret.encode() * 2).decode().rstrip('=')}"


def multipart(name: str, secret: str) -> bytes:
    part = f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{secret}\r\n--b--\r\n'
    return part.encode()


IN_TOKENS: dict[str, Plant] = {
    "header": lambda desk, name, secret: desk.ask("/a", headers=[(name, secret)]),
    "header of the answer": lambda desk, name, secret: desk.ask(
        "/a", answer_headers=[(name, secret)]
    ),
    "bearer": lambda desk, _, secret: desk.ask(
        "/a", headers=[("authorization", f"bearer {secret}")]
    ),
    "cookie": lambda desk, name, secret: desk.ask("/a", headers=[("Cookie", f"{name}={secret}")]),
    "cookie of the answer": lambda desk, name, secret: desk.ask(
        "/a", answer_headers=[("Set-Cookie", f"{name}={secret}; Path=/; HttpOnly")]
    ),
    "path": lambda desk, _, secret: desk.ask(f"/a;jsessionid={secret}/b"),
    "fragment": lambda desk, name, secret: desk.ask(
        "/a", answer_headers=[("Location", f"https://h/x#state=1&{name}={secret}")]
    ),
    "user info": lambda desk, _, secret: desk.ask(
        "/a", answer_headers=[("Location", f"https://agent7:{secret}@h/x")]
    ),
    "URL in JSON": lambda desk, name, secret: desk.pushed(
        {"uri": f"https://h/x?y=1&{name}={secret}"}
    ),
    "JWT in prose": lambda desk, _, secret: desk.pushed(
        {"note": f"it is {jwt_of(secret)}, says he"}
    ),
    "JWT": lambda desk, _, secret: desk.ask("/a", answer=f'{{"j": "{jwt_of(secret)}"}}'.encode()),
}
IN_ANYTHING: dict[str, Plant] = {
    "basic": lambda desk, _, secret: desk.ask(
        "/a", headers=[("Authorization", f"Basic {base64_of('agent7:' + secret)}")]
    ),
    "query": lambda desk, name, secret: desk.ask(f"/a?y=1&{name}={quote(secret, safe='')}"),
    "query in a query": lambda desk, name, secret: desk.ask(
        f"/a?next={quote(f'https://h/?{name}={quote(secret, safe=str())}', safe='')}"
    ),
    "form": lambda desk, name, secret: desk.ask(
        "/a", headers=[FORM], body=urlencode({"user": "a", name: secret}).encode()
    ),
    "multipart": lambda desk, name, secret: desk.ask(
        "/a",
        headers=[("Content-Type", "multipart/form-data; boundary=b")],
        body=multipart(name, secret),
    ),
    "JSON": lambda desk, name, secret: desk.ask(
        "/a", headers=[JSON], body=json.dumps({name: secret}).encode()
    ),
    "JSON of the answer": lambda desk, name, secret: desk.ask(
        "/a", answer=json.dumps(deep(name, secret), indent=3, ensure_ascii=False).encode()
    ),
    "JSON in JSON in JSON": lambda desk, name, secret: desk.ask(
        "/a", answer=json.dumps({"s": json.dumps({"s": json.dumps(deep(name, secret))})}).encode()
    ),
    "JSON in base64": lambda desk, name, secret: desk.pushed(
        {"state": base64_of(json.dumps({name: secret}))}
    ),
    "handshake": lambda desk, name, secret: desk.open(**{name: secret}),
    "ext of a handshake": lambda desk, name, secret: desk.open(ext={"auth": {name: secret}}),
    "ext of a handshake, by no name": lambda desk, _, secret: desk.open(ext={"x": [secret]}),
    "ext of a request": lambda desk, name, secret: desk.says("/meta/subscribe", subscription="/x",
                                                             ext={name: secret}),
    "ext of a reply": lambda desk, name, secret: desk.poll(ext={"a": [{name: secret}]}),
    "ext of an event": lambda desk, name, secret: desk.pushed({"n": 1}, ext={name: secret}),
    "data of an event": lambda desk, name, secret: desk.pushed(deep(name, secret)),
    "data of a publish": lambda desk, name, secret: desk.says("/chat/1", data=deep(name, secret)),
    "JSON text in an event": lambda desk, name, secret: desk.pushed(
        {"body": json.dumps(deep(name, secret))}
    ),
}  # fmt: skip

planted = st.tuples(st.sampled_from([*IN_TOKENS]), names, tokens) | st.tuples(
    st.sampled_from([*IN_ANYTHING]), names, anything
)
_WORD = re.compile(r"[A-Za-z0-9+/_-]{8,}")


def readings(text: str, depth: int = 3) -> set[str]:
    """A text, and all it may mean: layers of percent-encoding, JSON and base64 taken off."""
    found, new = {text}, {text}
    for _ in range(depth):
        new = {one for known in new for one in _once(known)} - found
        found |= new
    return found


def _once(text: str) -> set[str]:
    found = {unquote(text), unquote(text.replace("+", " "))}
    found.add(re.sub(r"\\u([0-9a-fA-F]{4})", lambda code: chr(int(code[1], 16)), text))
    found.add(re.sub(r'\\(["\\/])', r"\1", text))
    for word in _WORD.findall(text):
        even = word[: len(word) - (len(word) % 4 == 1)].replace("-", "+").replace("_", "/")
        try:
            found.add(base64.b64decode(even + "=" * (-len(even) % 4)).decode())
        except (binascii.Error, UnicodeDecodeError):
            continue
    return {
        one.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for one in found
    }  # escaped surrogates to the characters they stand for


def texts_of(out: Path) -> list[str]:
    """What is in the folder of a recording: the files as they stand, each value as it is read."""
    found = [path.name for path in out.parent.iterdir()]
    found += [path.read_text() for path in out.parent.iterdir()]
    for entry in cassette_file.load(out).entries:
        if isinstance(entry, Exchange):
            sides: list[Request | Response] = [entry.request]
            if entry.response is not None:
                sides.append(entry.response)
            found += [side.body.decode("utf-8", "replace") for side in sides]
            found += [f"{name}: {value}" for side in sides for name, value in side.headers]
            found.append(entry.request.target)
        found.append(repr(entry))
    return found


def in_a_folder(check: Callable[[Path], None]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check(Path(folder, "cassette.yaml"))


def assert_nowhere(secrets: Sequence[str], out: Path) -> None:
    for text in texts_of(out):
        for reading in readings(text):
            for secret in secrets:
                assert secret not in reading


@pytest.mark.parametrize("way", WAYS)
@settings(deadline=None, max_examples=60)
@given(plants=st.lists(planted, min_size=1, max_size=4))
def test_it_is_nowhere_on_disk_in_any_encoding(
    way: Way, plants: list[tuple[str, str, str]]
) -> None:
    def check(out: Path) -> None:
        desk = Desk(out, way)
        desk.open()
        for place, name, secret in plants:
            (IN_TOKENS | IN_ANYTHING)[place](desk, name, secret)
        desk.end()
        assert_nowhere([desk.client_id, *(secret for _, _, secret in plants)], out)

    in_a_folder(check)


@pytest.mark.parametrize(
    "hide",
    [
        str,
        lambda secret: quote(quote(f"a={secret}")),
        lambda secret: json.dumps({"a": json.dumps([secret])}),
        lambda secret: f"Basic {base64_of('agent7:' + secret)}",
        lambda secret: f"state={base64_of(json.dumps([secret]))}&x",
        lambda secret: f"as {jwt_of(secret)} says",
    ],
)
@given(anything)
def test_what_is_hidden_so_is_found_here(hide: Callable[[str], str], secret: str) -> None:
    """What the law above rests on."""
    assert any(secret in reading for reading in readings(hide(secret)))


ALIKE = ["header", "header of the answer", "bearer", "cookie", "cookie of the answer", "fragment",
         "URL in JSON", "query", "query in a query", "form", "multipart", "JSON",
         "JSON of the answer", "JSON in JSON in JSON", "handshake", "ext of a handshake",
         "ext of a request", "ext of a reply", "ext of an event", "data of an event",
         "data of a publish", "JSON text in an event"]  # fmt: skip
"""Where a secret stands by itself, not as a part of credentials or of an encoded whole."""


@pytest.mark.parametrize("way", WAYS)
@settings(deadline=None, max_examples=40)
@given(
    # What the reply to a connect says in its `ext` is not kept at all.
    places=st.lists(st.sampled_from(ALIKE), min_size=2, max_size=4).filter(
        lambda places: set(places) != {"ext of a reply"}
    ),
    name=names,
    secret=tokens,
)
def test_equal_secrets_have_equal_placeholders_wherever_they_stand(
    way: Way, places: list[str], name: str, secret: str
) -> None:
    def check(out: Path) -> None:
        desk = Desk(out, way)
        desk.open()
        for place in places:
            (IN_TOKENS | IN_ANYTHING)[place](desk, name, secret)
        desk.end()
        placeholders = set(re.findall(r"<([a-z-]+:[0-9]+)>", unquote(out.read_text())))
        assert len(placeholders - {"client-id:1"}) == 1

    in_a_folder(check)


def test_a_replay_ties_each_login_to_its_session_by_other_secrets(tmp_path: Path) -> None:
    out = tmp_path / "two.yaml"
    desk = Desk(out, "long-polling")
    for user in ("agent7", "agent8"):
        cookie = f"JSESSIONID=Zq{user}cookieqZ"
        desk.ask(
            "/login",
            method="GET",
            headers=[("Authorization", f"Basic {base64_of(user + ':Zq-password-qZ')}")],
            answer_headers=[("Set-Cookie", f"{cookie}; Path=/")],
            connection=user,
        )
        desk.ask(
            "/mine",
            method="GET",
            headers=[("Cookie", cookie)],
            answer=user.encode(),
            connection=f"another of {user}",
        )
    desk.end()
    assert_nowhere(["Zqagent7cookieqZ", "Zqagent8cookieqZ", "Zq-password-qZ"], out)
    with LiveReplay.of(out) as replay:
        cookies: dict[str, str] = {}
        for user in ("agent8", "agent7"):
            with connected(replay.url) as client:
                basic = base64_of(f"{user}:another password")
                answer = client.get("/login", headers=f"Authorization: Basic {basic}\r\n")
                cookies[user] = (answer.header("Set-Cookie") or "").partition(";")[0]
        for user, cookie in cookies.items():
            with connected(replay.url) as client:
                assert client.get("/mine", headers=f"Cookie: {cookie}\r\n").body == user.encode()
        assert list(replay.misses) == []
