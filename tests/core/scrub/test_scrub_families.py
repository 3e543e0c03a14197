"""The families of secrets that other record-and-replay tools know, in the places they occur in."""

from __future__ import annotations

import json

import pytest

from cometape.core.exchange import Headers, Request, Response
from cometape.core.json_value import JsonObject
from cometape.core.profile.profile_format import parse_profile
from cometape.core.scrub.scrubber import Scrubber
from cometape.profiles import load_profile

WORKBINS = load_profile("workbins")
MARK = "Zq1x2"

HEADERS = [
    *("Authorization", "SupplementaryAuthorization", "x-ms-copy-source-authorization"),
    *("x-ms-file-rename-source-authorization", "api-key", "x-ms-encryption-key"),
    *("subscription-key", "Ocp-Apim-Subscription-Key", "aeg-sas-token", "aeg-sas-key"),
]
FIELDS = [
    *("access_token", "refresh_token", "applicationSecret", "apiKey", "connectionString"),
    *("sshPassword", "aliasSecondaryConnectionString", "primaryKey", "secondaryKey"),
    *("administratorLoginPassword", "accessToken", "runAsPassword", "adminPassword", "accessSAS"),
    *("WEBSITE_AUTH_ENCRYPTION_KEY", "decryptionKey", "AccessToken", "token", "clientId"),
    *("credential", "storageContainerReadListSas", "storageContainerWriteSas"),
    *("primaryMasterKey", "primaryReadonlyMasterKey", "secondaryReadonlyMasterKey", "password"),
    *("certificatePassword", "clientSecret", "keyVaultClientSecret", "accountKey", "authHeader"),
    *("encryptedCredential", "appkey", "functionKey", "storageAccountPrimaryKey", "privateKey"),
    *("fencingClientPassword", "acrToken", "scriptUrlSasToken"),
    *("DOCKER_REGISTRY_SERVER_PASSWORD", "secondaryConnectionString", "storageAccountAccessKey"),
]
TEXTS = [
    f"Endpoint=sb://h/;SharedAccessKey={MARK}=",
    f"DefaultEndpointsProtocol=https;AccountKey={MARK}==;EndpointSuffix=x",
    f"endpoint=https://h;accesskey={MARK}",
    f"Id=1;Secret={MARK}",
    f"https://h/c?sv=1&sig={MARK}&se=2",
    f"GET /x?token={MARK}",
    f"client_id={MARK}&client_secret=a",
    f"client_secret={MARK}",
    f"client_assertion={MARK}",
    f"-----BEGIN PRIVATE KEY-----\n{MARK}\n-----END PRIVATE KEY-----\n",
    f"Server=h;Password={MARK};Encrypt=1",
    f"<a><PrimaryKey>{MARK}</PrimaryKey></a>",
    f"<a><SecondaryKey>{MARK}</SecondaryKey></a>",
]


@pytest.mark.parametrize("name", HEADERS)
def test_a_header(name: str) -> None:
    scrubber = Scrubber(WORKBINS)
    request = Request(method="GET", target="/", headers=Headers([(name, MARK)]))
    assert MARK not in str(scrubber.request(request).headers)
    response = Response(status=200, headers=Headers([(name.lower(), MARK)]))
    assert MARK not in str(scrubber.response(response).headers)


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_of_json_in_every_place_json_is_in(name: str) -> None:
    scrubber = Scrubber(WORKBINS)
    value: JsonObject = {"properties": [{name: MARK}], "n": json.dumps({name: {"value": MARK}})}
    body = json.dumps(value).encode()
    assert MARK not in str(scrubber.request(Request(method="POST", target="/", body=body)).body)
    assert MARK not in str(scrubber.response(Response(status=200, body=body)).body)
    assert MARK not in str(scrubber.message({"channel": "/c", "data": value, "ext": {name: MARK}}))


@pytest.mark.parametrize("text", TEXTS)
def test_a_text(text: str) -> None:
    scrubber = Scrubber(WORKBINS)
    assert MARK not in scrubber.text(text)
    for content_type in ("text/plain", "application/xml"):
        headers = Headers([("Content-Type", content_type)])
        response = Response(status=200, headers=headers, body=text.encode())
        assert MARK not in scrubber.response(response).body.decode()
    assert MARK not in str(scrubber.json({"note": text}))


def test_a_rule_that_is_not_wanted_can_be_left_out_by_name() -> None:
    names = [rule.name for rule in WORKBINS.secrets]
    assert len(set(names)) == len(names)
    mine = parse_profile({"profile": "mine", "without": names}, "mine", base=WORKBINS)
    assert Scrubber(mine).json({"password": MARK}) == {"password": MARK}
