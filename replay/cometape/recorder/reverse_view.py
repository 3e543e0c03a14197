"""A reverse proxy that nobody notices: two addons, one before the recorder and one after it.

`UpstreamSide` undoes in requests what `ClientSide` does in answers, so the recorder between them
sees and records what the system was asked and what it said. Bodies that name no origin of the
system pass untouched and as they come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass, field

from mitmproxy import ctx, http
from mitmproxy.net.http import http1
from mitmproxy.net.http.url import hostport
from mitmproxy.proxy.mode_specs import ReverseMode

from cometape.core.profile.profile import Profile

from ..core.exchange import Headers
from ..core.record.uri_origins import UnfinishedBody, UriOrigins
from .addon import HELD, Recorder
from .client_view import (
    CLIENT_NAMES,
    UPSTREAM_NAMES,
    headers_for_client,
    headers_for_upstream,
)
from .content_coding import TooLongError, codings_of, decode, encode
from .flow_capture import headers_of, origin_of

MAX_HELD_BYTES = 4 * 1024 * 1024
"""Longer JSON passes as it is: looking through this much takes 0.3 s."""

_AUTHORITY = "cometape_client_authority"
"""Key in a flow's metadata: the `Host` by which the client addressed the recorder."""
_DIGESTS = ("content-md5", "digest", "content-digest", "repr-digest")
"""Headers that state the very bytes of a body."""
_STATING_BYTES = frozenset(("content-length", *_DIGESTS))
_NO_BODY = (101, 204, 206, 304)
"""Statuses without a body, or with a part of one."""


@dataclass(slots=True, eq=False)
class SystemOrigins:
    """By which addresses the system that is recorded calls itself, as far as is known."""

    public: dict[str, None] = field(default_factory=dict)
    """Those that it put into its URIs, the latest last; in lower case."""
    _uris: UriOrigins = field(default_factory=lambda: UriOrigins(()))
    _profile: Profile | None = None

    def uris(self, profile: Profile | None) -> UriOrigins:
        """Where the profile says that URIs stand."""
        if profile is not None and profile is not self._profile:
            self._profile, self._uris = profile, UriOrigins(profile.uri_fields)
        return self._uris

    def learn(self, origin: str) -> None:
        """The system has used this origin for itself."""
        self.public.pop(origin.lower(), None)
        self.public[origin.lower()] = None

    def latest(self) -> str | None:
        """The origin it used last."""
        return next(reversed(self.public), None)


class UpstreamSide:
    """Before the recorder: the request as it would be without a proxy."""

    name = "cometape-upstream-side"

    def __init__(self, recorder: Recorder, origins: SystemOrigins) -> None:
        self._recorder = recorder
        self._origins = origins

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """`Host`, `Origin` and `Referer` name the system."""
        if not _is_reverse(flow):
            return
        request = flow.request
        # In mitmdump `Host` is changed before anybody is asked.
        if ctx.options.keep_host_header and request.host_header:
            flow.metadata[_AUTHORITY] = request.host_header
        request.host_header = hostport(request.scheme, request.host, request.port)
        if _has_one_of(UPSTREAM_NAMES, request):
            upstream, client = origin_of(request), _client_origin(flow)
            _change_head(
                request,
                lambda headers: headers_for_upstream(headers, upstream=upstream, client=client),
            )

    def request(self, flow: http.HTTPFlow) -> None:
        """URIs that the client was given lead to the system again."""
        body = flow.request.raw_content
        if body and flow.request.is_http2 and "Content-Length" not in flow.request.headers:
            # mitmproxy 11 would send it unframed to an upstream that speaks HTTP/1.1.
            flow.request.headers["Content-Length"] = str(len(body))
        if not _is_reverse(flow) or not body or not _is_json(flow.request.headers):
            return
        changed = _recoded(headers_of(flow.request.headers), body, self._back(flow))
        if changed is not None:
            _set_body(flow.request, changed)

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """An answer whose length may change, and whose head states it, is to be held whole."""
        answer = flow.response
        if answer is None or not _is_reverse(flow) or not _may_change(flow, self._uris):
            return
        if _has_one_of(_STATING_BYTES, answer) and (_declared(flow) or 0) <= MAX_HELD_BYTES:
            flow.metadata[HELD] = True

    def websocket_message(self, flow: http.HTTPFlow) -> None:
        """The same for what a client sends over a WebSocket."""
        message = flow.websocket.messages[-1] if flow.websocket is not None else None
        if message is not None and message.is_text and message.from_client and _is_reverse(flow):
            changed = self._back(flow)(message.content)
            if changed != message.content:
                message.content = changed

    @property
    def _uris(self) -> UriOrigins:
        return self._origins.uris(_profile(self._recorder))

    def _back(self, flow: http.HTTPFlow) -> Callable[[bytes], bytes]:
        client = _client_origin(flow).lower()
        own = self._origins.latest() or origin_of(flow.request)
        uris = self._uris
        return lambda body: uris.changed(
            body, lambda origin: own if origin.lower() == client else None
        )


