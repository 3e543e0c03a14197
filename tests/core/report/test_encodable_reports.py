"""Whatever a client sends, what is told of it can be encoded, and JSON gives it back."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from cometape.core.lone_surrogate import encodable
from cometape.core.report.junit import junit_xml
from scripted import Script, Stage

HALF = "\ud800"

texts_with_halves = st.text(st.characters() | st.sampled_from("\ud800\udbff\udc00\udfff")).map(
    lambda text: str(json.loads(json.dumps(text)))  # a pair is one character
)


@given(texts_with_halves)
def test_a_text_with_halves_can_be_encoded_and_in_json_is_the_same_value(text: str) -> None:
    assert encodable(text).encode().decode() == encodable(text)
    assert json.loads(encodable(json.dumps(text, ensure_ascii=False))) == text


@given(texts_with_halves)
def test_a_text_without_halves_stays_as_it_is(text: str) -> None:
    whole = text.encode("utf-8", "ignore").decode()
    assert encodable(whole) == whole


def test_half_of_a_surrogate_pair_in_what_is_published_is_told_of() -> None:
    script = Script()
    script.listen("a", "/v2/me/*")
    script.publish("a", "/service/x", {"n": HALF})
    stage = Stage(script)
    person = stage.person("a")
    client = person.listen("/v2/me/*")
    for channel, data in (("/service/x", {"n": HALF + "x"}), (f"/service/{HALF}", HALF)):
        reply = client.publish(channel, data)
        assert not reply["successful"]
    report = stage.service.report(with_played=True)
    assert "\\ud800" in report.text()
    assert report.text().encode()
    assert stage.service.journal.text().encode()
    assert junit_xml({"default": report}, timestamp="2026-03-01T09:15:00").encode()
    for miss in stage.service.misses:
        assert miss.request.encode()
        assert json.loads(miss.response().body)["detail"] == miss.text()
