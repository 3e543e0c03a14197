"""The report as JUnit XML: valid, complete, and failing where the replay does."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cometape.core.report.junit import junit_xml
from scripted import Script, Stage

TOKEN = re.compile(r"(\S+( \S+)*)?")
NAME = re.compile(r"\S+( \S+)*")
TEXT = re.compile(r"(?s).*")
COUNT = re.compile(r"\d+")
DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
NONE: dict[str, re.Pattern[str]] = {}

SCHEMA = {
    # element: attributes, all of them required; children in their order, which may repeat
    "testsuites": (NONE, ["testsuite*"]),
    "testsuite": (
        {
            **dict.fromkeys(("id", "tests", "failures", "errors", "skipped"), COUNT),
            **dict.fromkeys(("name", "hostname"), NAME),
            "package": TOKEN,
            "timestamp": MOMENT,
            "time": DECIMAL,
        },
        ["properties", "testcase*", "system-out", "system-err"],
    ),
    "properties": (NONE, ["property*"]),
    "property": ({"name": NAME, "value": TEXT}, []),
    "testcase": ({"name": TOKEN, "classname": TOKEN, "time": DECIMAL}, ["failure?"]),
    "failure": ({"type": TEXT, "message": TEXT}, []),
    "system-out": (NONE, []),
    "system-err": (NONE, []),
}
"""What the schema of Apache Ant's JUnit task demands of a document with all optional attributes but
none of its own; Jenkins' JUnit 10 allows all of that."""


def check(element: ElementTree.Element) -> None:
    """Whether an element, and all in it, is as the schema says."""
    attributes, children = SCHEMA[element.tag]
    assert set(element.attrib) == set(attributes), element.tag
    for name, pattern in attributes.items():
        assert pattern.fullmatch(element.attrib[name]), (element.tag, name, element.attrib[name])
    written = " ".join(child.tag for child in element) + " "
    wanted = "".join(
        f"({child.rstrip('*?')} ){child[-1] if child[-1] in '*?' else ''}" for child in children
    )
    assert re.fullmatch(wanted, written.lstrip()), (element.tag, written)
    for child in element:
        check(child)


def document(stage: Stage) -> ElementTree.Element:
    report = stage.service.report(with_played=True)
    root = ElementTree.fromstring(junit_xml({"default": report}, timestamp="2026-03-01T09:15:00"))
    check(root)
    for suite in root:
        failed = suite.findall("testcase/failure")
        assert int(suite.attrib["tests"]) == len(suite.findall("testcase"))
        assert int(suite.attrib["failures"]) == len(failed)
    assert report.ok is not bool(root.findall("testsuite/testcase/failure"))
    return root


def story(scenario: str = "a pull") -> Script:
    script = Script(scenario=scenario)
    script.ask("agent7", "GET", "/api/v2/me", None, {})
    script.listen("agent7", "/v2/me/*")
    script.ask("agent7", "POST", "/x", {"operationName": "Do"}, {"referenceId": 1})
    script.event("agent7", "/v2/me/items", {"referenceId": 1, "type": "Done"})
    return script


def failures(root: ElementTree.Element) -> list[tuple[str, str]]:
    return [
        (case.attrib["name"], failure.attrib["type"])
        for case in root.iter("testcase")
        for failure in case
    ]


def test_a_replay_in_which_nothing_happened_fails_every_recording_and_event() -> None:
    assert failures(document(Stage(story()))) == [
        ("1 GET /api/v2/me", "unplayed"),
        ("4 POST /x Do", "unplayed"),
        ("5 Done on /v2/me/items", "undelivered"),
    ]


def test_a_complete_replay_has_a_case_for_each_and_no_failure() -> None:
    stage = Stage(story())
    person = stage.person("agent7")
    person.ask("GET", "/api/v2/me")
    person.listen("/v2/me/*")
    person.ask("POST", "/x", {"operationName": "Do"})
    person.events()
    root = document(stage)
    assert [(one.attrib["classname"], one.attrib["name"]) for one in root.iter("testcase")] == [
        ("a pull.agent7", "1 GET /api/v2/me"),
        ("a pull.agent7", "4 POST /x Do"),
        ("a pull.agent7", "5 Done on /v2/me/items"),
    ]
    assert not failures(root)
    person.ask("GET", "/nowhere")
    root = document(stage)
    assert failures(root) == [("miss 1 GET /nowhere", "miss.no-match")]
    (failure,) = root.iter("failure")
    assert "what to do" in (failure.text or "")


def test_an_internal_error_is_a_failure_of_its_own() -> None:
    stage = Stage(story("nothing"))
    stage.service.replay.chronicle.failed("ValueError: a bug")
    root = document(stage)
    assert ("internal errors", "internal-error") in failures(root)


@given(st.text(max_size=30), st.text(st.characters(codec="utf-8"), max_size=12), st.booleans())
@settings(max_examples=60, deadline=None)
def test_any_text_of_a_cassette_or_request_makes_a_valid_document(
    scenario: str, sent: str, played: bool
) -> None:
    stage = Stage(story(scenario))
    person = stage.person("agent7")
    if played:
        person.ask("GET", "/api/v2/me")
    person.ask("POST", "/x", {"operationName": sent})
    document(stage)


@pytest.mark.parametrize("runs", [1, 3])
def test_each_run_is_a_suite(runs: int) -> None:
    stage = Stage(story())
    for _ in range(runs):
        person = stage.person("agent7")
        person.ask("GET", "/api/v2/me")
        person.listen("/v2/me/*")
        person.leave()
    root = document(stage)
    assert [suite.attrib["id"] for suite in root] == [str(n) for n in range(runs)]
    assert root[0].find("properties/property[@name='client agent7']") is not None