class ClientSide:
    """After the recorder: the answer as the client must see it to stay on the recorder."""

    name = "cometape-client-side"

    def __init__(self, recorder: Recorder, origins: SystemOrigins) -> None:
        self._recorder = recorder
        self._origins = origins

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """The head has come: change it, and look through the body as it passes."""
        answer = flow.response
        if answer is None:
            return
        is_held = flow.metadata.get(HELD, False)
        if not answer.stream and answer.raw_content is None and not is_held:
            # Nobody records it; it must not be held up either.
            answer.stream = answer.status_code != 101
        if not _is_reverse(flow):
            return
        self._show_head(flow)
        if not is_held and answer.stream and _may_change(flow, self._uris):
            answer.stream = self._looker(flow, answer.stream)

    def response(self, flow: http.HTTPFlow) -> None:
        """A body that was held is there."""
        answer = flow.response
        if answer is None or not answer.raw_content or not flow.metadata.get(HELD, False):
            return
        changed = _recoded(headers_of(answer.headers), answer.raw_content, self._for_client(flow))
        if changed is not None:
            _set_body(answer, changed)

    def websocket_message(self, flow: http.HTTPFlow) -> None:
        """A message of the server is recorded, and goes on to the client."""
        message = flow.websocket.messages[-1] if flow.websocket is not None else None
        if message is None or message.from_client or not message.is_text or message.dropped:
            return
        if _is_reverse(flow):
            changed = self._for_client(flow)(message.content)
            if changed != message.content:
                message.content = changed

    @property
    def _uris(self) -> UriOrigins:
        return self._origins.uris(_profile(self._recorder))

    def _show_head(self, flow: http.HTTPFlow) -> None:
        assert flow.response is not None
        if not _has_one_of(CLIENT_NAMES, flow.response):
            return
        own = {origin_of(flow.request).lower(), *self._origins.public}
        client, secure = _client_origin(flow), flow.client_conn.tls
        created = flow.response.status_code == 201
        _change_head(
            flow.response,
            lambda headers: headers_for_client(
                headers, own=own, client=client, secure_client=secure, created=created
            ),
        )

    def _for_client(self, flow: http.HTTPFlow) -> Callable[[bytes], bytes]:
        client = _client_origin(flow)
        uris = self._uris

        def moved(origin: str) -> str | None:
            if origin.lower() == client.lower():
                return None
            self._origins.learn(origin)
            return client

        return lambda body: uris.changed(body, moved)

    def _looker(
        self, flow: http.HTTPFlow, recorded: Callable[[bytes], Iterable[bytes] | bytes] | bool
    ) -> Callable[[bytes], Iterable[bytes]]:
        """What mitmproxy hands each chunk of a streamed answer to, and `b""` at its end."""
        assert flow.response is not None
        headers = headers_of(flow.response.headers)
        for_client = self._for_client(flow)
        body = UnfinishedBody(
            lambda held: _recoded(headers, held, for_client) or held,
            limit=MAX_HELD_BYTES,
            with_codings=bool(codings_of(headers)),
        )

        def look(chunk: bytes) -> Iterable[bytes]:
            passed = recorded(chunk) if callable(recorded) else chunk
            if flow.error is not None:  # the recorder has ended it: the rest must not go out
                return ()
            data = passed if isinstance(passed, bytes) else b"".join(passed)
            out = body.feed(data) if chunk else data + body.end()
            return (out,) if out else ()  # an empty chunk would end a chunked answer

        return look


