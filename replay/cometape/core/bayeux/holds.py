"""Held connects: which there are, for how long, and how many one browser may have."""

from __future__ import annotations

from ..json_value import JsonObject
from . import timestamp
from .application import Carrier
from .lifetimes import Lifetimes
from .session import Hold, Session


class Holds:
    """The connects a server is holding; a session has at most one (Bayeux: /meta/connect)."""

    def __init__(self, lifetimes: Lifetimes, *, max_per_browser: int | None = None) -> None:
        self._lifetimes = lifetimes
        self._max_per_browser = max_per_browser
        self._by_exchange: dict[int, Hold] = {}
        """Connects held over HTTP; one over a WebSocket is known to its session alone."""
        self._per_browser: dict[str, int] = {}

    def over(self, exchange: int) -> Hold | None:
        """The connect that an HTTP exchange waits with."""
        return self._by_exchange.get(exchange)

    def is_crowded(self, carrier: Carrier) -> bool:
        """Whether the browser has as many connects held as it may (CometD: multiple sessions)."""
        if self._max_per_browser is None or carrier.browser is None:
            return False
        return (
            carrier.connection_type != "websocket"
            and self._per_browser.get(carrier.browser, 0) >= self._max_per_browser
        )

    def hold(
        self,
        session: Session,
        carrier: Carrier,
        message: JsonObject,
        reply: JsonObject,
        *,
        until_s: float,
        now_s: float,
    ) -> None:
        """Hold a connect; the session comes due (`Lifetimes`) when its time is up."""
        over_socket = carrier.connection_type == "websocket"
        limited = self._max_per_browser is not None and not over_socket
        hold = Hold(
            session,
            carrier_id=carrier.id,
            over_socket=over_socket,
            browser=carrier.browser if limited else None,
            message=message if "ext" in message or timestamp.FIELD in message else None,
            reply=reply,
            received_s=now_s,
            until_s=until_s,
        )
        session.hold = hold
        self._lifetimes.hold(session)
        if not over_socket:
            self._by_exchange[carrier.id] = hold
        if hold.browser is not None:
            self._per_browser[hold.browser] = self._per_browser.get(hold.browser, 0) + 1

    def drop(self, hold: Hold) -> None:
        """Hold it no longer; whether it is answered is the caller's business."""
        hold.session.hold = None
        if not hold.over_socket:
            del self._by_exchange[hold.carrier_id]
        if hold.browser is not None:
            self._per_browser[hold.browser] -= 1
            if not self._per_browser[hold.browser]:
                del self._per_browser[hold.browser]
