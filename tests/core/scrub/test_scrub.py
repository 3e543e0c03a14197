"""The scrubber takes out secrets by their place, by their shape and once met; nothing else."""

from __future__ import annotations

import json

import pytest

from cometape.core.exchange import Headers, Request, Response
from cometape.core.json_value import Json
from cometape.core.profile.profile_format import parse_profile
from cometape.core.scrub.scrubber import Scrubber
from cometape.profiles import load_profile

WORKBINS = load_profile("workbins")
LONG = "9f8e7d6c5b4a39281706"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZ2VudDcifQ.dBjftJeZ4CVPmB92K27uhbUJU1p1r"


def scrubbed_header(name: str, value: str) -> str:
    request = Request(method="GET", target="/", headers=Headers([(name, value)]))
    ((kept, new),) = Scrubber(WORKBINS).request(request).headers
    assert kept == name
    return new


def scrubbed_target(target: str) -> str:
    return Scrubber(WORKBINS).request(Request(method="GET", target=target)).target


def scrubbed_body(body: str, content_type: str = "application/json") -> str:
    headers = Headers([("Content-Type", content_type)])
    response = Response(status=200, headers=headers, body=body.encode())
    return Scrubber(WORKBINS).response(response).body.decode()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("Authorization", "Basic YWdlbnQ3OnNlY3JldA==", "Basic <credentials:1>"),
        ("authorization", "Bearer abc", "Bearer <token:1>"),
        ("Proxy-Authorization", 'Digest username="a", response="b"', "Digest <credentials:1>"),
        ("Authorization", "opaque", "<credentials:1>"),
        ("Authorization", "Bearer <token:7>", "Bearer <token:7>"),
        ("Authorization", "", ""),
        ("Cookie", "JSESSIONID=abc; theme=dark", "JSESSIONID=<session:1>; theme=<cookie:1>"),
        ("Cookie", 'a="quoted"; flag; b=', 'a="<cookie:1>"; flag; b='),
        (
            "Set-Cookie",
            "JSESSIONID=abc; Path=/; HttpOnly; SameSite=Lax",
            "JSESSIONID=<session:1>; Path=/; HttpOnly; SameSite=Lax",
        ),
        ("Set-Cookie", "JSESSIONID=; Max-Age=0", "JSESSIONID=; Max-Age=0"),
        ("X-CSRF-TOKEN", "u-u-i-d", "<csrf-token:1>"),
        ("x-xsrf-token", "u-u-i-d", "<csrf-token:1>"),
        ("X-Api-Key", "k", "<api-key:1>"),
        ("SSID", "s", "<session:1>"),
        ("X-Amz-Security-Token", "s", "<token:1>"),
        ("Location", "//h/cb#access_token=a&state=1", "//h/cb#access_token=<token:1>&state=1"),
        (
            "Referer",
            "http://agent7:pw@h/x;jsessionid=abc?y=1",
            "http://<credentials:1>@h/x;jsessionid=<session:1>?y=1",
        ),
        ("X-Debug", f"saw {JWT} here", "saw <token:1> here"),
    ],
)
def test_a_secret_in_a_header_is_replaced(name: str, value: str, expected: str) -> None:
    assert scrubbed_header(name, value) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-CSRF-HEADER", "X-CSRF-TOKEN"),
        ("Content-Type", "application/json;charset=UTF-8"),
        ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)"),
        ("WWW-Authenticate", 'Basic realm="GWS", charset="UTF-8"'),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("ETag", '"33a64df551425fcc55e4d42a148795d9f25f89d4"'),
        ("Location", "http://h:8090/api/v2/workbins/aee812a5-7396-4dd9-b180-230f1c1fb085?fields=*"),
        ("Warning", "Basic authentication is obsolete, Bearer authentication is not"),
        ("Link", "<http://user@h/x>; rel=next"),
    ],
)
def test_another_header_is_left_alone(name: str, value: str) -> None:
    assert scrubbed_header(name, value) == value


