"""One connection that speaks HTTP/1.1: httptools parses, a `ServiceHost` decides.

Requests are handed on as soon as they are complete, also while earlier ones are unanswered;
answers leave in the order of the requests (RFC 9112 §9.3.2). No task or coroutine per connection:
a held exchange costs this object, an `Exchange` and the transport.
"""

from __future__ import annotations

import asyncio
from collections import deque
from math import inf
from typing import TYPE_CHECKING, cast

from httptools import (
    HttpParserCallbackError,
    HttpParserError,
    HttpParserUpgrade,
    HttpRequestParser,
)

from cometape.core.exchange import Headers, Request
from cometape.core.service import Manner

from .exchange import Exchange
from .incoming import IncomingRequest
from .outgoing import CONTINUE
from .probe import Probe
from .problem import Refusal
from .service_host import ServiceHost
from .spoiled import SpoiledWriting

if TYPE_CHECKING:
    from .websocket_protocol import Handshake

# What is done with bytes that arrive
READING = 0
"""They are parsed."""
LAST = 1
"""Ignored: the client or the service wants the connection closed after the answers due."""
REFUSED = 2
"""Ignored, and read for a moment longer so that the client can read why."""
UPGRADING = 3
"""Kept for the WebSocket that the service may accept."""

SURPLUS_CONNECTIONS = 64
"""So many beyond the bound are told 503; any further is dropped without a word."""


