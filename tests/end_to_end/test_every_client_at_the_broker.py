"""The Bayeux server judged by every client, over every connection type it has.

The clients are those of `real_clients`, the judge is `tests/node/judge.cjs`; the broker is one
process for all of them, as they would meet it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from node_client import (
    Seen,
    Step,
    disconnect,
    open_session,
    publish,
    start,
    wait,
)
from real_clients import OVER, Client, Transport
from running import cometape
from wire_client import WireClient

TEXT = "grüß \u2028 \U0001f3a7"
COUNT = 20


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """The URL of `cometape broker`."""
    with cometape("broker") as program:
        yield program.url()


def hearing(room: str) -> list[Step]:
    """Hears what another says, in its order, until it has left the room; asks for an echo."""
    return [
        open_session(f"/chat/{room}/*", "/service/echo"),
        publish("here", f"/chat/{room}/door", {"come": True}),
        wait("heard", f"/chat/{room}/a", text=TEXT, none=None),
        *(wait(f"heard {n}", f"/chat/{room}/a", n=n) for n in range(COUNT)),
        publish("own", f"/chat/{room}/b", {"text": "mine"}),
        wait("own back", f"/chat/{room}/b", text="mine"),
        publish("ask", "/service/echo", {"question": 17}),
        wait("answered", "/service/echo", question=17),
        publish("refused", "/denied/x", {}),
        disconnect(),
    ]


def speak(speaker: WireClient, room: str) -> None:
    """Wait for somebody to come through the door, then speak."""
    while not any("data" in message for message in speaker.connect().messages):
        pass
    assert speaker.publish(f"/chat/{room}/a", {"text": TEXT, "none": None})["successful"]
    for n in range(COUNT):
        assert speaker.publish(f"/chat/{room}/a", {"n": n})["successful"]


@pytest.mark.parametrize(("client", "transport"), OVER)
def test_it_hears_everything_once_and_in_order(
    broker: str, client: Client, transport: Transport
) -> None:
    room = f"{client.replace('_', '-')}-{transport}"
    speaker = WireClient(broker).begin(f"/chat/{room}/door")
    hearer = start(client, broker, hearing(room), path="/cometd", transport=transport)
    speak(speaker, room)
    heard = hearer.seen()
    assert heard.finished, str(heard)
    assert heard.transport == transport
    assert_once_and_in_order(heard)
    (refused,) = [line for line in heard.lines if line.get("step") == "refused"]
    assert refused["message"]["successful"] is False
    assert refused["message"]["error"].startswith("403:")


def assert_once_and_in_order(heard: Seen) -> None:
    said = [event.data for event in heard.events if event.channel.endswith("/a")]
    assert said == [{"text": TEXT, "none": None}, *({"n": n} for n in range(COUNT))]
    assert len(heard.events) == len(said) + 3, "what was said, its own two, the echo"
