"""REST and Bayeux traffic of one client lands in one recorded session, and of two in two."""

from __future__ import annotations

import pytest

from cometape.core.cassette import Entry
from cometape.core.json_value import JsonObject
from watching import By, Watching

A, B, C = "a" * 24, "b" * 24, "c" * 24


@pytest.fixture
def watching() -> Watching:
    return Watching()


def names(watching: Watching) -> list[str]:
    return [entry.session for entry in watching.entries]


def name(entries: list[Entry]) -> str:
    (entry,) = entries
    return entry.session


def poll(watching: Watching, client_id: str, *, by: By) -> list[Entry]:
    return watching.bayeux(
        [{"channel": "/meta/connect", "clientId": client_id, "connectionType": "long-polling"}],
        [{"channel": "/meta/connect", "successful": True}],
        by=by,
    )


def refused_poll(watching: Watching, client_id: str, *, by: By) -> list[Entry]:
    reply: JsonObject = {
        "channel": "/meta/connect",
        "successful": False,
        "error": "402::Unknown client",
        "advice": {"reconnect": "handshake"},
    }
    return watching.bayeux([{"channel": "/meta/connect", "clientId": client_id}], [reply], by=by)


def test_a_session_is_named_after_the_user_of_its_basic_credentials(watching: Watching) -> None:
    assert name(watching.rest("GET", "/api/v2/me", by=By(user="agent7"))) == "agent7"


def test_clients_without_a_user_are_counted(watching: Watching) -> None:
    watching.handshake(A, by=By(connection="c1"))
    watching.handshake(B, by=By(connection="c2"))
    assert names(watching) == ["session-1", "session-2"]


def test_the_cookie_of_the_first_answer_leads_cometd_into_the_session(watching: Watching) -> None:
    me = By(connection="c1", user="agent7")
    watching.rest("GET", "/api/v2/me", by=me, set_cookie="JSESSIONID=one; Path=/; HttpOnly")
    watching.handshake(A, by=By(connection="c2", cookie="JSESSIONID=one"))
    poll(watching, A, by=By(connection="c3"))
    assert names(watching) == ["agent7"] * 3


def test_a_cookie_that_is_renewed_stays_in_the_session(watching: Watching) -> None:
    watching.rest("GET", "/a", by=By(user="agent7"), set_cookie="JSESSIONID=one")
    watching.rest("GET", "/b", by=By(cookie="JSESSIONID=one"), set_cookie="JSESSIONID=two")
    watching.rest("GET", "/c", by=By(connection="c5", cookie="JSESSIONID=two"))
    assert names(watching) == ["agent7"] * 3


def test_a_client_that_drops_its_cookies_is_one_session_by_its_credentials(
    watching: Watching,
) -> None:
    for number in range(4):
        by = By(connection=f"c{number}", user="agent7")
        watching.rest("GET", "/a", by=by, set_cookie=f"JSESSIONID=s{number}")
    watching.handshake(A, by=By(connection="c8", user="agent7"), set_cookie="JSESSIONID=s8")
    poll(watching, A, by=By(connection="c9", user="agent7"))
    watching.rest("GET", "/a", by=By(connection="c10", user="agent7"), set_cookie="JSESSIONID=s9")
    assert set(names(watching)) == {"agent7"}


def test_rest_keeps_cookies_and_cometd_drops_them(watching: Watching) -> None:
    watching.rest("GET", "/a", by=By(user="agent7"), set_cookie="JSESSIONID=one")
    watching.rest("GET", "/b", by=By(user="agent7", cookie="JSESSIONID=one"))
    watching.handshake(A, by=By(connection="c2", user="agent7"), set_cookie="JSESSIONID=two")
    poll(watching, A, by=By(connection="c2", user="agent7"))
    assert names(watching) == ["agent7"] * 4


def test_two_sessions_of_one_user_are_told_apart_by_their_cookies(watching: Watching) -> None:
    one = By(connection="c1", user="agent7")
    two = By(connection="c2", user="agent7")
    watching.rest("GET", "/a", by=one, set_cookie="JSESSIONID=one")
    watching.rest("GET", "/a", by=By(connection="c1", cookie="JSESSIONID=one"))
    watching.rest("GET", "/a", by=two, set_cookie="JSESSIONID=two")
    watching.handshake(A, by=By(connection="c3", cookie="JSESSIONID=one"))
    watching.handshake(B, by=By(connection="c4", cookie="JSESSIONID=two"))
    assert names(watching) == ["agent7", "agent7", "agent7-2", "agent7", "agent7-2"]


def test_two_sessions_of_one_user_that_begin_at_once_part_with_their_cookies(
    watching: Watching,
) -> None:
    watching.rest("GET", "/a", by=By(connection="c1", user="agent7"), set_cookie="JSESSIONID=one")
    watching.rest("GET", "/a", by=By(connection="c2", user="agent7"), set_cookie="JSESSIONID=two")
    first = watching.rest("GET", "/b", by=By(connection="c1", cookie="JSESSIONID=one"))
    second = watching.rest("GET", "/b", by=By(connection="c2", cookie="JSESSIONID=two"))
    assert (name(first), name(second)) == ("agent7", "agent7-2")


