"""D13: npm's `cometd` in a page of Chromium that comes from another origin, with cookies.

That it does what every other client does is proven where those are; here is what only a browser
has: preflights, a cookie jar that several tabs share, pages that are loaded again.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import node_runtime
from cometape.core.bayeux.settings import Settings
from node_client import carry_out, disconnect, open_session, publish, rest, wait
from real_clients import NODE, Transport, require
from recorded import recorder, replayed
from running import cometape
from served_broker import Served, served_broker

TRANSPORTS: tuple[Transport, ...] = ("long-polling", "websocket")
SETTINGS = Settings(max_sessions_per_browser=1, multi_session_interval_ms=200)
"""CometD's own: of the tabs of one browser, one is held and the others poll."""


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    require("chromium")
    with served_broker(SETTINGS) as broker:
        yield broker


def seen_in(served: Served, scenario: str, transport: Transport) -> dict[str, Any]:
    """What a scenario of `tests/node/browser/tabs.js` says at its end."""
    return seen_at(served.url, scenario, transport, lambda one: served.do("expire", one))


def seen_at(
    url: str, scenario: str, transport: Transport, expire: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """The same at any server."""
    script = str(NODE / "browser" / "tabs.js")
    command = [node_runtime.node(), script, scenario, url, transport]
    lines: list[dict[str, Any]] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as browser:
        assert browser.stdout is not None
        for text in browser.stdout:
            lines.append(json.loads(text))
            if lines[-1]["kind"] == "expire" and expire is not None:
                expire(lines[-1]["clientId"])
    assert lines[-1]["kind"] == "seen", lines
    return lines[-1]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_d13_two_tabs_have_a_session_each_and_one_cookie(
    served: Served, transport: Transport
) -> None:
    seen = seen_in(served, "tabs", transport)
    assert len(set(seen["clientIds"])) == 2
    assert seen["events"] == [[{"from": 0}, {"from": 1}]] * 2
    crowded = [
        advice for advices in seen["advices"] for advice in advices if "multiple-clients" in advice
    ]
    if transport == "websocket":
        # A WebSocket holds no connection that others would want (CometD: multiple sessions).
        assert crowded == []
        return
    assert crowded, seen
    assert crowded[0] == {"multiple-clients": True, "reconnect": "retry", "interval": 200}
    assert [cookie.partition("=")[0] for cookie in seen["cookies"]] == ["BAYEUX_BROWSER"]
    assert len(seen["setCookies"]) == 1, "the second tab presents the cookie of the first"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_page_that_is_loaded_again_begins_anew(served: Served, transport: Transport) -> None:
    seen = seen_in(served, "reload", transport)
    assert len(set(seen["clientIds"])) == 2
    assert seen["events"] == [[{"n": 1}], [{"n": 2}]]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_c17_c68_a_page_loaded_again_with_the_reload_extension_goes_on(
    served: Served, transport: Transport
) -> None:
    """What was sent while nobody was there is delivered by its next connect, once."""
    seen = seen_in(served, "continue", transport)
    assert len(set(seen["clientIds"])) == 1
    assert seen["events"] == [[{"n": 1}], [{"n": 2}, {"n": 3}]]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_d03_a_page_whose_session_was_lost_shakes_hands_again(
    served: Served, transport: Transport
) -> None:
    """The page may read the `402`, though it is of another origin."""
    seen = seen_in(served, "expire", transport)
    assert len(set(seen["clientIds"])) == 2
    assert seen["events"] == [[{"n": 1}]]


def test_a_page_of_another_site_works_without_cookies(served: Served) -> None:
    """To `127.0.0.1`, `localhost` is another site: the browser keeps no cookie for it."""
    plan = [
        rest("not here", "GET", "/elsewhere"),
        open_session("/chat/site"),
        publish("say", "/chat/site", {"n": 1}),
        wait("said", n=1),
        disconnect(),
    ]
    seen = carry_out("chromium", served.url, plan, path="/cometd", site="localhost")
    assert seen.finished, str(seen)
    assert seen.answer("not here").status == 404, "a refusal may be read too"


@pytest.mark.parametrize("scenario", ["tabs", "reload", "continue"])
def test_a_recorded_browser_replays_over_either_connection_type(
    scenario: str, tmp_path: Path
) -> None:
    """Each tab has its own recorded session; a page that is loaded again goes on in its own."""
    require("chromium")
    cassette = tmp_path / "browser.yaml"
    with (
        cometape("broker") as broker,
        recorder(broker.url(), cassette, "--profile", "bayeux") as url,
    ):
        recorded = seen_at(url, scenario, "long-polling")
    for transport in TRANSPORTS:
        with replayed(cassette) as url:
            seen = seen_at(url, scenario, transport)
        assert seen["events"] == recorded["events"]
        assert len(set(seen["clientIds"])) == len(set(recorded["clientIds"]))
        assert not set(seen["clientIds"]) & set(recorded["clientIds"])
