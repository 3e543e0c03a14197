"""An agent of a few lines, over real sockets, for replays of `control_talk.pull_script`."""

from __future__ import annotations

import base64
import json
from typing import Any

from control_talk import ITEMS
from raw_client import Answer, RawClient
from scripted import NOTIFICATIONS

AGENT = f"Authorization: Basic {base64.b64encode(b'agent7:x').decode()}\r\n"
JSON = "Content-Type: application/json\r\n"


class RawAgent:
    """A client of a run: one connection for what is answered, one for a held connect."""

    def __init__(self, url: str) -> None:
        self.plain, self.holding = RawClient(url), RawClient(url)
        self.bodies: list[bytes] = []
        """Of every answer, as it came."""
        shaken = self.say({"channel": "/meta/handshake", "version": "1.0"})
        self.client_id = shaken["clientId"]
        self.say(self.connect_message)
        self.say({"channel": "/meta/subscribe", "subscription": ITEMS})

    @property
    def connect_message(self) -> dict[str, str]:
        return {"channel": "/meta/connect", "connectionType": "long-polling"}

    def _send(self, client: RawClient, message: dict[str, Any]) -> None:
        message = message | {"id": "1"}
        if message["channel"] != "/meta/handshake":
            message["clientId"] = self.client_id
        body = json.dumps([message]).encode()
        client.ask(NOTIFICATIONS, method="POST", headers=AGENT + JSON, body=body)

    def _read(self, client: RawClient) -> Answer:
        answer = client.answer()
        self.bodies.append(answer.body)
        return answer

    def say(self, message: dict[str, Any]) -> Any:
        self._send(self.plain, message)
        return self._read(self.plain).json()[-1]

    def hold(self) -> None:
        self._send(self.holding, self.connect_message)

    def held_answer(self) -> list[Any]:
        found = self._read(self.holding).json()
        assert isinstance(found, list)
        return found

    def pull(self) -> int:
        body = b'{"operationName":"Pull"}'
        self.plain.ask("/bins/A", method="POST", headers=AGENT + JSON, body=body)
        number: int = self._read(self.plain).json()["referenceId"]
        return number

    def look(self) -> Any:
        self.plain.ask("/bins/A", headers=AGENT)
        return self._read(self.plain).json()

    def close(self) -> None:
        for client in (self.plain, self.holding):
            client.socket.close()
