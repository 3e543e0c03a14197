"""Identities are found and rewritten where the profile declares them, nowhere else."""

from __future__ import annotations

import pytest

from cometape.core.exchange import Headers, Request
from cometape.core.json_value import Json
from cometape.core.profile.identity_places import (
    IdentityAt,
    cookie_of,
    identities_of_event,
    identities_of_request,
    identities_of_response,
)
from cometape.core.profile.profile_format import parse_profile
from cometape.profiles import load_profile

WORKBINS = load_profile("workbins")


def shown(found: IdentityAt) -> tuple[str, tuple[str | int, ...], Json]:
    return found.kind.name, found.location, found.value


def test_an_answer_issues_one_reference_id_or_a_map_of_them() -> None:
    one = identities_of_response(WORKBINS, {"statusCode": 0, "referenceId": 17})
    assert [shown(found) for found in one] == [("reference-id", ("referenceId",), 17)]
    several = list(identities_of_response(WORKBINS, {"referenceIds": {"B": 57, "A": 56}}))
    assert [shown(found) for found in several] == [
        ("reference-id", ("referenceIds", "B"), 57),
        ("reference-id", ("referenceIds", "A"), 56),
    ]
    assert all(found.issued for found in several)


def test_a_number_elsewhere_is_no_identity() -> None:
    data: Json = {
        "referenceId": 17,
        "count": 17,
        "workitem": {"userData": {"referenceId": 17, "PegAG?:2>1": 17}},
    }
    (found,) = identities_of_event(WORKBINS, data)
    assert shown(found) == ("reference-id", ("referenceId",), 17)
    assert not found.issued


@pytest.mark.parametrize("value", [True, None, "17", 17.0, {"a": 1}])
def test_a_value_in_another_form_is_no_identity(value: Json) -> None:
    assert list(identities_of_event(WORKBINS, {"referenceId": value})) == []


def test_headers_and_cookies_of_an_answer_are_looked_at() -> None:
    headers = Headers(
        [
            ("Set-Cookie", "JSESSIONID=<session:1>; Path=/; HttpOnly"),
            ("set-cookie", "theme=dark"),
            ("x-csrf-token", "<csrf-token:1>"),
        ]
    )
    assert {shown(found) for found in identities_of_response(WORKBINS, None, headers)} == {
        ("session", ("JSESSIONID", 0), "<session:1>"),
        ("csrf-token", ("X-CSRF-TOKEN", 0), "<csrf-token:1>"),
    }


def test_a_request_is_looked_at_in_every_part() -> None:
    request = Request(
        method="POST",
        target="/api/v2/x?clientId=c1&clientId=c2",
        headers=Headers([("Cookie", "JSESSIONID=s1; a=b"), ("My-Token", "t1")]),
    )
    found = identities_of_request(
        WORKBINS, request, {"a": {"clientId": "c3"}}, {"x-csrf-header": "My-Token"}
    )
    assert {shown(identity) for identity in found} == {
        ("client-id", ("a", "clientId"), "c3"),
        ("client-id", ("clientId", 0), "c1"),
        ("client-id", ("clientId", 1), "c2"),
        ("session", ("JSESSIONID",), "s1"),
        ("csrf-token", ("My-Token", 0), "t1"),
    }


def test_a_path_segment_can_be_an_identity() -> None:
    profile = parse_profile(
        {
            "profile": "p",
            "identities": {
                "item": {"form": "text", "used": ["request.path /api/*/items/{}"]},
            },
        },
        "p",
    )

    def segments(target: str) -> list[object]:
        request = Request(method="GET", target=target)
        return [shown(found)[1:] for found in identities_of_request(profile, request)]

    assert segments("/api/v2/items/X?y=1") == [((4,), "X")]
    assert segments("/api/v2/items") == []
    assert segments("/api/v2/things/X") == []
    assert segments("/api/v2/items/X/more") == []


@pytest.mark.parametrize(
    ("header", "cookie"),
    [
        ("JSESSIONID=a=b; Path=/", ("JSESSIONID", "a=b")),
        (" x = ", ("x", "")),
        ("nothing", None),
        ("=x", None),
    ],
)
def test_a_set_cookie_header_names_a_cookie(header: str, cookie: tuple[str, str] | None) -> None:
    assert cookie_of(header) == cookie
