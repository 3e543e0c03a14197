"""A service of a few lines, for tests of the server shell: it echoes, holds, waits and fails."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from cometape.core.exchange import Headers, Request, Response
from cometape.core.service import Abort, Action, CloseSocket, Respond, SendText, Upgrade

JSON = Headers([("Content-Type", "application/json")])


def ok(text: str) -> Response:
    """A 200 answer with this text."""
    return Response(
        status=200, headers=Headers([("Content-Type", "text/plain")]), body=text.encode()
    )


@dataclass
class TinyService:
    """Answers by path; what it saw can be looked at (with `BackgroundServer.call`)."""

    requests: list[Request] = field(default_factory=list)
    connections: list[int] = field(default_factory=list)
    held: list[tuple[int, str]] = field(default_factory=list)
    due: list[tuple[float, int]] = field(default_factory=list)
    departed: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    sockets: list[int] = field(default_factory=list)
    ticks: int = 0
    failures: list[str] = field(default_factory=list)
    answers: dict[str, Response] = field(default_factory=dict)

    def failed(self, what: str) -> None:
        self.failures.append(what)

    def request(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        self.requests.append(request)
        self.connections.append(connection)
        if request.path in self.answers:
            return [Respond(exchange, self.answers[request.path])]
        query = dict(request.query)
        match request.path.lstrip("/").split("/")[0]:
            case "hold":
                self.held.append((exchange, request.target))
                return []
            case "release":  # the latest first: the shell has to mend the order
                released, self.held = self.held[::-1], []
                answers = [Respond(number, ok(target)) for number, target in released]
                return [*answers, Respond(exchange, ok(f"{len(answers)} released"))]
            case "later":
                self.due.append((now_s + float(query["s"]), exchange))
                return []
            case "crash":
                raise ZeroDivisionError("the service is broken here")
            case "split":
                headers = Headers([("X-Evil", "a\r\nSet-Cookie: b=c")])
                return [Respond(exchange, Response(status=200, headers=headers))]
            case "abort":
                return [Abort(exchange)]
            case "big":
                return [Respond(exchange, ok("x" * int(query["bytes"])))]
        seen = {
            "method": request.method,
            "target": request.target,
            "headers": list(request.headers),
            "body": request.body.decode("latin-1"),
        }
        return [
            Respond(exchange, Response(status=200, headers=JSON, body=json.dumps(seen).encode()))
        ]

    def upgrade(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        self.requests.append(request)
        match request.path:
            case "/ws":
                self.sockets.append(exchange)
                return [
                    Upgrade(exchange, Headers([("X-Welcome", "yes")])),
                    SendText(exchange, "hi"),
                ]
            case "/ws/later":
                self.held.append((exchange, request.target))
                return []
            case "/ws/crash":
                raise ZeroDivisionError("the service is broken here")
        return [Respond(exchange, Response(status=404, body=b"no WebSocket here"))]

    def text(self, socket: int, text: str, now_s: float) -> Sequence[Action]:
        self.texts.append(text)
        if text == "crash":
            raise ZeroDivisionError("the service is broken here")
        if text == "close":
            return [SendText(socket, "bye"), CloseSocket(socket, 4000, "as you like")]
        if text == "all":
            return [SendText(each, "to all") for each in self.sockets]
        return [SendText(socket, text)]

    def gone(self, exchange_or_socket: int, now_s: float) -> Sequence[Action]:
        self.departed.append(exchange_or_socket)
        self.held = [each for each in self.held if each[0] != exchange_or_socket]
        self.sockets = [each for each in self.sockets if each != exchange_or_socket]
        return []

    def tick(self, now_s: float) -> Sequence[Action]:
        self.ticks += 1
        ready = [number for due_s, number in self.due if due_s <= now_s]
        self.due = [each for each in self.due if each[0] > now_s]
        return [Respond(number, ok("late")) for number in ready]

    def deadline_s(self) -> float | None:
        return min((due_s for due_s, _ in self.due), default=None)
