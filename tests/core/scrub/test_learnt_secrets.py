"""Learnt secrets are found wherever they stand, however many there are."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from cometape.core.scrub.learnt_secrets import LEARNT_LENGTH, LearntSecrets

_letters = st.text("ab", min_size=0, max_size=60)


@given(
    st.lists(st.text("abc<>\"'é%", min_size=LEARNT_LENGTH, max_size=40), min_size=1, max_size=8),
    _letters,
    _letters,
    st.data(),
)
def test_a_secret_is_found_at_every_place_of_a_text(
    secrets: list[str], before: str, after: str, data: st.DataObject
) -> None:
    learnt = LearntSecrets()
    for number, secret in enumerate(secrets):
        learnt.learn(secret, f"<token:{number + 1}>")
    secret = data.draw(st.sampled_from(secrets))
    text = before + secret + after
    assert secret in dict(learnt.within(text))
    assert all(spelling in text for spelling, _ in learnt.within(text))


def test_the_longest_come_first() -> None:
    learnt = LearntSecrets()
    learnt.learn("0123456789abcdef", "<token:1>")
    learnt.learn("0123456789abcdef-and-more", "<token:2>")
    found = learnt.within("see 0123456789abcdef-and-more here")
    assert found == [("0123456789abcdef-and-more", "<token:2>"), ("0123456789abcdef", "<token:1>")]


def test_the_oldest_are_forgotten_first_and_leave_nothing_behind() -> None:
    learnt = LearntSecrets(max_spellings=100)
    for number in range(10_000):
        learnt.learn(f"secret-of-client-{number:06}", f"<token:{number + 1}>")
    assert learnt.within("secret-of-client-000001") == []
    assert learnt.within("secret-of-client-009999") != []
    assert len(learnt._placeholders) == 100
    assert len(learnt._pieces) <= 100 * 4


def test_thousands_of_secrets_that_begin_alike_do_not_slow_the_search() -> None:
    learnt = LearntSecrets()
    text = "nothing to be found in this text, " * 60

    def best_s() -> float:
        took_s = []
        for _ in range(20):
            began_s = time.perf_counter()
            learnt.within(text)
            took_s.append(time.perf_counter() - began_s)
        return min(took_s)

    learnt.learn("eyJhbGciOiJIUzI1NiJ9.signature-number-none", "<token:1>")
    few_s = best_s()
    for number in range(5_000):
        learnt.learn(f"eyJhbGciOiJIUzI1NiJ9.{number * 7919:x}-{number:05}", f"<token:{number}>")
    assert best_s() < 10 * few_s
