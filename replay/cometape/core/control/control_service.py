"""The control API as a Service: its endpoints, and what each of them does.

`docs/control.md` shows every endpoint, `openapi.json` says what is sent and answered. Calls end
with an answer at once, except those that wait (`wait_s`), and the creation and the end of a run,
which are answered when the shell listens for it, or does so no more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import unquote

from ..errors import CometapeError
from ..exchange import Headers, Request, Response
from ..faults.fault_reading import read_rules
from ..json_value import Json, JsonObject
from ..service import Action, Respond
from .access import Access
from .fields import Fields
from .problem import Problem, json_response
from .run_form import (
    MAX_PAGE,
    faults_json,
    journal_json,
    misses_json,
    moment_json,
    report_json,
    run_json,
    sessions_json,
)
from .runs import Runs
from .served_run import ServedRun
from .waiting import MAX_WAIT_S, Awaited, Waiting
from .wishes import CarryOut, Close, Disconnect, Open, Wish

DEFAULT_PAGE = 100
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an endpoint of a run."""

    exchange: int
    run: ServedRun
    session: str
    """From the path, where the endpoint is one of a session."""
    fault: str
    """From the path, where it is one of a fault: its number."""
    request: Request
    now_s: float


Endpoint = Callable[["ControlService", Call], Response | None]
"""What answers a call about a run; None: it is answered later."""
ServerEndpoint = Callable[["ControlService", int, Request, float], Response | None]
"""What answers any other call."""


