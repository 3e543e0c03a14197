"""A small recording of a supervisor and an agent with one of everything that can go wrong in it."""

from __future__ import annotations

import json

from cometape.core.cassette import (
    Cassette,
    Connect,
    Disconnect,
    Event,
    Exchange,
    Handshake,
    Header,
    Publish,
    Subscribe,
)
from cometape.core.exchange import Headers, Request, Response
from cometape.core.json_value import Json

ITEM = "02F0ASAK8EAFA00W"
WORKBIN = "/api/v2/users/00025aA4V4DR00P5/workbins/3434543fafwe987"
ESCAPE = "\x1b[31m"


def operation(number: int, session: str, at_s: float, name: str, **sent: str) -> Exchange:
    """An operation that is answered 30 ms later with its own number as reference id."""
    return Exchange(
        number=number,
        session=session,
        at_s=at_s,
        took_s=0.03,
        request=Request(
            method="POST",
            target=WORKBIN,
            headers=Headers([("Content-Type", "application/json")]),
            body=json.dumps({"operationName": name, **sent}).encode(),
        ),
        response=Response(status=200, body=b'{"statusCode":0,"referenceId":%d}' % number),
    )


def read(number: int, at_s: float, status: int | None, error: str | None = None) -> Exchange:
    """The agent reads who it is."""
    return Exchange(
        number=number,
        session="agent",
        at_s=at_s,
        request=Request(method="GET", target="/api/v2/me"),
        response=None if status is None else Response(status=status),
        error=error,
    )


def event(
    number: int, session: str, at_s: float, cause: int | None, channel: str, **data: Json
) -> Event:
    """An event; without a cause it is to be inferred."""
    return Event(
        number=number, session=session, at_s=at_s, cause=cause, channel=channel, data=dict(data)
    )


ITEMS = "/v2/me/workitems"
BINS = "/v2/me/workbins"
TWO_SESSIONS = Cassette(
    Header(scenario="a supervisor pulls from an agent's workbin", profile="workbins"),
    (
        Handshake(number=1, session="supervisor", at_s=0.1, client_id="<client-id:1>"),
        Connect(number=2, session="supervisor", at_s=0.15),
        Subscribe(number=3, session="supervisor", at_s=0.2, channel=ITEMS),
        Handshake(number=4, session="agent", at_s=0.3, client_id="<client-id:2>"),
        Subscribe(number=5, session="agent", at_s=0.31, channel="/v2/me/*"),
        Subscribe(
            number=6,
            session="agent",
            at_s=0.32,
            channel="/secret",
            successful=False,
            error="403:/secret:denied",
        ),
        operation(7, "supervisor", 1.204, "PullWorkitem", id=ITEM),
        event(8, "agent", 1.25, 7, BINS, messageType="WorkbinStateChangeMessage", action="Gone"),
        operation(9, "agent", 1.26, "Complete"),
        event(10, "supervisor", 1.262, 7, ITEMS, notificationType="StatusChange", referenceId=7),
        event(11, "agent", 1.28, 9, ITEMS, notificationType="Completed", referenceId=9),
        event(13, "agent", 2.28, None, "/v2/me/calls", state="Ringing", note=ESCAPE),
        operation(14, "agent", 2.5, "Add", id=f"1{ESCAPE}"),
        read(15, 2.6, None, "client left"),
        event(16, "supervisor", 2.7, None, ITEMS, referenceId=99),
        read(17, 2.8, 503),
        read(18, 2.81, 200),
        read(19, 2.82, 200),
        Publish(number=20, session="supervisor", at_s=2.9, channel="/chat", data={"a": 1}),
        event(21, "agent", 2.95, 20, "/chat", a=1),
        Disconnect(number=22, session="agent", at_s=3.0, by="server"),
    ),
)
