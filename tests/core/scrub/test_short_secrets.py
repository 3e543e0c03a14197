"""Short secrets are found where they stand by themselves, among thousands as among ten."""

from __future__ import annotations

import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cometape.core.scrub.short_secrets import ShortSecrets

secrets = st.text(
    string.ascii_letters + string.digits + "-._~+/!$%&=@\"'\\äß ", min_size=6, max_size=15
)


def replaced(hunting: ShortSecrets, text: str) -> str:
    for one in hunting.within(text):
        text, _ = one.replaced_in(text)
    return text


@given(secrets.filter(lambda text: any(map(str.isalpha, text)) and any(map(str.isdigit, text))))
def test_a_secret_of_letters_and_digits_is_found_between_spaces(secret: str) -> None:
    hunting = ShortSecrets()
    hunting.learn(secret, "<token:1>")
    assert replaced(hunting, f"it is {secret} again {secret}") == "it is <token:1> again <token:1>"
    assert replaced(hunting, secret) == "<token:1>"


@given(secrets, st.text(string.ascii_letters + string.digits, min_size=1))
def test_nothing_is_found_in_a_longer_word(secret: str, more: str) -> None:
    hunting = ShortSecrets()
    word = "".join(filter(str.isalnum, secret)) + "a1"
    hunting.learn(word, "<token:1>")
    assert replaced(hunting, word + more) == word + more
    assert replaced(hunting, more + word) == more + word


@pytest.mark.parametrize("secret", ["a1b2c", "123456", "12 34 56", "!?!?!?", "<token:1>"])
def test_what_could_be_anything_is_not_hunted(secret: str) -> None:
    hunting = ShortSecrets()
    hunting.learn(secret, "<token:1>")
    assert hunting.count == 0
    assert hunting.within(secret) == []


def test_percent_encoded_and_in_base64_it_is_the_same_secret() -> None:
    hunting = ShortSecrets()
    hunting.learn("p@ss/w0rd", "<password:1>")
    for spelling in ("p%40ss%2Fw0rd", "p%40ss%2fw0rd", "cEBzcy93MHJk"):
        assert replaced(hunting, f"x {spelling}") == "x <password:1>"


@pytest.mark.parametrize("text", [r"a\nhunter2", r"a\u000ahunter2", "a%20hunter2", r"a\x0ahunter2"])
def test_one_behind_an_escape_is_suspected(text: str) -> None:
    hunting = ShortSecrets()
    hunting.learn("hunter2", "<password:1>")
    assert [one.spelling for one in hunting.within(text)] == ["hunter2"]


def test_the_longest_come_first() -> None:
    hunting = ShortSecrets()
    hunting.learn("blue-1", "<password:1>")
    hunting.learn("deep.blue-1", "<password:2>")
    assert replaced(hunting, "deep.blue-1 or blue-1") == "<password:2> or <password:1>"


def test_the_oldest_are_forgotten_first_and_leave_nothing_behind() -> None:
    hunting = ShortSecrets(most=100)
    for number in range(2_000):
        hunting.learn(f"word-{number:06}x", f"<password:{number + 1}>")
    assert hunting.within("word-000001x") == []
    assert replaced(hunting, "word-001999x") == "<password:2000>"
    assert len(hunting._known) == 100
    assert sum(map(len, hunting._by_word.values())) == 100


def test_thousands_that_begin_alike_do_not_slow_the_search() -> None:
    hunting = ShortSecrets()
    text = "the correct horse is not in here, but its words are, " * 40

    def best_s() -> float:
        took_s = []
        for _ in range(20):
            began_s = time.perf_counter()
            hunting.within(text)
            took_s.append(time.perf_counter() - began_s)
        return min(took_s)

    hunting.learn("correct-horse-x", "<password:1>")
    few_s = best_s()
    for number in range(5_000):
        hunting.learn(f"correct-{number * 7919:x}", f"<password:{number}>")
    assert best_s() < 10 * few_s
