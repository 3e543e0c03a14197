"""Whose request is whose by its `Authorization`: passwords mistyped, tokens renewed."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from cometape.core.cassette import Handshake
from scripted import HOST, NOTIFICATIONS, Answer, Person, Script, Stage

ITEMS = "/v2/me/workitems"
HANDSHAKE: dict[str, Any] = {
    "channel": "/meta/handshake",
    "version": "1.0",
    "supportedConnectionTypes": ["long-polling"],
    "id": "1",
}


class Login(Person):
    """Somebody without cookies who says what its `Authorization` is."""

    authorization = ""

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [("Host", self.host), ("Authorization", self.authorization)]

    def do(self, name: str, connection: int | None = None) -> Answer:
        return self.ask("POST", "/x", {"operationName": name}, connection=connection)

    def number(self, name: str, connection: int | None = None) -> int:
        """The id that an operation is answered with."""
        answer = self.do(name, connection)
        assert answer.status == 200, answer.body
        number = answer.json["referenceId"]
        assert isinstance(number, int)
        return number


def login(stage: Stage, authorization: str) -> Login:
    person = Login(stage, None, False, HOST, stage.person().connection or 0)
    person.authorization = authorization
    return person


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def renewing(second: str = "main") -> Script:
    """A token, renewed between two operations; `second` is the session of what comes after."""
    script = Script()
    script.ask("main", "GET", "/me", None, {"me": 1})
    script.listen("main", ITEMS)
    for n, (session, name) in enumerate((("main", "A"), (second, "B"))):
        sent = {"operationName": name}
        op = script.ask(session, "POST", "/x", sent, {"referenceId": 17 + n})
        script.event("main", ITEMS, {"referenceId": 17 + n, "name": name}, cause=op)
    return script


def names(person: Person) -> list[str]:
    return [data["name"] for data in person.data()]


def clients(stage: Stage) -> list[tuple[tuple[str, str], ...]]:
    return [run.clients for run in stage.service.report().runs]


def speak(person: Login, connection: int) -> int:
    """Let the client's Bayeux use that connection, so that it is surely the client's."""
    assert person.client is not None
    said = person.client.message("/meta/subscribe", subscription=ITEMS)
    answer = person.ask("POST", NOTIFICATIONS, [said], connection=connection)
    assert answer.json[0]["successful"]
    return connection


@pytest.mark.parametrize("handshake_first", [True, False])
def test_a_wrong_password_and_then_the_right_one_are_one_client(handshake_first: bool) -> None:
    script = Script()
    if handshake_first:
        script.handshake("agent7", successful=False, error="HTTP 401")
    script.ask("agent7", "GET", "/me", None, {"statusCode": 20}, status=401)
    script.ask("agent7", "GET", "/me", None, {"statusCode": 0})
    script.listen("agent7", ITEMS)
    stage = Stage(script)
    wrong = login(stage, basic("agent7", "typo"))
    if handshake_first:
        assert wrong.ask("POST", NOTIFICATIONS, [HANDSHAKE]).status == 401
    assert wrong.ask("GET", "/me").status == 401
    right = login(stage, basic("agent7", "secret"))
    assert right.ask("GET", "/me").status == 200
    right.listen(ITEMS)
    assert clients(stage) == [(("agent7", "agent7"),)]
    assert stage.leftovers == []


def test_a_token_renewed_on_a_connection_of_the_client_is_that_client_s() -> None:
    stage = Stage(renewing())
    person = login(stage, "Bearer t1")
    person.ask("GET", "/me")
    person.listen(ITEMS)
    own = speak(person, 8000)
    numbers = [person.number("A", own)]
    person.authorization = "Bearer t2"
    numbers.append(person.number("B", own))
    assert [data["referenceId"] for data in person.data()] == numbers
    assert len(clients(stage)) == 1
    assert stage.leftovers == []


@pytest.mark.parametrize("connection", [None, 8001])
def test_a_token_that_is_known_to_be_renewed_is_its_client_s_on_any_connection(
    connection: int | None,
) -> None:
    stage = Stage(renewing())
    person = login(stage, "Bearer t1")
    person.listen(ITEMS)
    person.do("A")
    person.authorization = "Bearer t2"
    assert person.ask("GET", "/me", connection=speak(person, 8000)).status == 200
    person.number("B", connection)
    assert names(person) == ["A", "B"]
    assert len(clients(stage)) == 1


def test_what_was_recorded_as_two_clients_is_replayed_as_two() -> None:
    """The recorder, too, takes an unknown token for somebody new."""
    stage = Stage(renewing("other"))
    person = login(stage, "Bearer t1")
    person.ask("GET", "/me")
    person.listen(ITEMS)
    person.do("A")
    person.authorization = "Bearer t2"
    person.number("B", speak(person, 8000))
    assert names(person) == ["A", "B"]
    assert len(clients(stage)) == 1
    assert stage.leftovers == []


def test_clients_with_tokens_of_their_own_may_share_a_connection() -> None:
    stage = Stage(renewing())
    people = [login(stage, token) for token in ("Bearer t1", "Bearer t2", "Bearer t3")]
    for person in people:
        person.ask("GET", "/me", connection=8000)
        person.listen(ITEMS)
        speak(person, 8000)
    live = [[person.number(name, 8000) for person in people] for name in ("A", "B")]
    assert len({number for numbers in live for number in numbers}) == 6
    for person, numbers in zip(people, zip(*live, strict=True), strict=True):
        assert [data["referenceId"] for data in person.data()] == list(numbers)
    assert len(clients(stage)) == 3


def test_clients_that_take_the_tokens_of_the_replay_each_renew_their_own() -> None:
    """The token in an answer is the recorded placeholder, for all of them."""
    stage = Stage(renewing())
    people = [login(stage, "Bearer <token:1>") for _ in range(2)]
    live: list[list[int]] = []
    for n, person in enumerate(people):
        person.listen(ITEMS)
        speak(person, 8000 + n)
    for n, person in enumerate(people):
        live.append([person.number("A", 8000 + n)])
        person.authorization = "Bearer <token:2>"
        live[n].append(person.number("B", 8000 + n))
    for person, numbers in zip(people, live, strict=True):
        assert [data["referenceId"] for data in person.data()] == numbers


@pytest.mark.parametrize("recorded", [1, 2])
def test_a_session_lost_with_its_token_goes_on_where_the_recorded_one_came_again(
    recorded: int,
) -> None:
    script = renewing()
    if recorded == 2:
        script.handshake("main")
    assert sum(isinstance(entry, Handshake) for entry in script.entries) == recorded
    stage = Stage(script)
    person = login(stage, "Bearer t1")
    person.listen(ITEMS)
    speak(person, 8000)
    person.do("A")
    assert names(person) == ["A"]
    stage.talk.advance(400)
    person.authorization = "Bearer t2"
    assert person.ask("POST", NOTIFICATIONS, [HANDSHAKE], connection=8000).status == 200
    assert len(clients(stage)) == (1 if recorded == 2 else 2)
