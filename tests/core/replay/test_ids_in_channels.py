"""Ids inside the names of channels, and in what a reply to a handshake says of its own."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from cometape.core.cassette import Handshake, Publish, Subscribe
from own_identities import kinds
from scripted import Script, Stage

BIN = "9c1d5f7a-2e64-4a0b-8f3c-71d2e0b4a522"
BINS: dict[str, Any] = {
    "form": "uuid",
    "scope": "run",
    "issued": ["response.json id"],
    "used": ["channel /bins/{}/*", "publish.data bin", "event.data bin"],
}


def workbins() -> Script:
    """The channel of a workbin is called after the id that opening it has answered."""
    script = Script()
    script.add(Handshake(session="ada", number=1, at_s=1.0))
    opened = script.ask("ada", "POST", "/open", {"op": "Open"}, {"id": BIN})
    script.add(Subscribe(session="ada", number=3, at_s=3.0, channel=f"/bins/{BIN}/news"))
    script.add(Subscribe(session="ada", number=4, at_s=3.0, channel=f"/bins/{BIN}/old"))
    script.event("ada", f"/bins/{BIN}/news", {"bin": BIN, "n": 1}, cause=opened)
    published = script.add(
        Publish(session="ada", number=6, at_s=5.0, channel=f"/bins/{BIN}/say", data={"bin": BIN})
    )
    script.event("ada", f"/bins/{BIN}/news", {"bin": BIN, "n": 2}, cause=published)
    script.event("ada", f"/bins/{BIN}/old", {"n": 3}, cause=published)
    return script


@pytest.mark.parametrize("connection_type", ["long-polling", "websocket"])
def test_an_id_in_the_name_of_a_channel_is_fresh_and_turned_back(connection_type: str) -> None:
    stage = Stage(workbins(), profile=kinds(bin=BINS))
    person = stage.person("ada")
    client = stage.talk.client(connection_type, headers=person.headers)
    client.handshake()
    bin_id = person.ask("POST", "/open", {"op": "Open"}).json["id"]
    assert bin_id != BIN
    news = f"/bins/{bin_id}/news"
    assert client.subscribe(news)["successful"]
    stage.settle()
    client.poll()
    assert client.publish(f"/bins/{bin_id}/say", {"bin": bin_id})["successful"]
    stage.settle()
    client.poll()
    assert client.events == [
        {"channel": news, "data": {"bin": bin_id, "n": 1}},
        {"channel": news, "data": {"bin": bin_id, "n": 2}},
    ]
    report = stage.service.report()
    assert [(one.entry, one.channel) for one in report.undelivered] == [(8, f"/bins/{BIN}/old")]
    assert not report.unplayed
    assert BIN not in repr(stage.talk.log)


def test_a_refused_subscription_is_found_by_the_name_it_had() -> None:
    script = workbins()
    asked = script.entries[2]
    assert isinstance(asked, Subscribe)
    script.entries[2] = replace(asked, successful=False, error="403::denied")
    stage = Stage(script, profile=kinds(bin=BINS))
    person = stage.person("ada")
    client = stage.talk.client(headers=person.headers)
    client.handshake()
    bin_id = person.ask("POST", "/open", {"op": "Open"}).json["id"]
    assert client.subscribe(f"/bins/{bin_id}/news")["error"] == "403::denied"


def test_an_id_in_a_reply_to_a_handshake_is_fresh_and_turned_back() -> None:
    script = Script()
    extra: dict[str, Any] = {"ext": {"desk": {"session": "s-1234567"}, "n": 7}}
    script.add(Handshake(session="ada", number=1, at_s=1.0, reply_extra=extra))
    script.ask("ada", "GET", "/x?session=s-1234567", None, {"ok": True})
    profile = kinds(
        desk={
            "form": "shape",
            "scope": "run",
            "issued": ["handshake.reply ext.desk.session"],
            "used": ["request.query session"],
        }
    )
    stage = Stage(script, profile=profile)
    person = stage.person("ada")
    shaken = stage.talk.client(headers=person.headers).handshake()
    live = shaken["ext"]["desk"]["session"]
    assert re.fullmatch(r"[a-z]-\d{7}", live)
    assert live != "s-1234567"
    assert shaken["ext"]["n"] == 7
    assert person.ask("GET", f"/x?session={live}").json == {"ok": True}
    again = Stage(script, profile=profile)
    other = again.talk.client(headers=again.person("ada").headers).handshake()
    assert other["ext"] == shaken["ext"]
