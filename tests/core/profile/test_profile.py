"""Profiles: the built-in ones, a user's own, and what is said about a wrong one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cometape.core.errors import ProfileError
from cometape.core.exchange import Request
from cometape.core.profile.profile import Profile
from cometape.core.profile.profile_format import parse_profile
from cometape.profiles import built_in_profiles, load_profile, profile_finder

DOCUMENTATION = Path(__file__).parents[3] / "docs" / "profiles.md"


def parse(**keys: object) -> Profile:
    return parse_profile({"profile": "mine", **keys}, "mine.yaml")


@pytest.mark.parametrize("name", built_in_profiles())
def test_a_built_in_profile_loads_under_its_own_name(name: str) -> None:
    assert load_profile(name).name == name


def test_workbins_declares_what_the_server_issues() -> None:
    profile = load_profile("workbins")
    reference_id = profile.kind("reference-id")
    assert reference_id is not None
    assert (reference_id.form, reference_id.scope) == ("integer", "session")
    assert [str(place) for place in reference_id.issued] == [
        "response.json referenceId",
        "response.json referenceIds.*",
    ]
    assert {kind.name for kind in profile.identities} == {
        "reference-id",
        "interaction",
        "client-id",
        "session",
        "csrf-token",
    }
    assert profile.bayeux_paths[0] == "/api/v2/notifications"
    assert profile.session_cookies[0] == "JSESSIONID"
    assert profile.ends_session == ("EndContactCenterSession",)
    assert profile.kind("nothing") is None


def test_a_reference_id_is_a_number_and_true_is_none() -> None:
    kind = load_profile("workbins").kind("reference-id")
    assert kind is not None
    assert kind.fits(17)
    assert not kind.fits(True)
    assert not kind.fits("17")
    assert not kind.fits(None)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"operationName":"PullWorkitem","id":"X"}', "PullWorkitem"),
        (b' {"operationName":"Ready"}', "Ready"),
        (b'{"operationName":7}', None),
        (b'["operationName"]', None),
        (b"operationName=PullWorkitem", None),
        (b"{broken", None),
        (b"", None),
    ],
)
def test_the_operation_of_a_request_is_named_by_its_json(body: bytes, name: str | None) -> None:
    request = Request(method="POST", target="/api/v2/me", body=body)
    assert load_profile("workbins").operation_name(request) == name


def test_the_operation_of_json_that_was_parsed_already_is_named_too() -> None:
    assert load_profile("workbins").operation_name({"operationName": "Ready"}) == "Ready"
    assert load_profile("bayeux").operation_name({"operationName": "Ready"}) is None


def test_the_example_of_the_documentation_is_a_profile(tmp_path: Path) -> None:
    example = re.search(r"```yaml\n(.*?)```", DOCUMENTATION.read_text(), re.DOTALL)
    assert example is not None
    (tmp_path / "orders.yaml").write_text(example[1])
    profile = load_profile(str(tmp_path / "orders.yaml"))
    assert profile.name == "orders"
    assert profile.bayeux_paths[0] == "/push/cometd"
    assert [rule.name for rule in profile.causes] == ["price changed", "basket follows the price"]
    assert "API keys" not in {rule.name for rule in profile.secrets}


def test_the_documentation_names_every_key() -> None:
    text = DOCUMENTATION.read_text()
    with pytest.raises(ProfileError) as refused:
        parse(colour="blue")
    for key in refused.value.hint.partition("allowed: ")[2].split(", "):
        assert f"`{key}" in text


def test_an_extending_profile_is_laid_over_its_base(tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(
        "profile: ours\nextends: workbins\nrepeatable: [Ping]\n"
        "bayeux: {dialect: cometd5}\n"
        "secrets: [{name: tokens, kind: key, where: json, names: [our-token]}]\n"
        "without: [device state changed, csrf-token]\n"
    )
    ours, workbins = load_profile(str(path)), load_profile("workbins")
    assert ours.dialect == "cometd5"
    assert ours.bayeux_paths == workbins.bayeux_paths
    assert ours.operation == workbins.operation
    assert ours.repeatable == ("Ping", *workbins.repeatable)
    assert ours.secrets[0].kind == "key"
    assert [rule.name for rule in ours.secrets].count("tokens") == 1
    assert len(ours.causes) == len(workbins.causes) - 1
    assert ours.kind("csrf-token") is None


def test_a_profile_may_extend_a_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("profile: base\nextends: bayeux\noperation: verb\n")
    (tmp_path / "top.yaml").write_text("profile: top\nextends: base.yaml\n")
    assert str(load_profile(str(tmp_path / "top.yaml")).operation) == "verb"


def test_a_profile_that_extends_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("profile: a\nextends: b.yaml\n")
    (tmp_path / "b.yaml").write_text("profile: b\nextends: a.yaml\n")
    with pytest.raises(ProfileError, match="extends itself"):
        load_profile(str(tmp_path / "a.yaml"))


def test_a_user_file_is_read_anew_after_it_was_mended(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("profile: mine\ncolour: blue\n")
    with pytest.raises(ProfileError):
        load_profile(str(path))
    path.write_text("profile: mine\n")
    assert load_profile(str(path)).name == "mine"


@pytest.mark.parametrize(
    ("keys", "place", "hint"),
    [
        ({"secret": []}, "`secret`", "did you mean `secrets`?"),
        ({"operation": 7}, "`operation`", "write a text"),
        ({"operation": "a..b"}, "`operation`", "joined by dots"),
        ({"bayeux": {"path": "/x"}}, "`bayeux.path`", "did you mean `paths`?"),
        ({"bayeux": {"paths": ["cometd"]}}, "`bayeux.paths[0]`", "`/cometd`"),
        ({"bayeux": ["/cometd"]}, "`bayeux`", "a mapping"),
        ({"identities": {"x": {"form": "number"}}}, "`identities.x.form`", "integer, hex, uuid"),
        ({"identities": {"x": {}}}, "`identities.x`", "add `form"),
        ({"identities": {"X Y": {"form": "hex"}}}, "`identities.X Y`", "small-letters"),
        (
            {"identities": {"x": {"form": "hex", "issued": ["response.body id"]}}},
            "`identities.x.issued[0]`",
            "response.json",
        ),
        (
            {"identities": {"x": {"form": "hex", "issued": ["response.json"]}}},
            "`identities.x.issued[0]`",
            "response.json referenceIds.*",
        ),
        ({"volatile": ["request.path /a/b"]}, "`volatile[0]`", "`/api/v2/me/workitems/{}`"),
        ({"volatile": ["request.query named-by X"]}, "`volatile[0]`", "header"),
        ({"secrets": {"name": "x"}}, "`secrets`", "a list"),
        (
            {"secrets": [{"name": "x", "kind": "k", "where": "body", "names": ["a"]}]},
            "`secrets[0].where`",
            "header, cookie, json",
        ),
        (
            {"secrets": [{"name": "x", "kind": "A B", "where": "json", "names": ["a"]}]},
            "`secrets[0].kind`",
            "small-letters",
        ),
        (
            {"secrets": [{"name": "x", "kind": "k", "where": "json", "names": []}]},
            "`secrets[0].names`",
            "at least one",
        ),
        (
            {"causes": [{"name": "x", "event": {"a": 1}}]},
            "`causes[0]`",
            "add `operations",
        ),
        ({"causes": [{"name": "x", "operations": "*"}]}, "`causes[0]`", "`event` or a `channel`"),
        (
            {"causes": [{"name": "x", "event": {"a": {}}, "operations": "A"}]},
            "`causes[0].event.a`",
            "write a text, a number",
        ),
        (
            {"causes": [{"name": "x", "channel": "/x", "operations": "A", "same": {"id": "body"}}]},
            "`causes[0].same.id`",
            "path:last",
        ),
        (
            {"causes": [{"name": "x", "channel": "/x", "operations": "A", "session": "any"}]},
            "`causes[0]`",
            "in common",
        ),
        (
            {"causes": [{"name": "x", "channel": "/x", "operations": "A", "within_s": 0}]},
            "`causes[0].within_s`",
            "above 0",
        ),
        (
            {"causes": [{"name": "x", "channel": "/x", "operations": "A", "within_s": True}]},
            "`causes[0].within_s`",
            "a number of seconds",
        ),
        ({"without": ["tokens"]}, "`without`", "it has none"),
        ({3: "x"}, "", "in quotes"),
    ],
)
def test_a_wrong_profile_is_told_file_key_and_what_is_allowed(
    keys: dict[str, object], place: str, hint: str
) -> None:
    with pytest.raises(ProfileError) as refused:
        parse_profile({"profile": "mine", **keys}, "mine.yaml")
    assert f"profile mine.yaml{' at ' + place if place else ''}: " in str(refused.value)
    assert hint in f"{refused.value.what} {refused.value.hint}"
    assert refused.value.reason == "profile-invalid"


@pytest.mark.parametrize("mapping", [None, [], "profile: x", {"about": "no name"}])
def test_what_is_no_profile_at_all_is_refused(mapping: object) -> None:
    with pytest.raises(ProfileError, match=r"mine\.yaml"):
        parse_profile(mapping, "mine.yaml")


def test_an_unknown_name_is_told_which_there_are() -> None:
    with pytest.raises(ProfileError, match="workbin'") as refused:
        load_profile("workbin")
    assert "bayeux, workbins" in refused.value.hint
    assert refused.value.reason == "profile-not-found"
    assert refused.value.exit_code == 4


@pytest.mark.parametrize(
    "text",
    [
        "profile: [",
        "profile: !!python/object/apply:os.getcwd []",
        "\x00\x01",
        "a: &a [*a]\nb: {",
        "- " * 50_000 + "x",
        "profile: x\n" + "#" * (1 << 18),
    ],
)
def test_a_file_that_is_no_yaml_mapping_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(ProfileError, match=r"bad\.yaml"):
        load_profile(str(tmp_path / "bad.yaml"))


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.yaml", f"{tmp_path}/"):
        with pytest.raises(ProfileError, match="cannot be read") as refused:
            load_profile(str(path))
        assert refused.value.reason == "profile-not-found"


def test_the_profile_of_a_cassette_may_lie_beside_it_or_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf, here = tmp_path / "cassettes", tmp_path / "here"
    shelf.mkdir()
    here.mkdir()
    monkeypatch.chdir(here)
    (shelf / "ours.yaml").write_text("profile: beside\n")
    assert profile_finder(shelf / "a.yaml")("ours.yaml").name == "beside"
    assert profile_finder(shelf / "a.yaml", "ours.yaml")("workbins").name == "beside"
    (here / "ours.yaml").write_text("profile: here\n")
    assert profile_finder(shelf / "a.yaml")("ours.yaml").name == "here"
    with pytest.raises(ProfileError) as lost:
        profile_finder(shelf / "a.yaml")("theirs.yaml")
    assert str(shelf) in str(lost.value)
    assert str(here) in str(lost.value)


def test_another_profile_serves_the_endpoint_of_the_cassette_s_own_as_well() -> None:
    find = profile_finder("a.yaml", "bayeux")
    generic = load_profile("bayeux").bayeux_paths
    assert "/api/v2/notifications" not in generic
    assert find("workbins").bayeux_paths[: len(generic)] == generic
    assert "/api/v2/notifications" in find("workbins").bayeux_paths
    assert find("no-such-profile").bayeux_paths == generic