class HttpConnection(asyncio.Protocol):
    """The protocol of one connection; see the module."""

    __slots__ = (
        "_backlog",
        "_completed",
        "_handshake",
        "_host",
        "_incoming",
        "_keep_alive",
        "_owes_continue",
        "_parser",
        "_pending",
        "_probe",
        "_spoilt",
        "_state",
        "_surplus",
        "_transport",
        "_writing_paused",
        "deadline_s",
        "number",
    )

    _transport: asyncio.Transport

    def __init__(self, host: ServiceHost) -> None:
        self._host = host
        self.number = host.new_connection_id()
        self.deadline_s = inf
        self._parser: HttpRequestParser | None = None
        self._incoming: IncomingRequest | None = None
        self._pending: list[Exchange] = []
        self._backlog: deque[tuple[Exchange, Request]] | None = None
        """Requests that came while the client did not read its answers."""
        self._completed: list[Request] | None = None
        """The requests of the piece of input that is being parsed."""
        self._state = READING
        self._keep_alive = True
        self._owes_continue = False
        self._probe: Probe | None = None
        """There is one when the client sends no more, but may be waiting for answers."""
        self._writing_paused = False
        self._handshake: Handshake | None = None
        self._spoilt: dict[Exchange, tuple[bytes, Manner, bool]] | None = None
        """Answers to be written badly, and whether to keep alive then; empty during the last."""
        self._surplus = b""
        """Bytes after the request to become a WebSocket."""

    # Called by asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        host = self._host
        excess = len(host.connections) - host.max_connections
        if excess >= SURPLUS_CONNECTIONS:
            self._transport.abort()
            return
        host.opened(self)
        self.deadline_s = host.time() + host.limits.idle_timeout_s
        if excess >= 0:
            self._refuse(
                Refusal(503, "too-many-connections", f"{host.max_connections} connections are open")
            )

    def data_received(self, data: bytes) -> None:
        if self._state == READING:
            host = self._host
            known = host.familiar.find(data) if self._incoming is None else None
            if known is None:
                self._parse(data)
            elif not (self._pending or self._writing_paused):
                now_s = host.time()
                answer = host.answer_at_once(self.number, known, now_s)
                if answer is None:
                    self._begin(Exchange(self, host.new_exchange_id()), known)
                else:
                    self.deadline_s = now_s + host.limits.idle_timeout_s
                    self._transport.write(answer)
                return
            else:
                self._begin(Exchange(self, host.new_exchange_id()), known)
            if len(self._pending) > host.limits.max_pipelined:
                self._transport.pause_reading()
        elif self._state == UPGRADING:
            self._surplus += data
            if len(self._surplus) > self._host.limits.max_header_bytes:
                self.abort()

    def eof_received(self) -> bool:
        """The client sends no more; whether to keep our side open."""
        if self._state == READING and self._incoming is not None:
            self._refuse(
                Refusal(400, "bad-request", "the connection ended in the middle of a request")
            )
        transport, pending = self._transport, self._pending
        is_over = self._state in (REFUSED, UPGRADING) or not pending
        # Some cannot be asked; and TLS has no half-closed connections in asyncio.
        if is_over or pending[0].http_1_0 or transport.get_extra_info("ssl_object"):
            self._leave()
            return False  # asyncio closes when what is written has left
        host = self._host
        self._probe = Probe(transport, host.loop, host.limits.probe_s, self._has_gone)
        self._ask()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._host.closed(self)
        self._parser = None  # its callbacks refer to this object
        self._incoming = None
        self._state = REFUSED
        self._backlog = None
        self._leave()

    def pause_writing(self) -> None:
        """The client reads too slowly: read no more from it."""
        self._writing_paused = True
        self._transport.pause_reading()
        self.deadline_s = self._host.time() + self._host.limits.write_timeout_s

    def resume_writing(self) -> None:
        self._writing_paused = False
        while self._backlog and not self._transport.is_closing():
            exchange, request = self._backlog.popleft()
            self._host.request(exchange, self.number, request)
            if self._writing_paused:
                return
        self._backlog = None
        self._resume()
        if self._state != REFUSED:
            self.deadline_s = inf
            self._settle()

    # Called by httptools, in the order of the bytes; a `Refusal` raised here ends the parsing

    def on_message_begin(self) -> None:
        if self._state == READING:
            host = self._host
            self._incoming = IncomingRequest(host.limits, host.uploads)
            if not self._writing_paused:
                self.deadline_s = host.time() + host.limits.header_timeout_s

    def on_url(self, part: bytes) -> None:
        if self._incoming is not None:
            self._incoming.add_target(part)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._incoming is not None:
            self._incoming.fields.append((name, value))

    def on_headers_complete(self) -> None:
        incoming, parser = self._incoming, self._parser
        if incoming is None or parser is None:
            return
        incoming.end_head(parser.get_method(), parser.get_http_version())
        self._keep_alive = parser.should_keep_alive()
        if incoming.noted and incoming.has_body:
            if not self._writing_paused:
                self.deadline_s = self._host.time() + self._host.limits.body_timeout_s
            if incoming.wants_continue:
                self._owes_continue = True
                self._send_continue()

    def on_body(self, part: bytes) -> None:
        if self._incoming is not None:
            self._incoming.add_body(part)

    def on_message_complete(self) -> None:
        incoming, parser = self._incoming, self._parser
        if incoming is None or parser is None or parser.should_upgrade():
            return  # an upgrade goes on in `_parse`
        request = incoming.complete(self._host.scheme)
        self._incoming = None
        self._owes_continue = False
        exchange = Exchange(
            self,
            self._host.new_exchange_id(),
            to_head=incoming.method == "HEAD",
            http_1_0=incoming.http_1_0,
            keep_alive=self._keep_alive,
        )
        if not self._keep_alive:
            self._state = LAST
        if self._completed is not None:
            self._completed.append(request)
        self._begin(exchange, request)

    # Called by exchanges and by the host

    def flush(self) -> None:
        """Write every answer whose turn has come."""
        pending = self._pending
        if not pending or pending[0].answer is None:
            return
        transport = self._transport
        limit = self._host.limits.max_buffered_bytes
        while pending and (answer := pending[0].answer) is not None:
            exchange = pending.pop(0)
            if transport.is_closing():
                continue
            if transport.get_write_buffer_size() > limit:
                self.abort()
                return
            transport.write(answer)
            if not exchange.keep_alive:
                self._end(exchange)
                return
        if self._owes_continue:
            self._send_continue()
        if self._probe is not None and not pending:
            transport.close()
            return
        self._resume()
        self._settle()

    def spoil(self, exchange: Exchange, data: bytes, manner: Manner) -> None:
        """Put an answer on the wire badly, when its turn has come."""
        self._spoilt = {**(self._spoilt or {}), exchange: (data, manner, exchange.keep_alive)}
        exchange.answer = b""
        exchange.keep_alive = False  # so it comes to `_end` when earlier ones are answered
        self.flush()

    def become_websocket(self, exchange: Exchange, headers: Headers) -> None:
        """Hand the transport over to a WebSocket protocol."""
        from .websocket_protocol import WebSocketConnection

        handshake = self._handshake
        assert handshake is not None
        accepted = handshake.accept(headers)  # may raise: then nothing has changed
        host, transport = self._host, self._transport
        self._pending.clear()
        host.closed(self)
        connection = WebSocketConnection(host, transport, exchange.number, handshake)
        if transport.is_closing():
            host.upgraded(exchange.number, connection)
            transport.set_protocol(connection)
            return
        transport.write(accepted)
        transport.set_protocol(connection)
        host.opened(connection)
        host.upgraded(exchange.number, connection)
        if self._surplus:
            # Not now: the action that made this WebSocket is still being carried out.
            host.loop.call_soon(connection.data_received, self._surplus)

    def expire(self, now_s: float) -> None:
        """`deadline_s` has passed."""
        if self._state == REFUSED or self._writing_paused:
            self.abort()
        elif self._probe is not None:
            self._ask()
        elif self._incoming is not None:
            part = "headers" if self._incoming.in_head else "body"
            self._refuse(Refusal(408, "too-slow", f"the {part} of the request took too long"))
        elif not self._pending:
            self._transport.close()

    def shut_down(self) -> None:
        """The server ends."""
        self._transport.close()

    def abort(self) -> None:
        """Disconnect without a word."""
        self._state = REFUSED
        self._transport.abort()

    # Steps

    def _begin(self, exchange: Exchange, request: Request) -> None:
        """A request is complete."""
        self._pending.append(exchange)
        if self._writing_paused:  # its answer would only be more that nobody reads
            if self._backlog is None:
                self._backlog = deque()
            self._backlog.append((exchange, request))
            return
        self.deadline_s = inf
        self._host.request(exchange, self.number, request)

    def _parse(self, data: bytes) -> None:
        parser = self._parser
        if parser is None:
            parser = self._parser = HttpRequestParser(self)
        before = self._incoming
        completed = self._completed = [] if before is None else None
        try:
            parser.feed_data(data)
            incoming = self._incoming
            if incoming is None:
                if completed is not None and len(completed) == 1 and self._state == READING:
                    self._learn(data, completed[0])
                if self._pending and self._state == READING:
                    # While an exchange is held there is nothing to parse: another parser takes a
                    # microsecond, ten thousand idle ones 10 MB.
                    self._parser = None
            elif incoming is before:
                incoming.fed(len(data))
            return
        except HttpParserUpgrade as upgrade:
            surplus = data[upgrade.args[0] :]
        except Refusal as refusal:
            self._refuse(refusal)
            return
        except HttpParserCallbackError as error:
            if not isinstance(error.__context__, Refusal):  # ours: a fault in a callback
                raise
            self._refuse(error.__context__)
            return
        except HttpParserError as error:
            if self._state == READING:
                self._refuse(Refusal(400, "bad-request", f"not HTTP/1.1: {error}"))
            return
        finally:
            self._completed = None
        self._upgrade(surplus)

    def _learn(self, data: bytes, request: Request) -> None:
        """A piece of input was this one request, and the connection goes on."""
        parser = self._parser
        if parser is None or parser.get_http_version() != "1.1":
            return
        if request.method != "HEAD" and request.headers.first("Expect") is None:
            self._host.familiar.learn(data, request)

    def _upgrade(self, surplus: bytes) -> None:
        """The request at hand asks for an upgrade; `surplus` came after its headers."""
        incoming = self._incoming
        if incoming is None:
            return
        if not incoming.wants_websocket or incoming.http_1_0:
            # RFC 9110 §7.8: ignored (Java's HttpClient asks every server for h2c). The parser
            # has taken the body for another protocol, so a new one reads the request again.
            self._parser = None
            self._incoming = None
            self._parse(incoming.without_upgrade())
            if surplus and self._state == READING:
                self._parse(surplus)
            return
        from .websocket_protocol import Handshake

        try:
            if incoming.method != "GET" or incoming.has_body or self._pending:
                raise Refusal(
                    400, "bad-upgrade", "a WebSocket opens with a GET, no body, nothing unanswered"
                )
            request = incoming.complete(self._host.scheme)
            self._handshake = Handshake(request)
        except Refusal as refusal:
            self._refuse(refusal)
            return
        self._incoming = None
        self._parser = None
        self._surplus = surplus
        self._state = UPGRADING
        self.deadline_s = inf
        exchange = Exchange(
            self,
            self._host.new_exchange_id(),
            http_1_0=incoming.http_1_0,
            keep_alive=False,
        )
        self._pending.append(exchange)
        self._host.upgrade(exchange, self.number, request)

    def _refuse(self, refusal: Refusal) -> None:
        """Answer for the shell, after the answers due, and close."""
        incoming = self._incoming or IncomingRequest(self._host.limits, self._host.uploads)
        self._incoming = None
        self._owes_continue = False
        self._state = REFUSED
        self.deadline_s = inf  # the answers before it may take their time
        exchange = Exchange(
            self,
            0,
            to_head=incoming.method == "HEAD",
            http_1_0=incoming.http_1_0,
            keep_alive=False,
        )
        self._pending.append(exchange)
        exchange.respond(refusal.response)

    def _write_badly(self, exchange: Exchange) -> None:
        """The turn of a spoilt answer has come: later ones wait until it is through."""
        assert self._spoilt is not None
        data, manner, keep_alive = self._spoilt.pop(exchange)
        exchange.answer = None
        self._pending.insert(0, exchange)

        def done() -> None:
            self._spoilt = self._spoilt or None
            exchange.answer, exchange.keep_alive = b"", keep_alive
            self.flush()

        SpoiledWriting(exchange.number, self._transport, self._host, data, manner, done).begin()

    def _end(self, exchange: Exchange) -> None:
        """The last answer is written."""
        if self._spoilt and exchange in self._spoilt:
            self._write_badly(exchange)
            return
        transport = self._transport
        if self._state == REFUSED and self._probe is None:
            # Closing now, with bytes of the client unread, would send a reset that can overtake
            # the answer (RFC 9112 §9.6).
            self.deadline_s = self._host.time() + self._host.limits.linger_s
            transport.write_eof()
            transport.resume_reading()
        else:
            self._state = LAST
            transport.close()

    def _send_continue(self) -> None:
        if not self._pending:  # else it would look like the answer to an earlier request
            self._owes_continue = False
            self._transport.write(CONTINUE)

    def _resume(self) -> None:
        if not self._writing_paused and len(self._pending) <= self._host.limits.max_pipelined:
            self._transport.resume_reading()

    def _settle(self) -> None:
        """Set the deadline of a connection on which nothing is asked or owed any more.

        A request on its way in keeps its own, unless the client's slow reading has voided it.
        """
        if self._writing_paused or self._pending or self._state != READING:
            return
        limits = self._host.limits
        if self._incoming is None:
            self.deadline_s = self._host.time() + limits.idle_timeout_s
        elif self.deadline_s == inf:
            self.deadline_s = self._host.time() + limits.body_timeout_s

    def _ask(self) -> None:
        """A client that sends no more: is it still there?"""
        self.deadline_s = self._host.time() + self._host.limits.probe_s
        if self._probe is not None and self._spoilt is None:  # else it would stand in an answer
            self._probe.ask()

    def _has_gone(self) -> None:
        self._leave()
        self.abort()

    def _leave(self) -> None:
        """No answer can reach the client any more: the service is told at once.

        asyncio tells of the end in the next turn only, and an event may be due before that.
        """
        pending, self._pending = self._pending, []
        for exchange in pending:
            if exchange.answer is None:
                self._host.gone(exchange.number)