def test_the_header_that_an_answer_names_holds_the_csrf_token_from_then_on() -> None:
    scrubber = Scrubber(WORKBINS)
    scrubber.response(Response(status=200, headers=Headers([("X-CSRF-HEADER", "X-Shop")])))
    request = Request(method="POST", target="/", headers=Headers([("x-shop", "abc")]))
    assert scrubber.request(request).headers == Headers([("x-shop", "<csrf-token:1>")])


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/x?access_token=a%2Fb&y=1", "/x?access_token=<token:1>&y=1"),
        ("/x?y=1&Access-Token=a&flag&z=", "/x?y=1&Access-Token=<token:1>&flag&z="),
        ("/x?sig=a%2Bb%3D", "/x?sig=<signature:1>"),
        ("/x?user%5Bpassword%5D=a", "/x?user%5Bpassword%5D=<password:1>"),
        ("/x;jsessionid=abc?y=1", "/x;jsessionid=<session:1>?y=1"),
        ("/x?token=%3Ctoken%3A4%3E", "/x?token=%3Ctoken%3A4%3E"),
        (
            "/x?back=https%3A%2F%2Fh%2F%3Ftoken%3Dabc%26z%3D1",
            "/x?back=https%3A%2F%2Fh%2F%3Ftoken%3D<token:1>%26z%3D1",
        ),
        (
            "/cometd?jsonp=cb&message=%5B%7B%22clientId%22%3A%22abc%22%7D%5D",
            "/cometd?jsonp=cb&message=%5B%7B%22clientId%22%3A%22<client-id:1>%22%7D%5D",
        ),
    ],
)
def test_a_secret_in_a_url_is_replaced(target: str, expected: str) -> None:
    assert scrubbed_target(target) == expected


@pytest.mark.parametrize(
    "target",
    [
        "/api/v2/me/workbins?workbinIds=aee812a5-7396-4dd9-b180-230f1c1fb085,x&fields=*",
        "/x?q=a%20b&q=c+d&empty=&flag&pageToken=abc",
        "/x?a=%zz&&=",
        "/%E4%BD%A0?",
        "*",
        "",
    ],
)
def test_another_target_is_left_alone(target: str) -> None:
    assert scrubbed_target(target) == target


