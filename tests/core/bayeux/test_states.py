"""The table of session states, every pair of it."""

from __future__ import annotations

import itertools

import pytest

from cometape.core.bayeux.states import TABLE, Input, State, next_state
from cometape.core.errors import ProtocolError

LIVING = (State.HANDSHAKEN, State.CONNECTED)
"""The two states in which anything may happen but another handshake."""

EXPECTED: dict[tuple[State, Input], State] = {
    (State.NEW, Input.HANDSHAKE): State.HANDSHAKEN,
    (State.NEW, Input.REFUSED_HANDSHAKE): State.NEW,
}
for _state in LIVING:
    EXPECTED[_state, Input.CONNECT] = State.CONNECTED
    EXPECTED[_state, Input.DISCONNECT] = State.DISCONNECTED
    EXPECTED[_state, Input.SERVER_DISCONNECT] = State.DISCONNECTED
    EXPECTED[_state, Input.SILENCE] = State.EXPIRED
    for _input in (Input.SUBSCRIBE, Input.UNSUBSCRIBE, Input.PUBLISH, Input.DELIVER):
        EXPECTED[_state, _input] = _state


@pytest.mark.parametrize(("state", "happened"), list(itertools.product(State, Input)))
def test_every_pair_goes_where_the_rules_say_or_raises(state: State, happened: Input) -> None:
    if (state, happened) in EXPECTED:
        assert next_state(state, happened) is EXPECTED[state, happened]
    else:
        with pytest.raises(ProtocolError) as caught:
            next_state(state, happened)
        assert state.value in str(caught.value)
        assert happened.value in str(caught.value)


def test_the_table_has_no_other_pairs() -> None:
    assert set(TABLE) == set(EXPECTED)
