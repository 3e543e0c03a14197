"""A secret that was met once is replaced wherever else it turns up: a short one with more care."""

from __future__ import annotations

import base64
import json

import pytest

from cometape.core.exchange import Headers, Request
from cometape.core.json_value import Json, JsonObject
from cometape.core.scrub.scrubber import Scrubber
from cometape.profiles import load_profile

WORKBINS = load_profile("workbins")
LONG = "9f8e7d6c5b4a39281706"


def test_a_secret_once_met_is_replaced_wherever_else_it_turns_up() -> None:
    scrubber = Scrubber(WORKBINS)
    secret = "a/b+" + LONG
    scrubber.json({"accessToken": secret})
    spelt = base64.b64encode(secret.encode()).decode()
    text = f"{secret} a%2Fb%2B{LONG} a%2fb%2b{LONG} {spelt} x{secret}y"
    assert scrubber.text(text) == (
        "<token:1> <token:1> <token:1> <token:1>" + "=" * spelt.count("=") + " x<token:1>y"
    )
    assert scrubber.json({secret: [secret]}) == {"<token:1>": ["<token:1>"]}
    request = Request(
        method="GET", target=f"/x/{LONG}/a%2Fb%2B{LONG}", body=b"\xff" + secret.encode()
    )
    assert scrubber.request(request).target == f"/x/{LONG}/<token:1>"
    assert scrubber.request(request).body == b"\xff<token:1>"


def test_a_secret_is_replaced_before_the_place_that_gives_it_away_too() -> None:
    request = Request(
        method="POST",
        target=f"/x/{LONG}",
        headers=Headers([("X-Trace", LONG)]),
        body=json.dumps({"first": LONG, "token": LONG}).encode(),
    )
    scrubbed = Scrubber(WORKBINS).request(request)
    assert LONG not in repr(scrubbed)
    assert scrubbed.target == "/x/<token:1>"


def test_the_password_in_basic_credentials_is_met_as_well() -> None:
    scrubber = Scrubber(WORKBINS)
    value = "Basic " + base64.b64encode(f"agent7:{LONG}".encode()).decode()
    scrubber.request(Request(method="GET", target="/", headers=Headers([("Authorization", value)])))
    assert scrubber.json({"typed": LONG, "user": "agent7"}) == {
        "typed": "<password:1>",
        "user": "agent7",
    }


def test_a_preference_cookie_is_not_hunted_elsewhere() -> None:
    scrubber = Scrubber(WORKBINS)
    cookie = Headers([("Cookie", "user=00025aA4V4DR00P5")])
    scrubber.request(Request(method="GET", target="/", headers=cookie))
    target = "/api/v2/users/00025aA4V4DR00P5/agent7"
    assert scrubber.request(Request(method="GET", target=target)).target == target


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "the password is {}, and so on",
        "({})",
        "/x/{}/y",
        "user=agent7;pw={}",
        json.dumps({"deep": [{"note": "it is {}."}]}),
        json.dumps({"note": json.dumps({"said": ["\n{}\n"]})}),
    ],
)
def test_a_short_secret_is_replaced_where_it_stands_by_itself(text: str) -> None:
    scrubber = Scrubber(WORKBINS)
    basic = base64.b64encode(b"agent7:hunter2").decode()
    authorization = Headers([("Authorization", f"Basic {basic}")])
    scrubber.request(Request(method="GET", target="/", headers=authorization))
    here = text.replace("{}", "hunter2")
    assert scrubber.text(here) == text.replace("{}", "<password:1>")
    assert scrubber.json({"a": [here]}) == {"a": [text.replace("{}", "<password:1>")]}


@pytest.mark.parametrize("text", ["hunter22", "Xhunter2", "02F0-hunter2", "hunter2_3", "HUNTER2"])
def test_a_short_secret_within_a_word_or_an_id_is_chance(text: str) -> None:
    scrubber = Scrubber(WORKBINS)
    scrubber.json({"password": "hunter2"})
    assert scrubber.json({"id": text, "note": f"see {text}!"}) == {
        "id": text,
        "note": f"see {text}!",
    }


def test_a_secret_that_is_a_word_is_replaced_as_a_whole_value_only() -> None:
    scrubber = Scrubber(WORKBINS)
    scrubber.json({"password": "swordfish"})
    assert scrubber.json({"typed": "swordfish", "text": "a swordfish swims"}) == {
        "typed": "<password:1>",
        "text": "a swordfish swims",
    }
    target = scrubber.request(
        Request(method="GET", target="/x?q=swordfish&fish=swordfishes")
    ).target
    assert target == "/x?q=<password:1>&fish=swordfishes"


def test_what_is_too_short_or_a_number_is_replaced_in_its_place_only() -> None:
    scrubber = Scrubber(WORKBINS)
    assert scrubber.json([{"password": "123456"}, {"password": "a1b2c"}, {"pin": 123456}]) == [
        {"password": "<password:1>"},
        {"password": "<password:2>"},
        {"pin": 123456},
    ]
    assert scrubber.json(["123456", "a1b2c"]) == ["123456", "a1b2c"]


def test_a_password_that_is_the_name_of_its_user_leaves_the_name() -> None:
    login = "Basic " + base64.b64encode(b"agent7:agent7").decode()
    logins: list[Json] = [{"userName": "agent7", "password": "agent7"}, {"authorization": login}]
    for given in logins:
        scrubber = Scrubber(WORKBINS)
        scrubbed = scrubber.json(given)
        assert scrubbed != given
        assert scrubber.json({"userName": "agent7"}) == {"userName": "agent7"}


def test_a_short_value_of_a_handshake_is_not_hunted_because_it_may_be_anything() -> None:
    scrubber = Scrubber(WORKBINS)
    handshake: JsonObject = {"channel": "/meta/handshake", "ext": {"platform": "desk2top"}}
    assert scrubber.message(handshake)["ext"] == {"platform": "<credentials:1>"}
    assert scrubber.json({"platform": "desk2top"}) == {"platform": "desk2top"}