@pytest.mark.parametrize(
    "name",
    ["accessToken", "access_token", "Access-Token", "ACCESS_TOKEN", "access token", "idToken"],
)
def test_a_token_in_json_is_found_in_any_case_style(name: str) -> None:
    body = json.dumps({"a": [{name: "abc"}]}, separators=(",", ":"))
    assert scrubbed_body(body) == body.replace('"abc"', '"<token:1>"')


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"password":"a","b":"a"}', '{"password":"<password:1>","b":"a"}'),
        ('{"newPassword": 1234, "n": 1234}', '{"newPassword": "<password:1>", "n": 1234}'),
        ('{"tokens":1,"token":null,"x":{"token":true}}', None),
        ('{"password":"","secret":"  "}', None),
        ('{"token":{"value":"v","ttl":true}}', '{"token":{"value":"<token:1>","ttl":true}}'),
        ('{"credentials":["a","b"]}', '{"credentials":["<credentials:1>","<credentials:2>"]}'),
        ('{"authorization":"Basic YTpi"}', '{"authorization":"Basic <credentials:1>"}'),
        ('{"authorization":{"roles":["ROLE_AGENT"]}}', None),
        ('{"name":"Cookie-Token","value":"a"}', '{"name":"Cookie-Token","value":"<token:1>"}'),
        (
            '{"key":"password","value":[1,"a"]}',
            '{"key":"password","value":["<password:1>","<password:2>"]}',
        ),
        ('{"name":"colour","value":"a"}', None),
        ('{"clientId":"abc"}', '{"clientId":"<client-id:1>"}'),
        ('{"clientId":12}', None),
        ('{"nextPageToken":"abc"}', None),
        ('{"csrfToken":"abc"}', '{"csrfToken":"<csrf-token:1>"}'),
        ('{"note":"{\\"token\\":\\"abc\\"}"}', '{"note":"{\\"token\\":\\"<token:1>\\"}"}'),
        ('{"uri":"http://h/?token=abc"}', '{"uri":"http://h/?token=<token:1>"}'),
        ('{"log":"sent Bearer a1b2c3d4e5"}', '{"log":"sent Bearer <token:1>"}'),
        ('"just Bearer a1b2c3d4e5"', '"just Bearer <token:1>"'),
        ('[["Authorization","Bearer a1b2c3d4"]]', '[["Authorization","Bearer <token:1>"]]'),
    ],
)
def test_a_secret_in_json_is_replaced(body: str, expected: str | None) -> None:
    assert scrubbed_body(body) == (body if expected is None else expected)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            '{ "a" : 1.0E5,\r\n\t"accessToken" : "abc", "b":"\\u00e9\\/" }',
            '{ "a" : 1.0E5,\r\n\t"accessToken" : "<token:1>", "b":"\\u00e9\\/" }',
        ),
        (
            '{"token":"a","token":"b","x":{"password" : 12}}',
            '{"token":"<token:1>","token":"<token:2>","x":{"password" : "<password:1>"}}',
        ),
        ('{"token" :{"value": "a"}}', '{"token":{"value":"<token:1>"}}'),
        ('{"token":"abc"', '{"token":"<token:1>"'),
        ('cb([{"clientId":"abc"}]);', 'cb([{"clientId":"<client-id:1>"}]);'),
        ('{"token":"abc"}\n{"token":"abc"}\n', '{"token":"<token:1>"}\n{"token":"<token:1>"}\n'),
        ("{u'password': u'abc', 'n': None}", "{u'password': u'<password:1>', 'n': None}"),
    ],
)
def test_json_in_an_odd_layout_keeps_it_wherever_it_can(body: str, expected: str) -> None:
    assert scrubbed_body(body) == expected


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        (
            "application/x-www-form-urlencoded",
            "user=agent7&password=a%20b&x=",
            "user=agent7&password=<password:1>&x=",
        ),
        ("", "grant_type=x&client_secret=a", "grant_type=x&client_secret=<secret:1>"),
        (
            "application/x-www-form-urlencoded",
            "message=%5B%7B%22clientId%22%3A%22abc%22%7D%5D",
            "message=%5B%7B%22clientId%22%3A%22<client-id:1>%22%7D%5D",
        ),
        (
            "multipart/form-data; boundary=b",
            '--b\r\nContent-Disposition: form-data; name="password"\r\n\r\na b\r\n--b--\r\n',
            '--b\r\nContent-Disposition: form-data; name="password"\r\n\r\n'
            "<password:1>\r\n--b--\r\n",
        ),
        (
            "text/xml",
            '<a><w:Password Type="x">abc</w:Password><b token="d"/></a>',
            '<a><w:Password Type="x">&lt;password:1&gt;</w:Password>'
            '<b token="&lt;token:1&gt;"/></a>',
        ),
        (
            "text/html;charset=utf-8",
            '<input type="hidden" name="csrf_token" value="a&amp;b"><script>token=read();'
            'c={apiKey:"k"}</script><a href="/x?token=y">',
            '<input type="hidden" name="csrf_token" value="&lt;csrf-token:1&gt;">'
            '<script>token=read();c={apiKey:"<api-key:1>"}</script><a href="/x?token=y">',
        ),
        ("text/plain", "login password=abc, ok", "login password=<password:1>, ok"),
        ("text/plain", f"-H 'Authorization: Bearer {JWT}'", "-H 'Authorization: Bearer <token:1>'"),
        ("text/plain", "Basic YWdlbnQ3OnNlY3JldA== sent", "Basic <credentials:1> sent"),
        (
            "text/plain",
            "see http://a:b@h/ and http://h/?sig=c",
            "see http://<credentials:1>@h/ and http://h/?sig=<signature:1>",
        ),
        (
            "application/x-pem-file",
            "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\n",
            "-----BEGIN RSA PRIVATE KEY-----<private-key:1>-----END RSA PRIVATE KEY-----\n",
        ),
    ],
)
def test_a_secret_in_another_body_is_replaced(content_type: str, body: str, expected: str) -> None:
    assert scrubbed_body(body, content_type) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x89PNG\r\n\x1a\n\x00eyJhbGciOiJ.IUzI1NiJ9.x",
        b'{"a": [1, 2.50, true, null],  "b":"\\/"}\n',
        "<p>Passwörter: Basic, Bearer</p>".encode("iso-8859-1"),
        b"{" * 2000,
        b"[" * 1000 + b"]" * 1000,
    ],
)
def test_a_body_without_secrets_keeps_its_bytes(body: bytes) -> None:
    response = Response(status=200, headers=Headers([("Content-Type", "x/y")]), body=body)
    assert Scrubber(WORKBINS).response(response) == response


def test_a_body_that_is_no_utf8_loses_its_secrets_and_nothing_else() -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="token"\r\n\r\n\xff\xfe\r\n--b--'
    headers = Headers([("Content-Type", "multipart/form-data; boundary=b")])
    response = Scrubber(WORKBINS).response(Response(status=200, headers=headers, body=body))
    assert response.body == body.replace(b"\xff\xfe", b"<token:1>")


