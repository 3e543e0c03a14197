"""CORS for browser clients: any origin may call, with credentials.

A page in a browser test comes from another origin than the server it tests. Browser libraries send
credentials (cometd.js sets `withCredentials`), so the answer must name the exact origin: `*` is not
allowed then, neither for the origin nor for the headers (Fetch standard, "CORS protocol and
credentials"). What was recorded names the origin of then, so it is replaced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .exchange import Headers, Request, Response
from .service import Abort, Action, Reset, Respond, Service, Spoil

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
MAX_AGE_S = 600
"""How long a browser may remember a preflight: two hours is Chromium's limit, five seconds its
default; ten minutes outlast a test."""

_ALWAYS_READABLE = frozenset(
    (
        *("cache-control", "content-language", "content-length", "content-type"),
        *("expires", "last-modified", "pragma"),
    )
)
"""Response headers that scripts may read anyway (Fetch standard, "CORS-safelisted")."""
_NEVER_READABLE = frozenset(("set-cookie", "set-cookie2"))


class CorsService:
    """A Service that answers preflights by itself and lets every origin read another's answers."""

    def __init__(self, inner: Service) -> None:
        self.inner = inner
        self._origins: dict[int, str] = {}
        """Origin of every exchange that has one and is not answered yet."""

    def request(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        """Answer a preflight, or hand the request on and remember whom its answer is for."""
        origin = request.headers.first("Origin")
        if origin is not None:
            if is_preflight(request):
                return [Respond(exchange, preflight_answer(request, origin))]
            self._origins[exchange] = origin
        return self._allowed(self.inner.request(exchange, connection, request, now_s))

    def upgrade(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        """WebSockets know no CORS: a browser lets every origin open them."""
        return self._allowed(self.inner.upgrade(exchange, connection, request, now_s))

    def text(self, socket: int, text: str, now_s: float) -> Sequence[Action]:
        """A frame of a WebSocket."""
        return self._allowed(self.inner.text(socket, text, now_s))

    def gone(self, exchange_or_socket: int, now_s: float) -> Sequence[Action]:
        """A client left."""
        self._origins.pop(exchange_or_socket, None)
        return self._allowed(self.inner.gone(exchange_or_socket, now_s))

    def tick(self, now_s: float) -> Sequence[Action]:
        """Time has passed."""
        return self._allowed(self.inner.tick(now_s))

    def deadline_s(self) -> float | None:
        """When `tick` is wanted next."""
        return self.inner.deadline_s()

    def _allowed(self, actions: Sequence[Action]) -> Sequence[Action]:
        if not self._origins:
            return actions
        return [self._allow(action) for action in actions]

    def _allow(self, action: Action) -> Action:
        if isinstance(action, Respond):
            origin = self._origins.pop(action.exchange, None)
            if origin is not None:
                return Respond(action.exchange, allow(action.response, origin))
        elif isinstance(action, Spoil) and isinstance(action.action, Respond):
            origin = self._origins.pop(action.action.exchange, None)
            if origin is not None:
                answer = Respond(action.action.exchange, allow(action.action.response, origin))
                return replace(action, action=answer)
        elif isinstance(action, Abort | Reset):
            self._origins.pop(action.exchange, None)
        return action


def is_preflight(request: Request) -> bool:
    """Whether a browser asks for leave to send another request (Fetch standard)."""
    return (
        request.method == "OPTIONS"
        and request.headers.first("Origin") is not None
        and request.headers.first("Access-Control-Request-Method") is not None
    )


def preflight_answer(request: Request, origin: str) -> Response:
    """Leave for whatever the preflight asks for."""
    method = request.headers.first("Access-Control-Request-Method") or ""
    methods = METHODS if method in METHODS else (*METHODS, method)
    wanted = request.headers.first("Access-Control-Request-Headers")
    pairs = [
        *_allowing(origin),
        ("Access-Control-Allow-Methods", ", ".join(methods)),
        ("Access-Control-Allow-Headers", wanted or "Content-Type"),
        ("Access-Control-Max-Age", str(MAX_AGE_S)),
        ("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"),
    ]
    if request.headers.first("Access-Control-Request-Private-Network") == "true":
        pairs.append(("Access-Control-Allow-Private-Network", "true"))
    return Response(status=200, headers=Headers(pairs))


def allow(response: Response, origin: str) -> Response:
    """The same answer, readable by scripts of `origin`, its custom headers included."""
    kept = [pair for pair in response.headers if not pair[0].lower().startswith("access-control-")]
    readable = dict.fromkeys(
        name
        for name, _ in kept
        if name.lower() not in _ALWAYS_READABLE and name.lower() not in _NEVER_READABLE
    )
    pairs = [*kept, *_allowing(origin)]
    if readable:
        pairs.append(("Access-Control-Expose-Headers", ", ".join(readable)))
    varies = ",".join(value for name, value in kept if name.lower() == "vary").lower()
    if not {"*", "origin"} & {word.strip() for word in varies.split(",")}:
        pairs.append(("Vary", "Origin"))
    return replace(response, headers=Headers(pairs))


def _allowing(origin: str) -> list[tuple[str, str]]:
    return [
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Credentials", "true"),
    ]
