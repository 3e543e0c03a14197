"""The simulated Workbins system over a real socket."""

from __future__ import annotations

import base64
import json
import urllib.request
from http.cookiejar import CookieJar
from typing import Any

import pytest

from cometape.server.listener import BackgroundServer
from cometape.simulator import Workbins, WorkbinsConfig

MARATS = "/api/v2/users/00025aA4V4DR00P5/workbins/3434543fafwe987"


class Browser:
    """A client with a cookie jar, over HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url
        # the jar of a browser: no proxies from the environment, cookies for loopback too
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar())
        )

    def ask(self, path: str, body: object = None, **headers: str) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        with self.opener.open(request, timeout=10) as answer:
            return json.load(answer)

    def comet(self, **message: object) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("/api/v2/notifications", [message])
        return found


@pytest.mark.parametrize("delay_ms", [0, 15])
def test_a_supervisor_pulls_over_http(delay_ms: float) -> None:
    config = WorkbinsConfig(first_reference_id=17, min_delay_ms=delay_ms, max_delay_ms=delay_ms)
    with BackgroundServer(Workbins(config)) as server:
        browser = Browser(server.url)
        secret = base64.b64encode(b"supervisor:supervisor-password").decode()
        browser.ask("/api/v2/me", Authorization=f"Basic {secret}")
        (reply,) = browser.comet(
            channel="/meta/handshake", version="1.0", supportedConnectionTypes=["long-polling"]
        )
        client = {"clientId": reply["clientId"]}
        connect = {"channel": "/meta/connect", "connectionType": "long-polling", **client}
        browser.comet(**connect)
        browser.comet(channel="/meta/subscribe", subscription="/v2/me/*", **client)

        answer = browser.ask(MARATS, {"operationName": "PullWorkitem", "id": "02F0ASAK8EAFA00W"})

        assert answer == {"statusCode": 0, "referenceId": 17}
        event, _ = browser.comet(**connect)  # held until the event, or given it at once
        assert event["data"]["referenceId"] == 17
        assert event["data"]["workitem"]["state"] == "Processing"