def test_equal_secrets_keep_their_link_between_request_answer_and_message() -> None:
    scrubber = Scrubber(WORKBINS)
    issued = scrubber.response(
        Response(status=200, headers=Headers([("Set-Cookie", f"JSESSIONID={LONG}; Path=/")]))
    )
    used = scrubber.request(
        Request(method="GET", target="/", headers=Headers([("Cookie", f"a=b; JSESSIONID={LONG}")]))
    )
    assert issued.headers.first("Set-Cookie") == "JSESSIONID=<session:1>; Path=/"
    assert used.headers.first("Cookie") == "a=<cookie:1>; JSESSIONID=<session:1>"
    assert scrubber.message({"channel": "/x", "data": {"sessionId": LONG}}) == {
        "channel": "/x",
        "data": {"sessionId": "<session:1>"},
    }


def test_a_pushed_event_loses_its_token_and_keeps_its_reference_id() -> None:
    message: dict[str, Json] = {
        "channel": "/v2/me/workitems",
        "data": {"referenceId": 17, "accessToken": "abc", "workitem": {"id": "X"}},
    }
    assert Scrubber(WORKBINS).message(message) == {
        "channel": "/v2/me/workitems",
        "data": {"referenceId": 17, "accessToken": "<token:1>", "workitem": {"id": "X"}},
    }


def test_a_message_without_secrets_is_the_same_message() -> None:
    message: dict[str, Json] = {"channel": "/v2/me/x", "data": {"a": [1, {"b": None}]}, "id": "1"}
    assert Scrubber(WORKBINS).message(message) is message


def test_a_handshake_loses_every_custom_field_and_keeps_the_protocol() -> None:
    message: dict[str, Json] = {
        "ext": {
            "ack": True,
            "timesync": {"tc": 1, "l": 0, "o": 0},
            "auth": {"user": "agent7", "pin": 1234, "remember": True},
            "com.example": "x",
        },
        "id": "1",
        "channel": "/meta/handshake",
        "version": "1.0",
        "minimumVersion": "1.0",
        "supportedConnectionTypes": ["websocket", "long-polling"],
        "advice": {"timeout": 60000, "interval": 0},
        "ticket": "t",
    }
    assert Scrubber(WORKBINS).message(message) == message | {
        "ext": {
            "ack": True,
            "timesync": {"tc": 1, "l": 0, "o": 0},
            "auth": {"user": "<credentials:1>", "pin": "<credentials:2>", "remember": True},
            "com.example": "<credentials:3>",
        },
        "ticket": "<credentials:4>",
    }


def test_a_handshake_in_an_http_body_is_treated_the_same() -> None:
    body = '[{"ext":{"auth":"x"},"channel":"/meta/handshake","version":"1.0"}]'
    assert scrubbed_body(body) == body.replace('"x"', '"<credentials:1>"')
    odd = '[{"ext" : {"auth":"x"}, "channel":"/meta/handshake"}]'
    assert json.loads(scrubbed_body(odd))[0]["ext"] == {"auth": "<credentials:1>"}


def test_the_answer_to_a_handshake_keeps_what_is_no_secret() -> None:
    message: dict[str, Json] = {
        "channel": "/meta/handshake",
        "successful": True,
        "clientId": "abc",
        "ext": {"ack": True, "server": "x", "token": "y"},
        "advice": {"reconnect": "retry"},
    }
    assert Scrubber(WORKBINS).message(message) == message | {
        "clientId": "<client-id:1>",
        "ext": {"ack": True, "server": "x", "token": "<token:1>"},
    }


def test_what_was_replaced_is_counted_by_kind_once() -> None:
    scrubber = Scrubber(WORKBINS)
    scrubber.request(
        Request(
            method="POST",
            target=f"/x?token={LONG}",
            headers=Headers([("Authorization", "Basic YTpi"), ("Cookie", "a=b")]),
            body=json.dumps({"again": LONG}).encode(),
        )
    )
    assert scrubber.replaced == {"credentials": 1, "cookie": 1, "token": 2}


def test_rules_of_a_users_profile_come_first() -> None:
    profile = parse_profile(
        {
            "profile": "mine",
            "secrets": [
                {"name": "people", "kind": "person", "where": "json", "names": ["From*", "token"]}
            ],
            "without": ["passwords"],
        },
        "mine",
        base=WORKBINS,
    )
    assert Scrubber(profile).json({"FromPersonal": "A", "token": "t", "password": "p"}) == {
        "FromPersonal": "<person:1>",
        "token": "<person:2>",
        "password": "p",
    }


def test_numbers_in_a_cassette_scrubbed_before_are_not_given_out_again() -> None:
    scrubber = Scrubber(WORKBINS)
    assert scrubber.json({"a": {"token": "<token:4>"}, "b": {"token": "new"}}) == {
        "a": {"token": "<token:4>"},
        "b": {"token": "<token:5>"},
    }
