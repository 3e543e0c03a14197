"""Several tabs of one browser, and pages that are loaded again: who shakes hands."""

from __future__ import annotations

import pytest

from conversation import Client
from scripted import Script, Stage

ROOM = "/chat/tabs"
WORKITEMS, CHATS = "/v2/me/workitems", "/v2/me/chats"


def two_tabs() -> Script:
    """Two tabs of one browser in a room, as the recorder tells them apart."""
    script = Script("bayeux")
    for session in ("session-1", "session-2"):
        script.listen(session, ROOM)
    for n, speaker in enumerate(("session-1", "session-2")):
        said = script.publish(speaker, ROOM, {"from": n})
        for session in ("session-1", "session-2"):
            script.event(session, ROOM, {"from": n}, cause=said)
    return script


def loaded_again() -> Script:
    """A page that is loaded again between two events."""
    script = Script("bayeux")
    for n in (1, 2):
        script.listen("session-1", ROOM)
        said = script.publish("session-1", ROOM, {"n": n})
        script.event("session-1", ROOM, {"n": n}, cause=said)
    return script


class Browser:
    """Tabs that share a cookie jar."""

    def __init__(self, stage: Stage, connection_type: str, *, cookies: bool = True) -> None:
        self.stage = stage
        self.connection_type = connection_type
        self.jar: dict[str, str] = {}
        self.cookies = cookies

    def tab(self) -> Client:
        tab = self.stage.talk.client(self.connection_type, keep_cookies=self.cookies)
        tab.cookies = self.jar
        return tab.begin(ROOM)


def heard(tab: Client) -> list[object]:
    tab.talk.advance(0.1)
    if tab.connection_type != "websocket":
        tab.poll()
    return [event["data"] for event in tab.events]


@pytest.mark.parametrize("connection_type", ["long-polling", "websocket"])
def test_each_tab_has_a_recorded_session_of_its_own(connection_type: str) -> None:
    stage = Stage(two_tabs())
    browser = Browser(stage, connection_type)
    tabs = [browser.tab(), browser.tab()]
    for n, tab in enumerate(tabs):
        assert tab.publish(ROOM, {"from": n})["successful"]
    assert [heard(tab) for tab in tabs] == [[{"from": 0}, {"from": 1}]] * 2
    assert len(stage.service.report().runs) == 1
    assert stage.leftovers == []


def test_where_one_was_recorded_all_tabs_are_that_client() -> None:
    stage = Stage(loaded_again())
    browser = Browser(stage, "long-polling")
    tabs = [browser.tab(), browser.tab()]
    tabs[0].publish(ROOM, {"n": 1})
    assert [heard(tab) for tab in tabs] == [[{"n": 1}]] * 2


def test_a_second_tab_of_a_user_takes_only_a_session_of_that_user() -> None:
    """Its REST goes by the session cookie, as it did when it was recorded."""
    script = Script()
    cookie = [("Set-Cookie", "JSESSIONID=<session:1>; Path=/")]
    script.ask("agent7", "GET", "/api/v2/me", None, {"me": 7}, answer_headers=cookie)
    for session in ("agent7", "agent8", "agent7-2"):
        script.listen(session, "/v2/me/*")
    ready = script.ask("agent7", "POST", "/api/v2/me", {"operationName": "Ready"}, {})
    for session in ("agent7", "agent7-2"):
        script.event(session, "/v2/me/calls", {"to": session}, cause=ready)
    stage = Stage(script)
    first, second = stage.person("agent7", cookies=True), stage.person("agent7", cookies=True)
    first.ask("GET", "/api/v2/me")
    second.cookies = first.cookies
    tabs = [person.listen("/v2/me/*") for person in (first, second)]
    assert second.ask("POST", "/api/v2/me", {"operationName": "Ready"}).status == 200
    assert [heard(tab) for tab in tabs] == [[{"to": "agent7"}], [{"to": "agent7-2"}]]
    assert stage.service.report().runs[0].clients == (
        ("agent7", "agent7"),
        ("agent7", "agent7-2"),
    )