class ControlService:
    """JSON in, JSON out, about the runs of one server."""

    def __init__(
        self, runs: Runs, access: Access, *, version: str, openapi: Callable[[], bytes]
    ) -> None:
        self.runs = runs
        self.access = access
        self._version = version
        self._openapi = openapi
        self._wishes: list[Wish] = []
        self._opening: dict[str, int | None] = {}
        """Exchanges that wait for their run's address."""
        self._closing: dict[ServedRun, int] = {}
        """Exchanges that wait for its end."""
        self._waiting = Waiting()

    # ---------------------------------------------------------------- the shell's side

    def take_wishes(self) -> list[Wish]:
        """What the shell has to do now; asked after every call."""
        wishes, self._wishes = self._wishes, []
        return wishes

    def opened(self, run: ServedRun, url: str, now_s: float) -> Sequence[Action]:
        """The shell listens for a run."""
        run.url = url
        exchange = self._opening.pop(run.name, None)
        if exchange is None:
            return []
        location = Headers([("Location", f"/runs/{run.name}")])
        return [Respond(exchange, json_response(run_json(run), 201, location))]

    def not_opened(self, run: ServedRun, error: CometapeError, now_s: float) -> Sequence[Action]:
        """The shell cannot listen for a run: there is none."""
        self.runs.remove(run)
        exchange = self._opening.pop(run.name, None)
        answer = [] if exchange is None else [Respond(exchange, Problem.of(error).response())]
        return answer + self._over(run)

    def closed(self, run: ServedRun, now_s: float) -> Sequence[Action]:
        """The shell listens for a run no more."""
        exchange = self._closing.pop(run, None)
        answer = [] if exchange is None else [Respond(exchange, json_response(report_json(run)))]
        return answer + self._over(run)

    def _over(self, run: ServedRun) -> list[Respond]:
        """A run is no more: answer who waited for something in it."""
        if not self.is_waited:
            return []
        response = self.runs.unknown(run.name).response()
        return [Respond(exchange, response) for exchange in self._waiting.give_up(run)]

    def look(self, now_s: float) -> Sequence[Action]:
        """Something may have changed in a run: answer who waited for it."""
        return self._waiting.look(now_s)

    @property
    def is_waited(self) -> bool:
        """Whether any call waits for a change."""
        return len(self._waiting) > 0

    # ---------------------------------------------------------------- the service

    def request(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        """A call."""
        try:
            response = self._answer(exchange, request, now_s)
        except Problem as problem:
            response = problem.response()
        except CometapeError as error:
            response = Problem.of(error).response()
        return [] if response is None else [Respond(exchange, response)]

    def upgrade(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        """There are no WebSockets here."""
        return [Respond(exchange, _no_endpoint(request.path).response())]

    def text(self, socket: int, text: str, now_s: float) -> Sequence[Action]:
        """Never called: no WebSocket is accepted."""
        return []

    def gone(self, exchange_or_socket: int, now_s: float) -> Sequence[Action]:
        """A caller waits no longer. A run it wanted is made all the same."""
        self._waiting.forget(exchange_or_socket)
        for name, exchange in self._opening.items():
            if exchange == exchange_or_socket:
                self._opening[name] = None
        for run, exchange in tuple(self._closing.items()):
            if exchange == exchange_or_socket:
                del self._closing[run]
        return []

    def tick(self, now_s: float) -> Sequence[Action]:
        """The time of a call that waits is up."""
        return self._waiting.look(now_s)

    def deadline_s(self) -> float | None:
        """When the time of the first call that waits is up."""
        return self._waiting.deadline_s()

    # ---------------------------------------------------------------- endpoints

    def _answer(self, exchange: int, request: Request, now_s: float) -> Response | None:
        path = request.path
        self.access.check(request, is_open=path in _OPEN)
        steps = tuple(unquote(step) for step in path.split("/")[1:])
        if steps[0] == "runs" and len(steps) > 1:
            run = self.runs.get(steps[1])
            session = fault = ""
            below = steps[2:]
            if len(below) == 3 and below[0] == "sessions":
                session, below = below[1], ("sessions", "{session}", below[2])
            elif len(below) == 2 and below[0] == "faults":
                fault, below = below[1], ("faults", "{fault}")
            methods = _RUN_ENDPOINTS.get(below)
            if methods is None:
                raise _no_endpoint(path)
            endpoint = _of_method(methods, request)
            if endpoint not in _WITH_QUERY:
                Fields.of_query(request).end()
            return endpoint(self, Call(exchange, run, session, fault, request, now_s))
        server_methods = _SERVER_ENDPOINTS.get(steps)
        if server_methods is None:
            raise _no_endpoint(path)
        server_endpoint = _of_method(server_methods, request)
        Fields.of_query(request).end()
        return server_endpoint(self, exchange, request, now_s)

    def _health(self, exchange: int, request: Request, now_s: float) -> Response:
        return json_response({"status": "up", "version": self._version, "runs": len(self.runs)})

    def _ready(self, exchange: int, request: Request, now_s: float) -> Response:
        ready = all(run.url for run in self.runs)
        return json_response({"ready": ready}, 200 if ready else 503)

    def _openapi_file(self, exchange: int, request: Request, now_s: float) -> Response:
        headers = Headers([("Content-Type", "application/json")])
        return Response(status=200, headers=headers, body=self._openapi())

    def _cassettes(self, exchange: int, request: Request, now_s: float) -> Response:
        return json_response({"cassettes": [one.json() for one in self.runs.shelf]})

    def _list(self, exchange: int, request: Request, now_s: float) -> Response:
        return json_response({"runs": [run_json(run) for run in self.runs]})

    def _create(self, exchange: int, request: Request, now_s: float) -> None:
        fields = Fields.of_body(request)
        port = fields.whole("port", 0, 65535) or 0
        run = self.runs.create(fields, now_s)
        self._opening[run.name] = exchange
        self._wishes.append(Open(run, port))

    def _show(self, call: Call) -> Response:
        return json_response(run_json(call.run))

    def _delete(self, call: Call) -> None:
        if call.run.name in self._opening:
            raise Problem("run-exists", f"run {call.run.name!r} is only being made")
        self.runs.delete(call.run)
        self._closing[call.run] = call.exchange
        self._wishes.append(Close(call.run))

    def _reset(self, call: Call) -> Response:
        Fields.of_body(call.request).end()
        self.runs.reset(call.run, call.now_s)
        self._wishes.append(Disconnect(call.run))
        return json_response(run_json(call.run))

    def _report(self, call: Call) -> Response:
        return json_response(report_json(call.run))

    def _verify(self, call: Call) -> Response | None:
        query = Fields.of_query(call.request)
        run = call.run

        def answer() -> Response:
            report = run.report()
            if report.ok or not run.settings.strict:
                return json_response(report_json(run))
            problem = Problem("not-passed", report.verdict, hint=report.text())
            return problem.response(report=report_json(run))

        return self._when(call, query, run.is_ok, answer)

    def _journal(self, call: Call) -> Response:
        return json_response(journal_json(call.run, *_page(call.request)))

    def _misses(self, call: Call) -> Response:
        return json_response(misses_json(call.run, *_page(call.request)))

    def _clock(self, call: Call) -> Response:
        return json_response(moment_json(call.run.moment(call.now_s)))

    def _advance(self, call: Call) -> Response:
        fields = Fields.of_body(call.request)
        to = fields.text("to")
        if to is None:
            seconds = fields.number("seconds", -1e12, 1e12)
            fields.end()
            if seconds is None:
                raise fields.wrong("seconds", "given, or 'to': 'next' or 'event'")
            actions = call.run.advance(seconds)
        else:
            fields.end()
            if to not in ("next", "event"):
                raise fields.wrong("to", "'next' or 'event'")
            actions = call.run.advance_to_next(None if to == "next" else to)
        self._wishes.append(CarryOut(call.run, actions))
        return self._clock(call)

    def _inject(self, call: Call) -> Response:
        fields = Fields.of_body(call.request)
        channel = fields.required("channel", fields.text("channel"))
        data = fields.any("data")
        to = fields.text("session")
        fields.end()
        injected = call.run.inject(channel, data, to, call.now_s)
        self._wishes.append(CarryOut(call.run, injected.actions))
        return json_response({"given_to": [one.json() for one in injected.sessions]})

    def _sessions(self, call: Call) -> Response:
        query = Fields.of_query(call.request)
        name = query.text("session")
        query.end()
        return json_response(sessions_json(call.run, name))

    def _held(self, call: Call) -> Response | None:
        query = Fields.of_query(call.request)
        name, run = query.text("session"), call.run
        return self._when(
            call, query, lambda: run.is_held(name), lambda: json_response(sessions_json(run, name))
        )

    def _expire(self, call: Call) -> Response:
        return self._end(call, call.run.expire)

    def _disconnect(self, call: Call) -> Response:
        return self._end(call, call.run.disconnect)

    def _drop(self, call: Call) -> Response:
        return self._end(call, call.run.drop)

    def _end(self, call: Call, change: Callable[[str, float], Sequence[Action]]) -> Response:
        Fields.of_body(call.request).end()
        met: JsonObject = {"sessions": [one.json() for one in call.run.sessions(call.session)]}
        self._wishes.append(CarryOut(call.run, change(call.session, call.now_s)))
        return json_response(met)

    def _faults(self, call: Call) -> Response:
        return json_response(faults_json(call.run))

    def _add_faults(self, call: Call) -> Response:
        fields = Fields.of_body(call.request)
        written = fields.any("faults")
        fields.end()
        faults = call.run.replay.faults
        # All of them are read before the first is in force.
        rules = read_rules(written, faults.kinds, option="faults")
        numbers: list[Json] = [faults.add(rule) for rule in rules]
        return json_response({**faults_json(call.run), "added": numbers})

    def _clear_faults(self, call: Call) -> Response:
        call.run.replay.faults.clear()
        return json_response(faults_json(call.run))

    def _remove_fault(self, call: Call) -> Response:
        number = int(call.fault) if call.fault.isdecimal() and len(call.fault) < 10 else 0
        if not call.run.replay.faults.remove(number):
            there = ", ".join(map(str, call.run.replay.faults.rules))
            raise Problem(
                "no-fault",
                f"no fault {call.fault!r} is in force",
                hint=f"There are: {there or '-'}.",
            )
        return json_response(faults_json(call.run))

    def _drop_all(self, call: Call) -> Response:
        Fields.of_body(call.request).end()
        self._wishes.append(Disconnect(call.run))
        return json_response({"sessions": [one.json() for one in call.run.sessions()]})

    def _when(
        self,
        call: Call,
        query: Fields,
        is_so: Callable[[], bool],
        answer: Callable[[], Response],
    ) -> Response | None:
        """Answer when it is so; when it is not, as long as the call's `wait_s` asks for, later."""
        wait_s = query.number("wait_s", 0, MAX_WAIT_S) or 0.0
        query.end()
        if not wait_s or is_so():
            return answer()
        self._waiting.add(Awaited(call.exchange, call.run, call.now_s + wait_s, is_so, answer))
        return None


_OPEN = frozenset(("/health", "/ready", "/openapi.json"))
"""Endpoints that ask for no token: they tell nothing of a run."""

_SERVER_ENDPOINTS: dict[tuple[str, ...], dict[str, ServerEndpoint]] = {
    ("health",): {"GET": ControlService._health},
    ("ready",): {"GET": ControlService._ready},
    ("openapi.json",): {"GET": ControlService._openapi_file},
    ("cassettes",): {"GET": ControlService._cassettes},
    ("runs",): {"GET": ControlService._list, "POST": ControlService._create},
}
_RUN_ENDPOINTS: dict[tuple[str, ...], dict[str, Endpoint]] = {
    (): {"GET": ControlService._show, "DELETE": ControlService._delete},
    ("reset",): {"POST": ControlService._reset},
    ("report",): {"GET": ControlService._report},
    ("verify",): {"GET": ControlService._verify},
    ("journal",): {"GET": ControlService._journal},
    ("misses",): {"GET": ControlService._misses},
    ("clock",): {"GET": ControlService._clock},
    ("clock", "advance"): {"POST": ControlService._advance},
    ("events",): {"POST": ControlService._inject},
    ("faults",): {
        "GET": ControlService._faults,
        "POST": ControlService._add_faults,
        "DELETE": ControlService._clear_faults,
    },
    ("faults", "{fault}"): {"DELETE": ControlService._remove_fault},
    ("held",): {"GET": ControlService._held},
    ("drop",): {"POST": ControlService._drop_all},
    ("sessions",): {"GET": ControlService._sessions},
    ("sessions", "{session}", "expire"): {"POST": ControlService._expire},
    ("sessions", "{session}", "disconnect"): {"POST": ControlService._disconnect},
    ("sessions", "{session}", "drop"): {"POST": ControlService._drop},
}
_WITH_QUERY = frozenset(
    (
        ControlService._verify,
        ControlService._journal,
        ControlService._misses,
        ControlService._held,
        ControlService._sessions,
    )
)
"""Those that read parameters of the query; the others take none."""

ENDPOINTS = [
    ("/" + "/".join(steps), method)
    for steps, methods in _SERVER_ENDPOINTS.items()
    for method in methods
]
ENDPOINTS += [
    ("/".join(("/runs/{run}", *steps)), method)
    for steps, methods in _RUN_ENDPOINTS.items()
    for method in methods
]
"""Path and method of every endpoint."""


def _of_method(methods: dict[str, T], request: Request) -> T:
    endpoint = methods.get(request.method)
    if endpoint is None:
        allowed = ", ".join(methods)
        raise Problem(
            "method",
            f"{request.path} takes no {request.method}",
            hint=f"Use {allowed}.",
            headers=Headers([("Allow", allowed)]),
        )
    return endpoint


def _no_endpoint(path: str) -> Problem:
    return Problem("no-endpoint", f"there is no endpoint {path}", hint="/openapi.json lists all")


def _page(request: Request) -> tuple[int, int]:
    query = Fields.of_query(request)
    since = query.whole("since", 0, 2**53) or 0
    limit = query.whole("limit", 1, MAX_PAGE)
    query.end()
    return since, DEFAULT_PAGE if limit is None else limit