def reverse_view(recorder: Recorder, public: Iterable[str] = ()) -> list[object]:
    """The recorder between the two addons that it needs as a reverse proxy.

    `public` are origins by which the system is known to call itself.
    """
    origins = SystemOrigins()
    for origin in public:
        origins.learn(origin)
    return [UpstreamSide(recorder, origins), recorder, ClientSide(recorder, origins)]


def _profile(recorder: Recorder) -> Profile | None:
    return recorder.recording.observer.profile if recorder.recording is not None else None


def _is_reverse(flow: http.HTTPFlow) -> bool:
    return isinstance(flow.client_conn.proxy_mode, ReverseMode)


def _client_origin(flow: http.HTTPFlow) -> str:
    """The recorder's origin as this client addresses it."""
    host, port = flow.client_conn.sockname[:2]
    scheme = "https" if flow.client_conn.tls else "http"
    return f"{scheme}://{flow.metadata.get(_AUTHORITY) or hostport(scheme, host, port)}"


def _is_json(headers: http.Headers) -> bool:
    kind = str(headers.get("Content-Type", "")).partition(";")[0].strip().lower()
    return kind in ("application/json", "text/json") or kind.endswith("+json")


def _is_jsonp(flow: http.HTTPFlow) -> bool:
    """Callback-polling answers with a script (Bayeux specification §6.2)."""
    kind = str(flow.response.headers.get("Content-Type", "") if flow.response else "")
    return "javascript" in kind.lower() and "jsonp" in flow.request.query


def _may_change(flow: http.HTTPFlow, uris: UriOrigins) -> bool:
    """Whether the answer's body can hold a URI that the profile speaks of."""
    answer = flow.response
    if answer is None or not uris.paths or flow.request.method == "HEAD":
        return False
    if answer.status_code in _NO_BODY or answer.status_code < 200:
        return False
    return _is_json(answer.headers) or _is_jsonp(flow)


def _declared(flow: http.HTTPFlow) -> int | None:
    try:
        return http1.expected_http_body_size(flow.request, flow.response)
    except ValueError:
        return None


def _recoded(headers: Headers, body: bytes, change: Callable[[bytes], bytes]) -> bytes | None:
    """The body changed inside its content codings; None where nothing changes."""
    try:
        decoded, plain = decode(headers, body, MAX_HELD_BYTES)
    except TooLongError:
        return None
    changed = change(plain)
    if changed == plain:
        return None
    return changed if decoded is headers else encode(headers, changed)


def _set_body(message: http.Message, body: bytes) -> None:
    """Another body: `Content-Length` follows, and what states the old bytes goes."""
    message.raw_content = body
    fields = []
    for name, value in message.headers.fields:
        low = name.decode("latin-1").lower()
        if low not in _DIGESTS:
            is_length = low == "content-length"
            fields.append((name, str(len(body)).encode() if is_length else value))
    message.headers.fields = tuple(fields)


def _has_one_of(names: Set[str], message: http.Message) -> bool:
    """Whether one of these headers, in lower case, is there: without mitmproxy's look-ups."""
    return any(name.decode("latin-1").lower() in names for name, _ in message.headers.fields)


def _change_head(message: http.Message, change: Callable[[Headers], Headers]) -> None:
    # Latin-1 gives every byte back, also those of headers that are not touched.
    before = Headers((n.decode("latin-1"), v.decode("latin-1")) for n, v in message.headers.fields)
    after = change(before)
    if after != before:
        message.headers.fields = tuple((n.encode("latin-1"), v.encode("latin-1")) for n, v in after)
