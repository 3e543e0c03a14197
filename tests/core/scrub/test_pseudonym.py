"""Personal data becomes pseudonyms: in every place, equal for equal, and nothing else changes."""

from __future__ import annotations

import json
import string
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cometape.core.body import JsonStyle
from cometape.core.cassette import Entry, Event, Exchange, Handshake, Publish, Subscribe
from cometape.core.exchange import Headers, Request, Response
from cometape.core.json_value import Json
from cometape.core.profile.profile import Profile
from cometape.core.scrub.pseudonym import Pseudonyms
from cometape.profiles import load_profile
from cometape.store.yaml_emitter import dump_entry

WORKBINS = load_profile("workbins")
FORM = "application/x-www-form-urlencoded"


def exchange(
    target: str = "/x",
    body: str = "",
    answer: str = "",
    *,
    session: str = "agent7",
    content_type: str = "application/json",
    headers: list[tuple[str, str]] | None = None,
) -> Exchange:
    pairs = [("Content-Type", content_type)]
    return Exchange(
        number=1,
        session=session,
        request=Request(
            method="POST",
            target=target,
            headers=Headers([*pairs, *(headers or [])]),
            body=body.encode(),
        ),
        response=Response(status=200, headers=Headers(pairs), body=answer.encode()),
    )


def event(data: Json, session: str = "session-1") -> Event:
    return Event(number=2, session=session, channel="/v2/me/x", data=data)


def data_of(data: Json) -> Json:
    found = Pseudonyms(WORKBINS).entry(event(data))
    assert isinstance(found, Event)
    return found.data


def test_the_fields_of_a_user_a_mail_a_call_and_a_chat_are_replaced() -> None:
    assert data_of(
        {
            "user": {"userName": "ada7", "firstName": "Ada", "lastName": "Seven", "id": "0a"},
            "email": {"to": ["Pat <pat@shop.example>"], "FromPersonal": "Pat Example"},
            "call": {"ANI": "5551234", "phoneNumber": 5007, "state": "Talking"},
            "messages": [{"type": "Text", "text": "My number?", "index": 3}],
            "userData": {"Header_To": "x", "Subject": "Help", "ContactId": "0003", "Workbin": "w"},
        }
    ) == {
        "user": {
            "userName": "<user:1>",
            "firstName": "<person:1>",
            "lastName": "<person:2>",
            "id": "0a",
        },
        "email": {"to": ["<e-mail:1>"], "FromPersonal": "<person:3>"},
        "call": {"ANI": "<phone:1>", "phoneNumber": "<phone:2>", "state": "Talking"},
        "messages": [{"type": "Text", "text": "<text:1>", "index": 3}],
        "userData": {
            "Header_To": "<text:2>",
            "Subject": "<text:3>",
            "ContactId": "<contact:1>",
            "Workbin": "w",
        },
    }


def test_a_session_is_named_by_the_pseudonym_of_its_user_everywhere() -> None:
    pseudonyms = Pseudonyms(WORKBINS)
    first = pseudonyms.entry(
        exchange(
            "/api/v2/users/agent7?userName=agent8&q=by%20agent7",
            json.dumps({"note": "x", "owner": "agent7"}),
            json.dumps({"uri": "http://h/api/v2/users/agent7/x", "id": "agent70"}),
            headers=[("Referer", "http://h/users/agent7")],
        )
    )
    assert isinstance(first, Exchange)
    assert first.session == "user-1"
    assert first.request.target == "/api/v2/users/<user:1>?userName=<user:2>&q=by%20<user:1>"
    assert json.loads(first.request.body) == {"note": "<text:1>", "owner": "<user:1>"}
    assert first.request.headers.first("Referer") == "http://h/users/<user:1>"
    assert first.response is not None
    assert json.loads(first.response.body) == {
        "uri": "http://h/api/v2/users/<user:1>/x",
        "id": "agent70",
    }
    assert pseudonyms.session("agent8") == "user-2"
    assert pseudonyms.session("agent7-2") == "user-1-2"
    assert pseudonyms.session("session-1") == "session-1"
    assert pseudonyms.session("user-1-2") == "user-1-2"


def test_a_channel_named_after_a_user_stays_a_channel() -> None:
    pseudonyms = Pseudonyms(WORKBINS)
    entry = pseudonyms.entry(Subscribe(number=1, session="agent7", channel="/chat/agent7/*"))
    assert isinstance(entry, Subscribe)
    assert entry.channel == "/chat/user-1/*"


def test_an_ordinary_word_that_is_a_login_is_replaced_as_a_whole_value_only() -> None:
    pseudonyms = Pseudonyms(WORKBINS)
    pseudonyms.session("supervisor")
    entry = pseudonyms.entry(
        event({"assignedBy": "supervisor", "hint": "ask your supervisor", "supervisor": True})
    )
    assert isinstance(entry, Event)
    assert entry.data == {
        "assignedBy": "<user:1>",
        "hint": "ask your supervisor",
        "supervisor": True,
    }


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01 08:40:12.000+0300",
        "user@host",
        "http://agent@h.example/x",
        "?:2>1",
        "+1 234",
        "Tier2@StatServer",
        "@example.com",
    ],
)
def test_what_is_no_address_is_left_alone(text: str) -> None:
    assert data_of({"value": text}) == {"value": text}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mail pat.example+x@shop.example now", "mail <e-mail:1> now"),
        ("mailto:pat%40shop.example", "mailto:<e-mail:1>"),
        ("tel:+49 30 1234567", "tel:<phone:1>"),
        ("+1 (555) 010-0001,+15550100002", "<phone:1>,<phone:2>"),
        ('{"who": {"e-mail": "a@b.example", "n": 1}}', '{"who": {"e-mail": "<e-mail:1>", "n": 1}}'),
    ],
)
def test_an_address_is_found_in_any_text(text: str, expected: str) -> None:
    assert data_of({"value": text}) == {"value": expected}


