"""What holds of scrubbing whatever the secret and wherever it is planted."""

from __future__ import annotations

import base64
import json
import string
from collections.abc import Callable
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from cometape.core.body import JsonStyle
from cometape.core.exchange import Headers, Request, Response
from cometape.core.json_value import Json, JsonObject
from cometape.core.scrub.placeholder import has_placeholder, spellings
from cometape.core.scrub.scrubber import Scrubber
from cometape.profiles import load_profile

WORKBINS = load_profile("workbins")
laws = settings(deadline=None)
Traffic = Request | Response | JsonObject

# A secret begins and ends with letters that nothing around it has, so that finding it means it
# leaked, and is neither a placeholder nor blank.
token_like = st.text(string.ascii_letters + string.digits + "-._~+/", min_size=4, max_size=40).map(
    lambda text: f"Zq{text}qZ"
)
"""What a token, a cookie or an id is made of."""
any_text = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30).map(
    lambda text: f"Zq{text}qZ"
)
"""A password can hold anything."""


def request(target: str = "/", body: str = "", **headers: str) -> Request:
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Request(method="POST", target=target, headers=Headers(pairs), body=body.encode())


def answer(body: str = "", **headers: str) -> Response:
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Response(status=200, headers=Headers(pairs), body=body.encode())


def basic(secret: str) -> str:
    return base64.b64encode(f"agent7:{secret}".encode()).decode()


TOKEN_PLACES: list[Callable[[str], Traffic]] = [
    lambda secret: request(Authorization=f"Bearer {secret}"),
    lambda secret: request(Authorization=secret),
    lambda secret: request(Proxy_Authorization=f"Custom {secret}"),
    lambda secret: request(Cookie=f"a=b; JSESSIONID={secret}; c=d"),
    lambda secret: request(Cookie=f'other="{secret}"'),
    lambda secret: request(X_CSRF_TOKEN=secret),
    lambda secret: request(X_Api_Key=secret),
    lambda secret: request(SSID=secret),
    lambda secret: request(Referer=f"https://h/x?y=1&access_token={secret}"),
    lambda secret: request(Referer=f"https://h/x#id_token={secret}&state=1"),
    lambda secret: request(f"/x?token={secret}"),
    lambda secret: request(f"/x?a=1&sig={quote(secret, safe='')}&b=2"),
    lambda secret: request(f"/x/;jsessionid={quote(secret, safe='')}?y=1"),
    lambda secret: request(f"/cometd?message={quote(json.dumps([{'clientId': secret}]))}"),
    lambda secret: request(f"/x?next={quote(f'http://h/?token={quote(secret)}&x=1')}"),
    lambda secret: answer(Set_Cookie=f"BAYEUX_BROWSER={secret}; Path=/; HttpOnly"),
    lambda secret: answer(Location=f"http://user:{quote(secret, safe='')}@h/x"),
    lambda secret: answer(Location=f"/login;jsessionid={quote(secret, safe='')}"),
    lambda secret: answer(f"seen: Authorization: Bearer {secret}9", Content_Type="text/plain"),
    lambda secret: answer(f"x access_token={secret}", Content_Type="text/plain"),
    lambda secret: answer(f"see https://h/?token={secret} now", Content_Type="text/html"),
]


ANY_PLACES: list[Callable[[str], Traffic]] = [
    lambda secret: request(Authorization=f"Basic {basic(secret)}"),
    lambda secret: request(f"/x?password={quote(secret, safe='')}"),
    lambda secret: request(
        body=f"user=a&password={quote(secret, safe='')}",
        Content_Type="application/x-www-form-urlencoded",
    ),
    lambda secret: answer(f"curl -u: Basic {basic(secret)}", Content_Type="text/plain"),
    lambda secret: answer(json.dumps(secret_json(secret)), Content_Type="application/json"),
    lambda secret: answer(json.dumps(secret_json(secret), indent=7)),
    lambda secret: answer(f"cb({json.dumps(secret_json(secret))});"),
    lambda secret: answer(json.dumps({"note": json.dumps(secret_json(secret))})),
    lambda secret: answer(json.dumps([{"note": json.dumps({"b": secret_json(secret)})}], indent=5)),
    lambda secret: answer(json.dumps({"token": {"deep": [{"er": secret}]}}, indent=6)),
    lambda secret: answer(json.dumps({"password": secret})[:-1]),
    lambda secret: answer(
        f'--b\r\nContent-Disposition: form-data; name="password"\r\n\r\n{secret}\r\n--b--\r\n',
        Content_Type="multipart/form-data; boundary=b",
    ),
    lambda secret: {"channel": "/x", "clientId": secret, "data": {"a": [1]}},
    lambda secret: {"channel": "/v2/me/x", "data": [{"accessToken": secret}]},
    lambda secret: {"channel": "/meta/handshake", "ext": {"auth": [{"k": secret}]}},
    lambda secret: {"channel": "/meta/handshake", "custom": secret, "version": "1.0"},
    lambda secret: {"channel": "/x", "ext": {"api-key": secret}, "data": None},
]


def secret_json(secret: str) -> Json:
    return {"n": 1, "list": [{"User-Password": secret}, {"x": None}], "refreshToken": secret}


