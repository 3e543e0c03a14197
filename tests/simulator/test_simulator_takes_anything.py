"""Whatever an odd client sends, the simulated system answers it as the API does."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from cometape.simulator.demo_data import DEMO_DATA
from cometape.simulator.routes import ROUTES
from cometape.simulator.statuses import STATUS_MESSAGES
from workbins_people import Person, workbins_talk

WORDS = st.sampled_from(
    [
        *("me", "users", "workbins", "workitems", "chats", "channels", "contacts", "voice"),
        *("settings", "agent-states", "devices", "..", "", "%2F", "%00", "é", "x" * 300),
        *(user.id for user in DEMO_DATA.users),
        *(workbin.id for workbin in DEMO_DATA.workbins),
        *(interaction.id for interaction, _ in DEMO_DATA.interactions),
    ]
)
QUERIES = st.lists(
    st.sampled_from(
        [
            *("fields=*", "fields=", "subresources=*", "subresources=chat,email", "subresources=x"),
            *(
                "agentGroup=Tier2",
                "agentGroup=",
                "placeGroup=FrontOffice",
                "workbinIds=",
                "%",
                "&=",
            ),
            *(f"workbinIds={workbin.id},x" for workbin in DEMO_DATA.workbins),
        ]
    ),
    max_size=3,
)
OPERATIONS = st.sampled_from(
    sorted({operation for route in ROUTES for operation in route.operations})
)
VALUES = st.one_of(
    st.none(),
    st.integers(),
    WORDS,
    st.lists(WORDS, max_size=2),
    st.dictionaries(WORDS, WORDS, max_size=2),
)
FIELDS = st.dictionaries(
    st.sampled_from(
        [
            *("id", "uri", "userData", "keys", "channels", "place", "queueUri", "queueName"),
            *("userName", "targetUri", "nickname", "saveLAR", "text", "parentId"),
        ]
    ),
    VALUES,
    max_size=4,
)
BODIES = st.one_of(
    st.builds(lambda name, more: json.dumps({**more, "operationName": name}), OPERATIONS, FIELDS),
    st.sampled_from(["", "null", "17", "[]", "{", '{"operationName":{}}']),
)
REQUESTS = st.tuples(
    st.sampled_from(["GET", "POST", "POST", "POST", "PUT", "OPTIONS"]),
    st.lists(WORDS, max_size=4),
    QUERIES,
    BODIES,
)


@settings(max_examples=40, deadline=None)
@given(requests=st.lists(REQUESTS, max_size=12), user=st.sampled_from(["agent7", "supervisor"]))
def test_every_request_is_answered_with_a_status_code(
    requests: list[tuple[str, list[str], list[str], str]], user: str
) -> None:
    talk = workbins_talk(switches={"enableJoinOnPullChat": "on"})
    person = Person(talk, user).arrive("/**")
    for method, segments, query, body in requests:
        target = "/".join(["/api/v2", *segments]) + "?" + "&".join(query)

        answer = person.send(method, target, body, ("Content-Type", "application/json"))

        code = answer.json["statusCode"]
        assert code in STATUS_MESSAGES
        assert code != 4
        assert code in (0, 7) or set(answer.json) == {"statusCode", "statusMessage"}
        if answer.status == 401:  # the session was ended by an operation
            person = Person(talk, user).arrive("/**")
    talk.advance(5)