def test_a_rule_can_be_removed_and_another_made(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("profile") / "mine.yaml"
    path.write_text(
        "profile: mine\nextends: workbins\nwithout: [user names, agents in user data]\n"
        "personal: [{name: badges, kind: badge, names: [badge], paths: [staff.*.no]}]\n"
    )
    mine = Pseudonyms(load_profile(str(path)))
    entry = mine.entry(event({"userName": "a", "Badge": "B-1", "staff": [{"no": "B-2"}]}, "agent7"))
    assert isinstance(entry, Event)
    assert entry.session == "agent7"
    assert entry.data == {"userName": "a", "Badge": "<badge:2>", "staff": [{"no": "<badge:1>"}]}


def test_a_profile_without_personal_rules_changes_nothing() -> None:
    entry = exchange("/x", '{"userName": "a"}', "{}")
    assert Pseudonyms(Profile(name="plain")).entry(entry) == entry


# Laws.

laws = settings(deadline=None)
names = st.text(string.ascii_letters + string.digits + " .'ß", min_size=1, max_size=20).map(
    lambda text: f"Zq{text.strip()}7qZ"
)

PLACES: list[Callable[[str], Entry]] = [
    lambda name: exchange(body=json.dumps({"userName": name})),
    lambda name: exchange(answer=json.dumps({"a": [{"user_name": name}]}, indent=3)),
    lambda name: exchange(answer=json.dumps({"note": json.dumps({"userName": name})})),
    lambda name: exchange(answer=f"cb({json.dumps({'userName': name})})", content_type="text/js"),
    lambda name: exchange(f"/x?User-Name={quote(name)}&y=1"),
    lambda name: exchange(body=f"a=1&userName={quote(name)}", content_type=FORM),
    lambda name: exchange(session=name, answer=json.dumps({"by": name, "list": [name]})),
    lambda name: exchange(f"/x/{quote(name)}/y", session=name),
    lambda name: exchange(session=name, answer=json.dumps({"uri": f"http://h/u/{name}/x"})),
    lambda name: event({"AssignedTo": name}),
    lambda name: event({"text": f"I am {name}, hello"}),
    lambda name: event({"fullName": name, "greeting": f"Hello {name}!"}),
    lambda name: event({"greeting": f"Hello {name}!", "z": {"fullName": name}}),
    lambda name: Publish(number=3, session="s", channel="/x", data={"customerName": name}),
    lambda name: Handshake(number=4, session=name, request_extra={"ext": {"login": name}}),
]


@laws
@given(names, st.sampled_from(PLACES))
def test_a_name_does_not_survive_in_any_place(name: str, place: Callable[[str], Entry]) -> None:
    assert "Zq" not in dump_entry(Pseudonyms(WORKBINS).entry(place(name)))


@laws
@given(st.lists(st.tuples(names, st.sampled_from(PLACES)), min_size=1, max_size=4))
def test_replacing_twice_is_replacing_once(
    plants: list[tuple[str, Callable[[str], Entry]]],
) -> None:
    pseudonyms = Pseudonyms(WORKBINS)
    for name, place in plants:
        once = pseudonyms.entry(place(name))
        assert pseudonyms.entry(once) == once
        assert Pseudonyms(WORKBINS).entry(once) == once


@laws
@given(st.lists(names, min_size=1, max_size=4))
def test_equal_names_have_equal_pseudonyms_and_different_ones_different(people: list[str]) -> None:
    pseudonyms = Pseudonyms(WORKBINS)
    found = []
    for name in people:
        entry = pseudonyms.entry(event([{"userName": name}, {"AssignedTo": name}]))
        assert isinstance(entry, Event)
        assert isinstance(entry.data, list)
        (first,), (second,) = (list(one.values()) for one in entry.data if isinstance(one, dict))
        assert first == second
        found.append(first)
    assert len(set(map(str, found))) == len(set(people))


innocent: st.SearchStrategy[Json] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(string.ascii_letters + string.digits + " -:ä", max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["id", "uri", "statusCode", "userData"]), inner)
    ),
    max_leaves=20,
)
styles = st.builds(
    JsonStyle, spaced=st.booleans(), indent=st.sampled_from([0, 2, 5]), newline=st.booleans()
)


@laws
@given(innocent, styles)
def test_what_is_not_personal_keeps_its_bytes(value: Json, style: JsonStyle) -> None:
    entry = exchange(answer=style.dumps({"a": value}), session="session-1")
    assert Pseudonyms(WORKBINS).entry(entry) == entry