@pytest.mark.parametrize("cookies", [True, False])
@pytest.mark.parametrize("connection_type", ["long-polling", "websocket"])
def test_a_page_that_is_loaded_again_goes_on_in_its_run(
    connection_type: str, cookies: bool
) -> None:
    """The recorded one came again too; what it had not fetched is for its new session."""
    stage = Stage(loaded_again())
    browser = Browser(stage, connection_type, cookies=cookies)
    page = browser.tab()
    page.publish(ROOM, {"n": 1})
    assert heard(page) == [{"n": 1}]
    close(page)
    again = browser.tab()
    assert again.client_id != page.client_id
    assert again.publish(ROOM, {"n": 2})["successful"]
    assert heard(again) == [{"n": 2}]
    assert len(stage.service.report().runs) == 1
    assert stage.leftovers == []


def test_an_event_for_the_closed_page_is_given_to_the_one_loaded_again() -> None:
    stage = Stage(loaded_again())
    browser = Browser(stage, "long-polling")
    page = browser.tab()
    page.publish(ROOM, {"n": 1})  # its event is still on the way
    close(page)
    stage.settle()
    assert heard(browser.tab()) == [{"n": 1}]


def test_without_a_cookie_somebody_else_begins_a_run_of_its_own() -> None:
    """The recorded client shook hands once: whoever comes after a closed one is another."""
    script = Script("bayeux")
    script.listen("session-1", ROOM)
    stage = Stage(script)
    browser = Browser(stage, "long-polling", cookies=False)
    close(browser.tab())
    browser.tab()
    assert len(stage.service.report().runs) == 2


def close(page: Client) -> None:
    if page.socket is not None:
        page.socket.close()
    else:
        page.hold().leave()


def tabs_that_differ() -> Script:
    """Two tabs of a user behind one cookie: one hears of workitems, the other of chats."""
    script = Script()
    cookie = [("Set-Cookie", "JSESSIONID=<session:1>; Path=/")]
    script.ask("u", "GET", "/login", None, {}, answer_headers=cookie)
    script.listen("u", WORKITEMS)
    script.listen("u-2", CHATS)
    script.event("u", WORKITEMS, {"welcome": "u"}, cause="spontaneous")
    script.event("u-2", CHATS, {"welcome": "u-2"}, cause="spontaneous")
    op = script.ask("u", "POST", "/p", {"operationName": "P"}, {"referenceId": 17})
    script.event("u", WORKITEMS, {"n": 1}, cause=op)
    script.event("u-2", CHATS, {"n": 2}, cause=op)
    return script


@pytest.mark.parametrize("order", ["ab", "ba", "handshakes ab", "handshakes ba"])
def test_what_a_tab_subscribes_to_shows_which_it_is(order: str) -> None:
    stage = Stage(tabs_that_differ())
    channels = {"a": WORKITEMS, "b": CHATS}
    people = {name: stage.person("u", cookies=True) for name in "ab"}
    people["a"].ask("GET", "/login")
    people["b"].cookies = people["a"].cookies
    names = order[-2:]
    for name in names:
        if order.startswith("handshakes"):
            people[name].shake_hands()
        else:
            people[name].listen(channels[name])
    if order.startswith("handshakes"):
        for name in reversed("ab"):
            tab = people[name].client
            assert tab is not None
            assert tab.subscribe(channels[name])["successful"]
    assert people["b"].ask("POST", "/p", {"operationName": "P"}).status == 200
    assert people["a"].data() == [{"welcome": "u"}, {"n": 1}]
    assert people["b"].data() == [{"welcome": "u-2"}, {"n": 2}]
    assert stage.leftovers == []


def test_a_tab_loaded_again_between_two_polls_goes_on_where_it_was() -> None:
    """Nothing tells the server that its connections were closed."""
    stage = Stage(tabs_that_differ())
    one, other = (stage.person("u", cookies=True) for _ in range(2))
    one.ask("GET", "/login")
    other.cookies = one.cookies
    one.listen(WORKITEMS)
    other.listen(CHATS)
    assert other.data() == [{"welcome": "u-2"}]
    other.listen(CHATS)
    assert one.ask("POST", "/p", {"operationName": "P"}).status == 200
    assert other.data() == [{"n": 2}]
    assert one.data() == [{"welcome": "u"}, {"n": 1}]
