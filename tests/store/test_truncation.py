"""A file that was cut off is never taken for a shorter recording, and never loses what is whole."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cometape.core.cassette import Cassette, Event, Header, Subscribe
from cometape.core.errors import CassetteError
from cometape.store.yaml_emitter import dump, dump_entry, dump_header
from cometape.store.yaml_reader import load
from strategies import cassettes

laws = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=70)
THREE = Cassette(
    Header(scenario="three"),
    (
        Subscribe(number=1, session="main", channel="/a"),
        Event(number=2, session="main", channel="/a", data={"reference": 17}),
        Event(number=3, session="main", channel="/a", data=["text " * 30, {"reference": 1234}]),
    ),
)
TEXT = dump(THREE).encode()


@laws
@given(cassettes(), st.data())
def test_no_truncation_gives_a_silently_shorter_cassette(
    cassette: Cassette, data: st.DataObject
) -> None:
    written = dump(cassette).encode()
    cut = written[: data.draw(st.integers(0, len(written)))]
    try:
        read = load(cut)
    except CassetteError:
        return
    assert read == cassette


@pytest.mark.parametrize("length", range(len(TEXT)))
def test_every_prefix_of_a_recording_is_refused_and_recovers_the_whole_entries(length: int) -> None:
    cut = TEXT[:length]
    if cut + b"\n" == TEXT:  # only the last line feed is missing: an editor's habit
        assert load(cut) == THREE
        return
    with pytest.raises(CassetteError):
        load(cut)
    begun = cut.count(b"\n---")
    if begun:
        assert load(cut, recover=True).entries == THREE.entries[: begun - 1]


def test_the_error_says_how_many_entries_are_whole_and_how_to_keep_them() -> None:
    with pytest.raises(CassetteError) as caught:
        load(TEXT[:-30], "pull.yaml")
    line = TEXT[: TEXT.rindex(b"---")].count(b"\n") + 1
    assert caught.value.reason == "truncated"
    assert caught.value.line == line
    assert str(caught.value).startswith(
        f"pull.yaml:{line}: cut off in its last entry, which begins in this line; 2 whole entries"
    )
    assert f"head -n {line - 1} pull.yaml > NEW && echo ... >> NEW" in str(caught.value)


def test_the_advice_of_the_error_gives_a_cassette_that_loads() -> None:
    line = TEXT[: TEXT.rindex(b"---")].count(b"\n") + 1
    mended = b"\n".join(TEXT.split(b"\n")[: line - 1]) + b"\n...\n"
    assert load(mended).entries == THREE.entries[:2]


def test_a_cut_at_the_border_of_two_entries_is_noticed() -> None:
    cut = (dump_header(THREE.header) + dump_entry(THREE.entries[0])).encode()
    with pytest.raises(CassetteError, match="cut off"):
        load(cut)


def test_a_cut_in_the_header_cannot_be_recovered() -> None:
    with pytest.raises(CassetteError, match=r"no entry|no entries") as caught:
        load(TEXT[:40], recover=True)
    assert caught.value.reason in ("truncated", "empty")


def test_a_cause_that_was_lost_is_open_again_after_recovery() -> None:
    early = Event(number=1, session="main", channel="/a", data=None, cause=2)
    cassette = Cassette(Header(), (early, *THREE.entries[1:]))
    cut = dump(cassette).encode()
    first = cut[: cut.index(b"event: 2") + 20]
    (kept,) = load(first, recover=True).entries
    assert isinstance(kept, Event)
    assert kept.cause is None


def test_a_file_written_by_hand_needs_no_last_line() -> None:
    by_hand = b"cassette: 1\n---\nsubscribe: 1\nchannel: /a\n"
    assert load(by_hand).entries == (Subscribe(number=1, session="main", channel="/a"),)


def test_a_file_written_by_hand_that_ends_in_the_middle_of_something_is_cut_off() -> None:
    by_hand = b"cassette: 1\n---\nsubscribe: 1\nchannel: /a\n---\nevent: 2\nchannel: /a\ndata: {a: "
    with pytest.raises(CassetteError) as caught:
        load(by_hand)
    assert caught.value.reason == "truncated"
    assert len(load(by_hand, recover=True).entries) == 1


def test_an_error_before_the_last_entry_is_told_as_what_it_is() -> None:
    damaged = TEXT.replace(b"channel: /a\ndata: {reference: 17}", b"chanel: /a\ndata: 1")
    with pytest.raises(CassetteError, match="did you mean `channel`"):
        load(damaged)
    with pytest.raises(CassetteError, match="did you mean `channel`"):
        load(damaged[:-10])


def test_spaces_and_line_feeds_after_the_last_line_do_no_harm() -> None:
    assert load(TEXT + b"\n \r\n") == THREE
    assert load(TEXT.replace(b"\n", b"\r\n")) == THREE
