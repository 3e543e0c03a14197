"""The simulated Workbins system as a Service: REST and CometD behind one login."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from random import Random

from cometape.core.cors import CorsService
from cometape.core.exchange import Headers, Request, Response
from cometape.core.json_value import JsonObject
from cometape.core.service import Action, Respond, Service
from cometape.simulator import control, reads, routing

from .accounts import CSRF_HEADER, Accounts, Entrance, HttpSession
from .audience import copies
from .config import WorkbinsConfig
from .contact_center import ContactCenter
from .dates import Calendar
from .desk import Desk, Reply
from .identifiers import Identifiers
from .media import WORKITEM
from .notices import Notice
from .notifications import Notifications
from .reference_ids import ReferenceIds
from .routes import API, carry_out
from .schedule import Schedule
from .statuses import HTTP_STATUSES, NOT_AUTHENTICATED, NOT_FOUND, Failure
from .switches import Switches

JSON_TYPE = "application/json;charset=UTF-8"
VERSION_PATH = f"{API}/diagnostics/version"
CSRF_REFUSAL = "Missing or invalid Csrf token"
"""Body of the 403 (CSRFProtection)."""
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class Workbins:
    """A contact centre with agents, supervisors and workbins, for clients to be recorded against.

    The same config, seed and requests at the same times give the same bytes. Raises
    ConfigurationError for a switch that cannot be what the config says.
    """

    def __init__(self, config: WorkbinsConfig | None = None, seed: int = 0) -> None:
        self._system = _System(config or WorkbinsConfig(), seed)
        self._service: Service = CorsService(self._system)

    @property
    def desk(self) -> Desk:
        """State and switches, for tests that look behind the API."""
        return self._system.desk

    def request(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        """A REST, CometD or control request."""
        return self._service.request(exchange, connection, request, now_s)

    def upgrade(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        """CometD over WebSocket, where the switch allows it."""
        return self._service.upgrade(exchange, connection, request, now_s)

    def text(self, socket: int, text: str, now_s: float) -> Sequence[Action]:
        """A frame of a WebSocket."""
        return self._service.text(socket, text, now_s)

    def gone(self, exchange_or_socket: int, now_s: float) -> Sequence[Action]:
        """A client left."""
        return self._service.gone(exchange_or_socket, now_s)

    def tick(self, now_s: float) -> Sequence[Action]:
        """Events are due, connects are to be answered, sessions expire."""
        return self._service.tick(now_s)

    def deadline_s(self) -> float | None:
        """When `tick` is wanted next."""
        return self._service.deadline_s()


class _System:
    """The service itself, without CORS."""

    def __init__(self, config: WorkbinsConfig, seed: int) -> None:
        self._config = config
        identifiers = Identifiers(Random(f"{seed} identifiers"))
        self.desk = Desk(
            config=config,
            center=ContactCenter.opened(config.data),
            switches=Switches(config.switches),
            identifiers=identifiers,
            calendar=Calendar(config.start),
            reference_ids=ReferenceIds(Random(f"{seed} reference ids"), config.first_reference_id),
        )
        self._accounts = Accounts(
            config.data.users,
            identifiers,
            load_balancer=config.load_balancer,
            idle_s=config.http_session_idle_s,
        )
        self._schedule = Schedule(
            Random(f"{seed} delays"),
            min_delay_ms=config.min_delay_ms,
            max_delay_ms=config.max_delay_ms,
        )
        self._notifications = Notifications(
            config,
            identifiers,
            websocket=self.desk.switches.on("websocket"),
            expired=self._bayeux_expired,
        )
        self._late: set[int] = set()
        """Exchanges whose answer waits because its events overtake it."""
        self._cookies: dict[int, tuple[str, ...]] = {}
        """`Set-Cookie` values for CometD exchanges that are not answered yet."""

    # -- the service

    def request(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        self.desk.calendar.moment(now_s)  # the first request is when the simulated time begins
        actions = [*self.tick(now_s)]
        if request.path.startswith(control.PREFIX):
            actions += self._control(exchange, request, now_s)
        elif self._notifications.endpoint.handles(request):
            actions += self._notify(exchange, connection, request, now_s)
        else:
            actions += self._answer(exchange, connection, request, now_s)
        return actions

    def upgrade(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        endpoint = self._notifications.endpoint
        if not endpoint.handles(request) or not self.desk.switches.on("websocket"):
            return [self._refuse(exchange, Failure(NOT_FOUND, request.path))]
        entrance = self._accounts.admit(request, connection, now_s)
        if entrance.session is None and self._by_http():
            return [self._refuse(exchange, Failure(NOT_AUTHENTICATED))]
        return endpoint.upgrade(exchange, request, now_s, context=entrance.session)

    def text(self, socket: int, text: str, now_s: float) -> Sequence[Action]:
        return [*self.tick(now_s), *self._notifications.endpoint.text(socket, text, now_s)]

    def gone(self, exchange_or_socket: int, now_s: float) -> Sequence[Action]:
        self._late.discard(exchange_or_socket)
        self._cookies.pop(exchange_or_socket, None)
        return self._dressed(self._notifications.endpoint.gone(exchange_or_socket, now_s))

    def tick(self, now_s: float) -> Sequence[Action]:
        actions: list[Action] = []
        for what in self._schedule.due(now_s):
            if isinstance(what, Notice):
                actions += self._send(what, now_s)
            elif what.exchange in self._late:
                self._late.remove(what.exchange)
                actions.append(what)
        for notice in routing.due_notices(self.desk, WORKITEM, now_s):
            actions += self._send(notice, now_s)
        actions += self._notifications.endpoint.tick(now_s)
        return self._dressed(actions)

    def deadline_s(self) -> float | None:
        deadlines = (
            self._schedule.deadline_s(),
            routing.deadline_s(self.desk, WORKITEM),
            self._notifications.endpoint.deadline_s(),
        )
        return min((time_s for time_s in deadlines if time_s is not None), default=None)

    # -- REST

    def _answer(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        if request.path == VERSION_PATH and request.method == "GET":
            return [Respond(exchange, self._response(reads.read_version(self.desk).body))]
        entrance = self._accounts.admit(request, connection, now_s)
        session = entrance.session
        if session is None:
            return [self._refuse(exchange, Failure(NOT_AUTHENTICATED), entrance=entrance)]
        if not self._csrf_allows(request, entrance):
            return [Respond(exchange, _csrf_refusal(entrance))]
        headers = self._headers(request, session, entrance)
        try:
            reply = carry_out(self.desk, request, session, now_s)
        except Failure as failure:
            return [self._refuse(exchange, failure, headers=headers)]
        respond = Respond(exchange, self._response(reply.body, headers))
        return self._follow(respond, reply, session, now_s)

    def _follow(
        self, respond: Respond, reply: Reply, session: HttpSession, now_s: float
    ) -> Sequence[Action]:
        """The answer, and its events after it, or before it where the switch says so."""
        order = self.desk.switches["event-order"]
        last_s = now_s
        if reply.notices:
            last_s = self._schedule.plan_events(reply.notices, session.user.id, now_s, order)
        actions: list[Action] = []
        if reply.notices and self.desk.switches.on("event-before-answer"):
            self._late.add(respond.exchange)
            self._schedule.plan(last_s + self._schedule.delay_s() / 2, respond)
        else:
            actions.append(respond)
        if reply.ends_session:
            actions += self._end(session, now_s)
        return [*actions, *self.tick(now_s)]

    def _end(self, session: HttpSession, now_s: float) -> Sequence[Action]:
        """EndContactCenterSession: the HTTP session is no more, and its CometD polls fail."""
        actions: list[Action] = []
        for ended in self._accounts.end(session):
            actions += self._notifications.expire(ended, now_s)
            self._forget(ended)
        return self._dressed(actions)

    def _forget(self, session: HttpSession) -> None:
        self.desk.center.forget_subscriber(session.id)
        if not self._accounts.sessions_of(session.user.id):
            self.desk.center.forget_subscriber(session.user.id)

    def _bayeux_expired(self, session: HttpSession) -> None:
        if self.desk.switches.on("close-http-session-on-expiration"):
            self._accounts.end(session)
            self._forget(session)

    # -- CometD

    def _notify(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        entrance = self._accounts.admit(request, connection, now_s)
        if entrance.session is None and self._by_http():
            return [self._refuse(exchange, Failure(NOT_AUTHENTICATED), entrance=entrance)]
        if self.desk.switches.on("csrf-on-notifications") and not self._csrf_allows(
            request, entrance
        ):
            return [Respond(exchange, _csrf_refusal(entrance))]
        if entrance.set_cookies:
            self._cookies[exchange] = entrance.set_cookies
        return self._dressed(
            self._notifications.endpoint.request(exchange, request, now_s, context=entrance.session)
        )

    def _by_http(self) -> bool:
        return self.desk.switches["unauthenticated-notifications"] == "http"

    def _send(self, notice: Notice, now_s: float) -> Sequence[Action]:
        recipients = copies(notice, self._accounts, self.desk.center, self.desk.switches)
        return self._notifications.send(notice.channel, recipients, now_s)

    def _dressed(self, actions: Iterable[Action]) -> list[Action]:
        """The actions, with the session cookies that CometD answers still owe."""
        return [
            self._with_cookies(action)
            if isinstance(action, Respond) and action.exchange in self._cookies
            else action
            for action in actions
        ]

    def _with_cookies(self, respond: Respond) -> Respond:
        cookies = [("Set-Cookie", value) for value in self._cookies.pop(respond.exchange)]
        response = respond.response
        return Respond(respond.exchange, replace(response, headers=response.headers.plus(*cookies)))

    # -- control

    def _control(self, exchange: int, request: Request, now_s: float) -> Sequence[Action]:
        try:
            wanted = control.control(self.desk, request, now_s)
        except Failure as failure:
            return [self._refuse(exchange, failure)]
        actions: list[Action] = [Respond(exchange, self._response(wanted.body))]
        for notice in wanted.notices:
            actions += self._send(notice, now_s)
        if wanted.expire_user is not None:
            for session in self._accounts.sessions_of(wanted.expire_user):
                actions += self._notifications.expire(session, now_s)
        return self._dressed(actions)

    # -- answers

    def _csrf_allows(self, request: Request, entrance: Entrance) -> bool:
        """Whether CSRF protection lets a request pass; a token counts only with its cookie."""
        if not self._config.csrf or request.method in SAFE_METHODS or entrance.session is None:
            return True
        token = request.headers.first(CSRF_HEADER)
        return entrance.by_cookie and token == entrance.session.csrf_token

    def _headers(self, request: Request, session: HttpSession, entrance: Entrance) -> Headers:
        headers = Headers(("Set-Cookie", value) for value in entrance.set_cookies)
        if self._config.csrf and request.method == "GET":
            headers = headers.plus(
                ("X-CSRF-HEADER", CSRF_HEADER), (CSRF_HEADER, session.csrf_token)
            )
        return headers

    def _refuse(
        self,
        exchange: int,
        failure: Failure,
        *,
        headers: Headers | None = None,
        entrance: Entrance | None = None,
    ) -> Respond:
        extra = list(failure.headers)
        if failure.code == NOT_AUTHENTICATED:
            # RFC 9110 §11.6.1: a 401 names the scheme
            extra.append(("WWW-Authenticate", 'Basic realm="Genesys Web Services"'))
        response = self._response(
            failure.body(), (headers or Headers()).plus(*extra), status=failure.http_status
        )
        return Respond(exchange, response)

    def _response(
        self, body: JsonObject, headers: Headers | None = None, *, status: int | None = None
    ) -> Response:
        code = body["statusCode"]
        assert isinstance(code, int)
        if status is None:
            status = self._config.http_statuses.get(code, HTTP_STATUSES[code])
        return Response(
            status=status,
            headers=Headers([("Content-Type", JSON_TYPE)]).plus(*(headers or ())),
            body=json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(),
        )


def _csrf_refusal(entrance: Entrance) -> Response:
    headers = Headers([("Content-Type", "text/plain;charset=UTF-8")])
    cookies = [("Set-Cookie", value) for value in entrance.set_cookies]
    return Response(status=403, headers=headers.plus(*cookies), body=CSRF_REFUSAL.encode())
