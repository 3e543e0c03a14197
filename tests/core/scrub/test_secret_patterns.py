"""Secrets that give themselves away by their shape, which the profile knows as patterns."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cometape.core.exchange import Headers, Request, Response
from cometape.core.profile.profile import Profile, SecretRule
from cometape.core.scrub.scrubber import Scrubber
from cometape.profiles import load_profile

WORKBINS = load_profile("workbins")
ALPHANUMERIC = string.ascii_letters + string.digits


def provider_keys() -> st.SearchStrategy[str]:
    """Keys in the forms that their providers document, put together here so that no file of the
    project holds one."""

    def of(prefix: str, length: int) -> st.SearchStrategy[str]:
        return st.text(ALPHANUMERIC, min_size=length, max_size=length).map(lambda t: prefix + t)

    return st.one_of(
        of("gh" + "p_", 36),
        of("github_" + "pat_", 40),
        of("gl" + "pat-", 20),
        of("xo" + "xb-", 24),
        of("AI" + "za", 35),
        of("sk_" + "live_", 24),
        of("s" + "k-proj-", 40),
        of("np" + "m_", 36),
        st.text(string.ascii_uppercase, min_size=16, max_size=16).map(lambda t: "AK" + "IA" + t),
    )


@settings(deadline=None)
@given(provider_keys(), st.sampled_from(["{}", "key {} here", "a,{};", "https://h/{}/x"]))
def test_a_key_of_a_known_provider_does_not_survive_anywhere(key: str, frame: str) -> None:
    text = frame.format(key)
    scrubber = Scrubber(WORKBINS)
    request = Request(
        method="POST",
        target=f"/x/{key}?note={key}",
        headers=Headers([("X-Note", text)]),
        body=json.dumps({"note": text, "in": [json.dumps({"deep": text})]}).encode(),
    )
    clean = scrubber.request(request)
    assert key not in f"{clean.target} {clean.headers} {clean.body.decode()}"
    assert key not in str(scrubber.response(Response(status=200, body=text.encode())).body)
    assert key not in str(scrubber.message({"channel": "/x", "data": [text], "ext": {"n": text}}))
    assert Scrubber(WORKBINS).request(clean) == clean


def test_a_pattern_with_a_group_hides_the_group_only() -> None:
    rule = SecretRule(name="PINs", kind="pin", where=(), names=(), patterns=(r"PIN (\d{4})\b",))
    scrubber = Scrubber(Profile(name="ours", secrets=(rule,)))
    assert scrubber.text("PIN 4711, PIN 4712, PIN 4711; PINs 1234") == (
        "PIN <pin:1>, PIN <pin:2>, PIN <pin:1>; PINs 1234"
    )
    assert scrubber.replaced["pin"] == 3


@pytest.mark.parametrize(
    "text",
    ["sk-", "task-list-of-the-agent-group-number-seven", "npm_install", "ghp_short", "AKIA"],
)
def test_what_only_begins_like_a_key_is_left_alone(text: str) -> None:
    assert Scrubber(WORKBINS).text(text) == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Endpoint=sb://h/;SharedAccessKey=abc=", "Endpoint=sb://h/;SharedAccessKey=<api-key:1>"),
        ("AccountName=a;AccountKey=abc==;X=1", "AccountName=a;AccountKey=<api-key:1>;X=1"),
        ("Server=h;User ID=sa;Password=x y;Z=1", "Server=h;User ID=sa;Password=<password:1>;Z=1"),
    ],
)
def test_a_connection_string_loses_its_secrets(before: str, after: str) -> None:
    assert Scrubber(WORKBINS).text(before) == after


@pytest.mark.parametrize(
    "name",
    [
        *("accountKey", "storageAccountPrimaryKey", "secondaryMasterKey", "connectionString"),
        *("aliasPrimaryConnectionString", "WEBSITE_AUTH_ENCRYPTION_KEY", "decryptionKey"),
        *("encryptedCredential", "appkey", "SupplementaryAuthorization", "accessSAS"),
    ],
)
def test_a_secret_that_azure_names_is_found_in_json(name: str) -> None:
    scrubbed = Scrubber(WORKBINS).json({name: "abc"})
    assert isinstance(scrubbed, dict)
    assert str(scrubbed[name]).startswith("<")
