"""A recording that is told exchanges one by one, as a recorder tells it, without a proxy."""

from __future__ import annotations

import json
import time
from pathlib import Path

from cometape.core.exchange import Headers, Request, Response
from cometape.core.json_value import JsonObject
from cometape.core.record.capture import CapturedExchange, CapturedRequest
from cometape.recorder.recording import Recording, RecordingSettings
from cometape.recorder.recording_summary import Summary

ORIGIN = "https://gws.example"
BAYEUX = "/api/v2/notifications"


class Desk:
    """Tells a recording exchanges, one after the other."""

    def __init__(self, out: Path, **settings: object) -> None:
        chosen = RecordingSettings(out=out, origin=ORIGIN, **settings)  # type: ignore[arg-type]
        self.recording = Recording(chosen)
        self.now_s = time.monotonic()
        self.key = 0

    def ask(
        self,
        method: str,
        target: str,
        sent: object = None,
        answer: object = None,
        *,
        headers: tuple[tuple[str, str], ...] = (),
        took_s: float = 0.01,
    ) -> None:
        self.key += 1
        self.now_s += 0.02
        asked = CapturedRequest(
            key=f"k{self.key}",
            connection="c",
            origin=ORIGIN,
            request=Request(
                method=method,
                target=target,
                headers=Headers([("Content-Type", "application/json"), *headers]),
                body=b"" if sent is None else json.dumps(sent).encode(),
            ),
            at_s=self.now_s - took_s,
        )
        self.recording.observer.began(asked)
        response = Response(
            status=200,
            headers=Headers([("Content-Type", "application/json")]),
            body=b"" if answer is None else json.dumps(answer).encode(),
        )
        exchange = CapturedExchange(asked=asked, response=response, ended_s=self.now_s)
        self.recording.write(self.recording.observer.exchange(exchange))
        self.recording.catch_up()

    def bayeux(self, *messages: JsonObject, replies: list[JsonObject]) -> None:
        self.ask("POST", BAYEUX, list(messages), replies)

    def open(self) -> None:
        """A CometD session that is subscribed to something."""
        self.bayeux(
            {"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["x"]},
            replies=[{"channel": "/meta/handshake", "successful": True, "clientId": "c" * 20,
                      "version": "1.0", "supportedConnectionTypes": ["long-polling"]}],
        )  # fmt: skip
        subscribe: JsonObject = {"channel": "/meta/subscribe", "clientId": "c" * 20,
                                 "subscription": "/v2/me/*"}  # fmt: skip
        self.bayeux(subscribe, replies=[{**subscribe, "successful": True}])

    def event(self, **data: object) -> None:
        connect: JsonObject = {"channel": "/meta/connect", "clientId": "c" * 20}
        event: JsonObject = {"channel": "/v2/me/workitems", "data": {**data}}  # type: ignore[dict-item]
        self.bayeux(connect, replies=[event, {**connect, "successful": True}])

    def pull(self, reference_id: int, took_s: float = 0.01) -> None:
        sent = {"operationName": "PullWorkitem", "id": "X"}
        answer = {"statusCode": 0, "referenceId": reference_id}
        self.ask("POST", "/api/v2/me/workbins/w", sent, answer, took_s=took_s)

    def end(self) -> Summary:
        self.recording.write(self.recording.observer.finish(self.now_s))
        return self.recording.close()
