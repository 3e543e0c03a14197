"""The states of a session, as a table.

Rules (Bayeux: Client State Table, seen from the server; CometD's sessions):

* A session comes into being by a handshake. A refused handshake leaves nothing behind.
* The first connect makes it connected; that one is answered at once, later ones may be held.
* While it lives it may subscribe, unsubscribe, publish and be delivered to, connected or not.
* It ends by its own disconnect, by the server's, or by silence longer than `maxInterval`.
* Nothing happens to an ended session. A message that names one is answered `402` and never
  reaches this table; a pair that is not in it is a mistake of this package.
"""

from __future__ import annotations

from enum import Enum

from ..errors import ProtocolError


class State(Enum):
    """Where a session is in its life."""

    __hash__ = object.__hash__  # Enum's is a Python function, and the table is asked per message

    NEW = "new"
    HANDSHAKEN = "handshaken"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    EXPIRED = "expired"


class Input(Enum):
    """What can happen to a session."""

    __hash__ = object.__hash__

    HANDSHAKE = "/meta/handshake"
    REFUSED_HANDSHAKE = "refused /meta/handshake"
    CONNECT = "/meta/connect"
    SUBSCRIBE = "/meta/subscribe"
    UNSUBSCRIBE = "/meta/unsubscribe"
    PUBLISH = "publish"
    DELIVER = "deliver"
    DISCONNECT = "/meta/disconnect"
    SERVER_DISCONNECT = "disconnect by the server"
    SILENCE = "silence"


TABLE: dict[tuple[State, Input], State] = {
    (State.NEW, Input.HANDSHAKE): State.HANDSHAKEN,
    (State.NEW, Input.REFUSED_HANDSHAKE): State.NEW,
    #
    (State.HANDSHAKEN, Input.CONNECT): State.CONNECTED,
    (State.HANDSHAKEN, Input.SUBSCRIBE): State.HANDSHAKEN,
    (State.HANDSHAKEN, Input.UNSUBSCRIBE): State.HANDSHAKEN,
    (State.HANDSHAKEN, Input.PUBLISH): State.HANDSHAKEN,
    (State.HANDSHAKEN, Input.DELIVER): State.HANDSHAKEN,
    (State.HANDSHAKEN, Input.DISCONNECT): State.DISCONNECTED,
    (State.HANDSHAKEN, Input.SERVER_DISCONNECT): State.DISCONNECTED,
    (State.HANDSHAKEN, Input.SILENCE): State.EXPIRED,
    #
    (State.CONNECTED, Input.CONNECT): State.CONNECTED,
    (State.CONNECTED, Input.SUBSCRIBE): State.CONNECTED,
    (State.CONNECTED, Input.UNSUBSCRIBE): State.CONNECTED,
    (State.CONNECTED, Input.PUBLISH): State.CONNECTED,
    (State.CONNECTED, Input.DELIVER): State.CONNECTED,
    (State.CONNECTED, Input.DISCONNECT): State.DISCONNECTED,
    (State.CONNECTED, Input.SERVER_DISCONNECT): State.DISCONNECTED,
    (State.CONNECTED, Input.SILENCE): State.EXPIRED,
}
"""State and input to next state; what is not here cannot happen."""


def next_state(state: State, happened: Input) -> State:
    """The state after `happened`. Raises ProtocolError naming both when it cannot happen then."""
    try:
        return TABLE[state, happened]
    except KeyError:
        raise ProtocolError(
            f"{happened.value} cannot happen to a session that is {state.value}",
            hint="The states and what may happen in each are listed in core/bayeux/states.py.",
            reason="impossible-state",
        ) from None