def scrub(scrubber: Scrubber, traffic: Traffic) -> Traffic:
    if isinstance(traffic, Request):
        return scrubber.request(traffic)
    if isinstance(traffic, Response):
        return scrubber.response(traffic)
    return scrubber.message(traffic)


def written(traffic: Traffic) -> str:
    """All of it, as text."""
    if isinstance(traffic, Request):
        body, head = traffic.body, [traffic.target, *map(str, traffic.headers)]
    elif isinstance(traffic, Response):
        body, head = traffic.body, list(map(str, traffic.headers))
    else:
        return json.dumps(traffic, ensure_ascii=False)
    return "\n".join((*head, body.decode()))


def assert_gone(secret: str, traffic: Traffic) -> None:
    text = written(traffic)
    forms = {*spellings(secret), json.dumps(secret)[1:-1], basic(secret), "Zq"}
    assert [form for form in forms if form in text] == []
    assert has_placeholder(text.replace("&lt;", "<").replace("&gt;", ">"))


token_traffic = st.tuples(token_like, st.sampled_from(TOKEN_PLACES))
any_traffic = st.tuples(any_text, st.sampled_from(ANY_PLACES))
planted = token_traffic | any_traffic


@laws
@given(planted)
def test_no_secret_survives_in_any_place(plant: tuple[str, Callable[[str], Traffic]]) -> None:
    secret, place = plant
    assert_gone(secret, scrub(Scrubber(WORKBINS), place(secret)))


@laws
@given(st.lists(planted, min_size=1, max_size=4))
def test_scrubbing_twice_is_scrubbing_once(
    plants: list[tuple[str, Callable[[str], Traffic]]],
) -> None:
    scrubber = Scrubber(WORKBINS)
    for secret, place in plants:
        once = scrub(scrubber, place(secret))
        assert scrub(scrubber, once) == once
        assert scrub(Scrubber(WORKBINS), once) == once


@laws
@given(
    token_like.filter(lambda secret: len(secret) >= 16),
    st.sampled_from(TOKEN_PLACES + ANY_PLACES),
    st.sampled_from(["{}", "/x/{}/y", "a {} b", '"{}"']),
)
def test_a_long_secret_does_not_survive_elsewhere_once_it_was_met(
    secret: str, place: Callable[[str], Traffic], frame: str
) -> None:
    scrubber = Scrubber(WORKBINS)
    scrubber.json({"token": secret})
    scrub(scrubber, place(secret))
    for spelling in spellings(secret):
        assert "Zq" not in scrubber.text(frame.format(spelling))
        assert_gone(secret, scrubber.message({"channel": "/x", "data": frame.format(spelling)}))


@laws
@given(any_text, st.sampled_from(["accessToken", "password", "clientId"]))
def test_equal_secrets_have_equal_placeholders_in_json_and_in_a_url(secret: str, name: str) -> None:
    scrubber = Scrubber(WORKBINS)
    data = scrubber.json([{name: secret}, {"token": secret}])
    target = scrubber.request(request(f"/x?{name}={quote(secret, safe='')}")).target
    assert isinstance(data, list)
    assert isinstance(data[0], dict)
    assert data[1] == {"token": data[0][name]}
    assert target == f"/x?{name}={data[0][name]}"


words = st.text(string.ascii_letters + string.digits + " .,-äß", max_size=12)
innocent: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["id", "uri", "statusCode", "userData"]), inner)
    ),
    max_leaves=20,
)
styles = st.builds(
    JsonStyle,
    spaced=st.booleans(),
    ascii=st.booleans(),
    indent=st.sampled_from([0, 2, 5]),
    newline=st.booleans(),
)


@laws
@given(innocent, styles)
def test_json_without_secrets_keeps_its_bytes(value: Json, style: JsonStyle) -> None:
    body = style.dumps(value)
    assert Scrubber(WORKBINS).response(answer(body)).body == body.encode()
    assert Scrubber(WORKBINS).json(value) is value


@laws
@given(st.binary())
def test_bytes_that_are_no_text_are_kept(data: bytes) -> None:
    response = Response(status=200, body=b"\xff" + data)
    assert Scrubber(WORKBINS).response(response) == response


@laws
@given(innocent, any_text, styles)
def test_only_the_secret_changes_in_json(value: Json, secret: str, style: JsonStyle) -> None:
    before: Json = {"a": value, "accessToken": secret, "b": [value]}
    after: Json = {"a": value, "accessToken": "<token:1>", "b": [value]}
    scrubbed = Scrubber(WORKBINS).response(answer(style.dumps(before))).body
    assert scrubbed == style.dumps(after).encode()
    assert Scrubber(WORKBINS).json(before) == after


@laws
@given(st.lists(st.tuples(st.sampled_from(["a", "B-c"]), words), max_size=4), words)
def test_headers_and_targets_without_secrets_are_kept(
    pairs: list[tuple[str, str]], word: str
) -> None:
    plain = Request(
        method="GET", target=f"/x/{quote(word)}?q={quote(word)}", headers=Headers(pairs)
    )
    assert Scrubber(WORKBINS).request(plain) == plain