def test_two_users_behind_one_connection_and_cookie_jar_are_two_sessions(
    watching: Watching,
) -> None:
    watching.rest("GET", "/a", by=By(user="agent7"), set_cookie="JSESSIONID=one")
    entries = watching.rest("GET", "/a", by=By(user="supervisor", cookie="JSESSIONID=one"))
    assert name(entries) == "supervisor"
    assert name(watching.rest("GET", "/a", by=By(user="agent7"))) == "agent7"


def test_two_bayeux_sessions_behind_one_cookie_are_two_sessions(watching: Watching) -> None:
    me = By(cookie="JSESSIONID=one")
    watching.rest("GET", "/a", by=By(user="agent7"), set_cookie="JSESSIONID=one")
    assert name(watching.handshake(A, by=me)) == "agent7"
    assert name(watching.handshake(B, by=me)) == "agent7-2"
    assert name(poll(watching, B, by=me)) == "agent7-2"
    assert name(poll(watching, A, by=me)) == "agent7"


def test_a_page_that_is_loaded_again_stays_in_its_session(watching: Watching) -> None:
    me = By(user="agent7", cookie="JSESSIONID=one")
    watching.handshake(A, by=me)
    held = watching.poll([{"channel": "/meta/connect", "clientId": A}], by=me)
    watching.answer(held, None, error="client left")
    assert name(watching.handshake(B, by=By(connection="c7", cookie="JSESSIONID=one"))) == "agent7"


@pytest.mark.parametrize(
    "by",
    [By(connection="c2"), By(connection="c2", user="agent7")],
    ids=["anonymous", "credentials"],
)
def test_a_new_handshake_after_402_stays_in_the_session(watching: Watching, by: By) -> None:
    before = By(connection="c1", user=by.user)
    session = name(watching.handshake(A, by=before))
    refused_poll(watching, A, by=before)
    assert name(watching.handshake(B, by=by)) == session


def test_after_a_restart_each_of_two_users_shakes_hands_in_its_own_session(
    watching: Watching,
) -> None:
    seven, eight = By(connection="c1", user="agent7"), By(connection="c2", user="agent8")
    watching.handshake(A, by=seven)
    watching.handshake(B, by=eight)
    refused_poll(watching, A, by=seven)
    refused_poll(watching, B, by=eight)
    assert name(watching.handshake(C, by=By(connection="c3", user="agent8"))) == "agent8"


def test_a_poll_that_answers_after_the_disconnect_does_not_revive_the_session(
    watching: Watching,
) -> None:
    me = By(user="agent7")
    watching.handshake(A, by=me)
    held = watching.poll([{"channel": "/meta/connect", "clientId": A}], by=me)
    watching.bayeux(
        [{"channel": "/meta/disconnect", "clientId": A}],
        [{"channel": "/meta/disconnect", "successful": True}],
        by=me,
    )
    watching.answer(held, [{"channel": "/meta/connect", "successful": True}])
    assert name(watching.handshake(B, by=me)) == "agent7"


def test_calls_without_any_mark_join_the_only_client_there_is(watching: Watching) -> None:
    watching.handshake(A, by=By(connection="c1"))
    for number in range(3):
        watching.rest("GET", "/static", by=By(connection=f"r{number}"))
    assert set(names(watching)) == {"session-1"}


def test_bayeux_without_any_mark_joins_the_only_client_that_has_none(watching: Watching) -> None:
    watching.rest("GET", "/a", by=By(connection="c1", user="agent7"))
    assert name(watching.handshake(A, by=By(connection="c2"))) == "agent7"
    assert name(watching.handshake(B, by=By(connection="c3"))) == "session-1"


def test_an_anonymous_post_that_is_given_a_cookie_is_a_login(watching: Watching) -> None:
    for number in (1, 2):
        watching.rest(
            "POST",
            "/login",
            by=By(connection=f"c{number}"),
            set_cookie=f"JSESSIONID=s{number}",
        )
    assert names(watching) == ["session-1", "session-2"]


def test_a_deleted_cookie_is_no_mark(watching: Watching) -> None:
    watching.rest("GET", "/a", by=By(user="agent7"), set_cookie="JSESSIONID=x; Max-Age=0")
    assert (
        name(watching.rest("GET", "/a", by=By(connection="c2", cookie="JSESSIONID=x"))) != "agent7"
    )


def test_a_bearer_token_is_a_mark_without_a_name(watching: Watching) -> None:
    for number, token in enumerate(("tok-1", "tok-2", "tok-1")):
        watching.rest(
            "GET",
            "/a",
            by=By(connection=f"c{number}"),
            headers=[("Authorization", f"Bearer {token}-0123456789")],
        )
    assert names(watching) == ["session-1", "session-2", "session-1"]


def test_a_user_name_in_iso_8859_1_is_read(watching: Watching) -> None:
    (entry,) = watching.rest(
        "GET", "/a", by=By(), headers=[("Authorization", "Basic auRyOnNlY3JldHNlY3JldA==")]
    )
    assert entry.session == "j\u00e4r"


def test_in_the_generic_profile_the_cookie_of_cometd_leads_the_way() -> None:
    watching = Watching("bayeux")
    watching.handshake(A, by=By(connection="c1"), set_cookie="BAYEUX_BROWSER=x1", path="/cometd")
    jar = By(connection="c2", cookie="BAYEUX_BROWSER=x1")
    watching.handshake(B, by=jar, path="/cometd")
    assert names(watching) == ["session-1", "session-2"]
