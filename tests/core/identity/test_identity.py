"""Fresh ids and the one-to-one map from recorded ones; rewriting that touches nothing else."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cometape.core.bayeux.message import render_message
from cometape.core.cassette import Event, Exchange
from cometape.core.exchange import Headers, Request, Response
from cometape.core.identity.identity import FORMER, Binding, Identity, Issuer
from cometape.core.identity.rewriting import Rewriter
from cometape.core.json_value import Json, JsonObject
from cometape.core.places.json_text import scalars
from cometape.core.places.place import Place
from cometape.core.profile.profile import IdentityKind
from cometape.profiles import load_profile
from strategies import json_values

WORKBINS = load_profile("workbins")
KINDS = (
    IdentityKind(name="number", form="integer", scope="session"),
    IdentityKind(name="hex", form="hex", scope="session"),
    IdentityKind(name="uuid", form="uuid", scope="session"),
    IdentityKind(name="token", form="base36", scope="session"),
    IdentityKind(name="text", form="text", scope="session"),
    IdentityKind(name="shape", form="shape", scope="session"),
)
UUID = "0b0e4b0e-6a35-4b9e-9d4e-3d0a9f6e2c11"


def binding(seed: int = 0, who: str = "agent7", occurrence: int = 1, **more: Any) -> Binding:
    return Binding(
        {kind.name: kind for kind in KINDS}, lambda: Issuer(seed, who, occurrence, **more)
    )


def of(kind: str, recorded: str, session: str = "a") -> Identity:
    return Identity(kind, session, recorded)


@pytest.mark.parametrize(
    ("kind", "recorded", "form"),
    [
        ("number", "17", r"[1-9]\d{3,7}"),
        ("hex", "e6f2ad1b26ea4e9b8dd907eabe167522", r"[0-9a-f]{32}"),
        ("hex", "007352CE982D031B", r"[0-9A-F]{16}"),
        ("hex", "<hex:1>", r"[0-9a-f]{32}"),
        ("uuid", UUID, r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
        ("uuid", UUID.upper(), r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}"),
        ("uuid", "<csrf-token:1>", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        ("token", "<client-id:1>", r"[0-9a-z]{25,32}"),
        ("text", "x" * 40, r"[0-9a-z]{40}"),
        ("text", "<session:1>", r"[0-9a-z]{25,32}"),
        ("shape", "02F0XAMPLE00001A", r"\d\d[A-Z]\d[A-Z]{6}\d{5}[A-Z]"),
        ("shape", "ord-2024/17", r"[a-z]{3}-\d{4}/\d\d"),
        ("shape", "e6f2ad1b26ea4e9b", r"[0-9a-f]{16}"),
        ("shape", "4711", r"[1-9]\d{3}"),
        ("shape", UUID, r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
    ],
)
def test_a_fresh_id_has_the_form_of_the_recorded_one(kind: str, recorded: str, form: str) -> None:
    live = binding().live(of(kind, recorded))
    assert re.fullmatch(form, live), live
    assert live != recorded


def test_the_same_question_has_the_same_answer_in_every_run() -> None:
    asked = [of("number", "17"), of("uuid", UUID), of("token", "<client-id:1>"), of("number", "3")]
    runs = [[binding().live(one) for one in asked] for _ in range(2)]
    assert runs[0] == runs[1]
    for other in (binding(seed=1), binding(who="agent8"), binding(occurrence=2)):
        assert not set(runs[0]) & {other.live(one) for one in asked}


def test_integers_ascend_in_order_of_issue() -> None:
    mine = binding()
    live = [int(mine.live(of("number", str(number)))) for number in (99, 5, 17)]
    assert live == [live[0], live[0] + 1, live[0] + 2]


def test_integers_of_events_do_not_shift_those_of_answers() -> None:
    one, other = binding(), binding()
    other.live(of("number", "70"), series="event")
    assert one.live(of("number", "17")) == other.live(of("number", "17"))


@given(
    st.sets(st.integers(1000, 90_000)), st.integers(0, 3), st.integers(1, 50), st.integers(1, 600)
)
@settings(max_examples=40, deadline=None)
def test_recorded_integers_are_never_issued(
    recorded: set[int], seed: int, occurrence: int, wanted: int
) -> None:
    mine = binding(seed=seed, occurrence=occurrence, recorded=lambda: recorded)
    live = [int(mine.live(of("number", f"{n}"))) for n in range(wanted)]
    assert not set(live) & recorded
    assert live == sorted(live)
    assert 1000 <= min(live) <= max(live) < 2**31


numbers = st.builds(
    IdentityKind,
    name=st.just("n"),
    form=st.just("integer"),
    scope=st.just("run"),
    issued=st.sampled_from([(), (Place(part="event.data"),), (Place(part="response.json"),)]),
    start=st.one_of(st.none(), st.integers(1000, 5000)),
    step=st.sampled_from([1, 10, 700]),
)


@given(
    numbers,
    st.lists(
        st.tuples(st.sampled_from(["answer", "event"]), st.sampled_from([1, 7, 499, 1300])),
        max_size=12,
    ),
    st.one_of(st.just(frozenset()), st.frozensets(st.integers(1000, 60_000), max_size=300)),
    st.integers(1, 4),
)
@settings(max_examples=60)
def test_how_many_integers_events_took_never_changes_those_of_answers_nor_the_other_way_round(
    kind: IdentityKind, asked: list[tuple[str, int]], recorded: frozenset[int], occurrence: int
) -> None:
    def mine() -> Binding:
        return Binding({"n": kind}, lambda: Issuer(0, "agent7", occurrence, lambda: recorded))

    mixed, live = mine(), dict[str, list[int]](answer=[], event=[])
    for series, times in asked:
        live[series] += [int(mixed.renew(of("n", "7"), series)) for _ in range(times)]
    for series, got in live.items():
        alone = mine()
        assert got == [int(alone.renew(of("n", "7"), series)) for _ in got]
        assert got == sorted(got)
    assert not set(live["answer"]) & set(live["event"])


def test_a_counter_that_only_events_hand_out_begins_where_it_is_said() -> None:
    of_events = IdentityKind(
        name="n", form="integer", scope="run", start=5000, issued=(Place(part="event.data"),)
    )
    mine = Binding({"n": of_events}, lambda: Issuer(0, "agent7"))
    assert [mine.live(of("n", n), "event") for n in "12"] == ["5000", "5001"]


@pytest.mark.parametrize("recorded", [0, 300, 3000], ids=str)
def test_whatever_the_width_a_long_series_of_a_client_meets_that_of_no_other(recorded: int) -> None:
    kind, given_away = KINDS[0], set[int]()
    for occurrence in range(1, 6):
        mine = Issuer(0, "agent7", occurrence, lambda: range(recorded))
        live = {mine.integer(kind, series) for series in ("answer", "event") for _ in range(50_000)}
        assert len(live) == 100_000
        assert max(live) < 2**31
        assert not live & given_away
        given_away |= live


def test_a_recording_full_of_integers_still_gets_fresh_ones_of_32_bits() -> None:
    mine = binding(recorded=lambda: range(3_000_000))
    assert 3_000_000 <= int(mine.live(of("number", "17"))) < 2**31


def test_a_counter_begins_where_it_is_said_and_rises_by_its_step() -> None:
    kind = IdentityKind(name="n", form="integer", scope="run", start=5000, step=10)
    for who in ("agent7", "agent8"):
        mine = Binding({kind.name: kind}, lambda who=who: Issuer(0, who, 1, lambda: {6000, 6010}))  # type: ignore[misc]
        live = [int(mine.live(of("n", str(n)))) for n in range(102)]
        assert live[:3] == [5000, 5010, 5020]
        assert live[99:] == [5990, 6020, 6030], "what the recording has is passed over"


@given(st.text("abcXYZ019-_ é<>", min_size=1, max_size=20), st.integers(0, 5))
def test_a_shape_has_digits_and_letters_where_the_recorded_id_has(recorded: str, nth: int) -> None:
    kind = IdentityKind(name="item", form="shape", scope="run")
    live = Issuer(0, "agent7").text(kind, recorded, nth)
    assert len(live) == len(recorded)
    for mine, theirs in zip(live, recorded, strict=True):
        assert mine.isdecimal() == theirs.isdecimal()
        assert mine.isupper() == theirs.isupper()
        assert mine.isalnum() or mine == theirs


def test_a_shape_that_is_used_up_gets_longer_and_no_id_twice() -> None:
    kind = IdentityKind(name="item", form="shape", scope="run")
    mine = Binding({kind.name: kind}, lambda: Issuer(0, "agent7"))
    live = [mine.renew(of("item", "7")) for _ in range(30)]
    assert len(set(live)) == 30


def test_many_clients_of_one_user_never_share_an_integer() -> None:
    live = {binding(occurrence=n).live(of("number", "17")) for n in range(1, 3001)}
    assert len(live) == 3000


def test_of_the_ids_that_others_replaced_the_latest_are_known_and_those_that_hold_always() -> None:
    kind = IdentityKind(name="n", form="integer", scope="run", start=1, step=1)
    mine = Binding({kind.name: kind}, lambda: Issuer(0, "agent7"))
    lasting = {mine.live(of("n", name)): name for name in ("a", "b")}
    loop, turns = of("n", "again"), 5 * FORMER
    live = [mine.renew(loop) for _ in range(turns)]
    known = [mine.behind("n", one) == loop for one in live]
    assert all(known[-FORMER:])
    assert FORMER <= sum(known) <= 2 * FORMER + 10
    assert not any(known[: -sum(known)]), "the oldest go first"
    assert {one: mine.recorded("n", one) for one in lasting} == lasting


def test_ids_that_hold_are_never_forgotten_however_many_there_are() -> None:
    kind = IdentityKind(name="n", form="integer", scope="run", start=1, step=1)
    mine = Binding({kind.name: kind}, lambda: Issuer(0, "agent7"))
    live = {mine.renew(of("n", f"r{number}")): f"r{number}" for number in range(3 * FORMER)}
    assert all(mine.recorded("n", one) == recorded for one, recorded in live.items())


identities = st.builds(
    Identity,
    st.sampled_from([kind.name for kind in KINDS]),
    st.sampled_from(["a", "b", ""]),
    st.one_of(st.integers(0, 300).map(str), st.text("abcdef0123456789", min_size=1, max_size=8)),
)


@given(st.lists(identities, max_size=60))
def test_the_binding_is_one_to_one_and_goes_both_ways(asked: list[Identity]) -> None:
    mine = binding()
    live = {identity: mine.live(identity) for identity in asked}
    assert live == {identity: mine.live(identity) for identity in asked}
    assert len({(identity.kind, value) for identity, value in live.items()}) == len(live)
    for identity, value in live.items():
        assert mine.recorded(identity.kind, value) == identity.recorded
        assert value != identity.recorded
    assert mine.recorded("number", "not issued") is None


def test_a_renewed_id_is_another_and_the_old_one_is_still_known() -> None:
    mine = binding()
    old, new = mine.live(of("number", "17")), mine.renew(of("number", "17"))
    assert old != new == mine.live(of("number", "17"))
    assert {mine.recorded("number", value) for value in (old, new)} == {"17"}


# ------------------------------------------------------------------ rewriting


def answered(body: bytes) -> Exchange:
    request = Request(method="POST", target="/")
    response = Response(
        status=200, headers=Headers([("Content-Type", "application/json")]), body=body
    )
    return Exchange(number=1, session="a", request=request, response=response)


plain = json_values.filter(lambda v: not re.search("referenceId|<[a-z]", json.dumps(v)))
"""JSON without ids and placeholders."""
layouts = st.sampled_from(
    [
        {},
        {"indent": 2},
        {"indent": "\t"},
        {"separators": (",", ":")},
        {"separators": (" , ", " : "), "ensure_ascii": False},
    ]
)


@given(plain, st.integers(2, 99), layouts)
def test_rewriting_an_answer_touches_nothing_but_the_ids(
    rest: Json, number: int, layout: dict[str, Any]
) -> None:
    def body(id_: int) -> bytes:
        value = {"n": number, "referenceId": id_, "rest": rest, "referenceIds": {"b": id_, "x": 1}}
        return json.dumps(value, **layout).encode("utf-8", "surrogatepass")

    try:
        body(number).decode("utf-8")
    except UnicodeDecodeError:
        return
    template = Rewriter(WORKBINS).response(answered(body(number)))
    live = {"1": "8001", str(number): "8002"}
    filled = template.fill(lambda one: live[one.recorded], "http://live")
    expected = body(8002).replace(b'"x": 1', b'"x": 8001').replace(b'"x":1', b'"x":8001')
    assert filled.body == expected.replace(b'"x" : 1', b'"x" : 8001')


@given(plain, st.integers(0, 99))
def test_rewriting_an_event_touches_nothing_but_the_ids(rest: Json, number: int) -> None:
    data: JsonObject = {
        "n": number,
        "referenceId": number,
        "rest": rest,
        "deep": [{"referenceId": number}],
    }
    event = Event(number=2, session="a", channel="/x", data=data)
    template = Rewriter(WORKBINS).event(event)
    text = template.fill(lambda one: "8002", "http://live").text
    expected: JsonObject = {"channel": "/x", "data": data | {"referenceId": 8002}}
    assert text == render_message(expected), "written as it is when nothing is rewritten"
    assert text.encode("utf-8")
    assert data["referenceId"] == number, "the recording itself is as it was"


def test_an_event_is_written_with_whatever_else_it_came_with() -> None:
    event = Event(
        number=2,
        session="a",
        channel="/x",
        data={"uri": 'http://recorded/"slot0"/\ud83d', "referenceId": 7},
        extra={"ext": {"slot": "slot0", "\u2028": 1}},
    )
    template = Rewriter(WORKBINS).event(event)
    message = template.fill(lambda one: "8002", 'http://li"ve', 'm"1')
    assert json.loads(message.text.encode()) == {
        "channel": "/x",
        "data": {"uri": 'http://li"ve/"slot0"/\ud83d', "referenceId": 8002},
        "ext": {"slot": "slot0", "\u2028": 1},
        "id": 'm"1',
    }


@given(st.binary(max_size=200))
def test_any_body_without_ids_is_answered_as_it_is(body: bytes) -> None:
    template = Rewriter(WORKBINS).response(answered(body))
    if not template.identities:
        assert template.fill(lambda one: "", "http://live").body == body


@pytest.mark.parametrize("value", ['"17"', "true", "17.0", "null", "[17]"])
def test_what_cannot_be_a_reference_id_is_none(value: str) -> None:
    body = f'{{"referenceId":{value}}}'.encode()
    template = Rewriter(WORKBINS).response(answered(body))
    assert template.identities == ()
    assert template.fill(lambda one: "x", "http://live").body == body


@given(json_values, layouts)
def test_scalars_are_found_where_they_stand(value: Json, layout: dict[str, Any]) -> None:
    text = json.dumps(value, **layout)
    for location, start, end, found in scalars(text):
        at: Any = json.loads(text)
        for step in location:
            at = at[step]
        assert json.loads(text[start:end]) == found == at or found != found


@pytest.mark.parametrize(
    "text", ["", "{", '{"a"}', '{"a":}', "[1", "[1 2]", "{} x", "nul", "[" * 999]
)
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        list(scalars(text))
