"""A very long recording: its memory on the way, what ending it costs, whether it can be used.

    python benchmarks/long_recording.py [ENTRIES]        a million by default

What is driven is everything a recorder does but mitmproxy and its sockets (which alone take a
thousand times a millisecond): the traffic of 40 agents is told to a `Recording` as the addon tells
it: operations that are answered with a reference id, an event about each over the agent's
WebSocket, now and then one that nobody caused, a read, a new login. Secrets are replaced, causes
found, every entry is written by itself. Then the recording ends, and `cometape lint`, `inspect`,
`show` and `identities` are run on the file as a user runs them. With sockets, for a smaller number:
`benchmarks/recording.py --long 100000`. Needs /proc (Linux).
"""

from __future__ import annotations

import base64
import json
import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from cometape.core.exchange import Headers, Request, Response
from cometape.core.json_value import JsonObject
from cometape.core.record.capture import CapturedExchange, CapturedRequest, SocketText
from cometape.recorder.recording import Recording, RecordingSettings
from measuring.used import used_by

AGENTS = 40
STEPS = 10
BAYEUX = "/api/v2/notifications"
ORIGIN = "http://gws.example:8090"
ANSWER = Headers(
    [("Content-Type", "application/json;charset=UTF-8"), ("Cache-Control", "no-store")]
)


class Agent:
    """One client: a login, a cookie, a WebSocket for its events."""

    def __init__(self, number: int, recording: Recording, chance: random.Random) -> None:
        self.observer = recording.observer
        self.write = recording.write
        self.catch_up = recording.catch_up
        self.name = f"agent{number}"
        self.chance = chance
        self.key = 0
        self.reference_id = 0
        self.user_id = f"{chance.getrandbits(128):032x}"
        self.polls = 0
        self.client_id = self.socket_key = ""
        self.log_in()
        self.open_socket()

    def log_in(self) -> None:
        """From now on with another session."""
        login = base64.b64encode(f"{self.name}:correct-horse-{self.name}".encode()).decode()
        self.cookie = f"JSESSIONID=node{self.chance.getrandbits(96):024x}"
        self.headers = Headers(
            [
                ("Host", "gws.example:8090"),
                ("Authorization", f"Basic {login}"),
                ("Accept", "*/*"),
                ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)"),
                ("Content-Type", "application/json"),
                ("Cookie", self.cookie),
            ]
        )

    def ask(self, method: str, target: str, body: bytes, answer: JsonObject) -> None:
        """One exchange, from its beginning to its end on disk."""
        self.key += 1
        now_s = time.monotonic()
        asked = CapturedRequest(
            key=f"{self.name}-{self.key}",
            connection=self.name,
            origin=ORIGIN,
            request=Request(method=method, target=target, headers=self.headers, body=body),
            at_s=now_s,
        )
        self.observer.began(asked)
        response = Response(status=200, headers=ANSWER, body=json.dumps(answer).encode())
        self.write(
            self.observer.exchange(
                CapturedExchange(asked=asked, response=response, ended_s=now_s + 0.004)
            )
        )
        self.catch_up()

    def open_socket(self) -> None:
        """A CometD session over a WebSocket, subscribed to what concerns the agent."""
        if self.socket_key:
            self.write(self.observer.socket_closed(self.socket_key, time.monotonic()))
        self.key += 1
        self.socket_key = f"{self.name}-{self.key}"
        now_s = time.monotonic()
        upgrade = self.headers.plus(("Upgrade", "websocket"))
        request = Request(method="GET", target=BAYEUX, headers=upgrade)
        asked = CapturedRequest(
            key=self.socket_key, connection=self.name, origin=ORIGIN, request=request, at_s=now_s
        )
        self.observer.began(asked)
        self.observer.socket_opened(
            CapturedExchange(asked=asked, response=Response(status=101), ended_s=now_s)
        )
        client_id = f"{self.chance.getrandbits(100):025x}"
        self.say("client", {"channel": "/meta/handshake", "id": "1", "version": "1.0",
                            "supportedConnectionTypes": ["websocket"]})  # fmt: skip
        self.say("server", {"channel": "/meta/handshake", "id": "1", "successful": True,
                            "version": "1.0", "clientId": client_id,
                            "supportedConnectionTypes": ["websocket"]})  # fmt: skip
        self.client_id = client_id
        self.polls = 0
        self.poll()
        subscribe: JsonObject = {"channel": "/meta/subscribe", "id": "2", "clientId": client_id,
                                 "subscription": "/v2/me/*"}  # fmt: skip
        self.say("client", subscribe)
        self.say("server", {**subscribe, "successful": True})

    def poll(self) -> None:
        """A connect and its answer."""
        self.polls += 1
        connect: JsonObject = {"channel": "/meta/connect", "id": f"p{self.polls}"}
        self.say("client", {**connect, "clientId": self.client_id})
        self.say("server", {**connect, "successful": True})

    def say(self, sender: str, message: JsonObject) -> None:
        """A text over the WebSocket."""
        assert sender in ("client", "server")
        text = SocketText(
            sender="client" if sender == "client" else "server",
            text=json.dumps([message]),
            at_s=time.monotonic(),
        )
        self.write(self.observer.socket_text(self.socket_key, text))
        self.catch_up()

    def operation(self) -> None:
        """A pull, its answer, its event."""
        self.reference_id += 1
        item = f"02F0X{self.chance.getrandbits(30):06X}"[:11] + "00W1A"
        body = b'{"operationName":"PullWorkitem","id":"%s"}' % item.encode()
        target = f"/api/v2/users/{self.user_id}/workbins/3434543fafwe987"
        self.ask("POST", target, body, {"statusCode": 0, "referenceId": self.reference_id})
        self.say("server", {"channel": "/v2/me/workitems", "data": self.event(item)})
        if self.reference_id % 20 == 0:
            self.poll()

    def event(self, item: str, *, spontaneous: bool = False) -> JsonObject:
        """What is pushed about a workitem."""
        data: JsonObject = {
            "messageType": "WorkitemStateChangeMessage",
            "notificationType": "StatusChange",
            "workitem": {
                "id": item,
                "state": "Processing",
                "mediaType": "email",
                "userData": {"Subject": f"about order {self.chance.getrandbits(20)}",
                             "Segment": "gold", "Language": "en"},
            },
        }  # fmt: skip
        if not spontaneous:
            data["referenceId"] = self.reference_id
        return data

    def unasked(self) -> None:
        """An event that nobody caused."""
        item = f"02F0Y{self.chance.getrandbits(30):06X}"[:11] + "00W1A"
        event = self.event(item, spontaneous=True)
        self.say("server", {"channel": "/v2/me/workitems", "data": event})

    def read(self) -> None:
        """A look at a workbin."""
        answer: JsonObject = {
            "statusCode": 0,
            "workitems": [],
            "unread": self.chance.getrandbits(8),
        }
        self.ask("GET", f"/api/v2/users/{self.user_id}/workbins", b"", answer)


def work(recording: Recording) -> Iterator[int]:
    """Traffic without an end; yields how many entries there are."""
    chance = random.Random(1)
    agents = [Agent(number, recording, chance) for number in range(AGENTS)]
    while True:
        agent = chance.choice(agents)
        dice = chance.random()
        if dice < 0.8:
            agent.operation()
        elif dice < 0.9:
            agent.unasked()
        else:
            agent.read()
        if dice > 0.995:
            agent.log_in()
            agent.open_socket()
        yield recording.observer.counts.total()


def memory_mb(what: str = "VmRSS") -> float:
    """Memory of this process, now or (`VmHWM`) at its peak."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(what)) / 1024


def record(out: Path, entries: int) -> None:
    """Record so many entries, telling a few times how it goes."""
    recording = Recording(RecordingSettings(out=out, origin=ORIGIN))
    step = entries // STEPS or 1
    began_s, at = time.process_time(), 0
    for count in work(recording):
        if count >= at + step or count >= entries:
            used_s = time.process_time() - began_s
            print(
                f"{count:>9} entries {out.stat().st_size / 1e6:>7.1f} MB on disk"
                f" {memory_mb():>6.0f} MB of memory {1e6 * used_s / (count - at):>6.0f} µs of"
                " processor time per entry",
                flush=True,
            )
            at, began_s = count, time.process_time()
        if count >= entries:
            break
    began_s, used_s = time.perf_counter(), time.process_time()
    recording.write(recording.observer.finish(time.monotonic()))
    summary = recording.close()
    took_s, used_s = time.perf_counter() - began_s, time.process_time() - used_s
    size_mb = out.stat().st_size / 1e6
    print(
        f"ended in {took_s:.1f} s ({1000 * used_s / size_mb:.1f} ms of processor time per MB), peak"
        f" {memory_mb('VmHWM'):.0f} MB; {summary.caused} of {summary.events} events have a cause"
    )
    if recording.refusal is not None:
        print(str(recording.refusal)[:400])
    for problem in summary.problems:
        print("problem:", problem)


def run(*arguments: str) -> None:
    """One command on the cassette: its time, its memory, its exit code."""
    used = used_by([sys.executable, "-m", "cometape", *arguments])
    said = " ".join(arguments[:1] + arguments[2:])
    print(
        f"cometape {said}: {used.seconds:.1f} s, of the processor {used.processor_s:.1f} s, peak"
        f" {used.peak_mib:.0f} MB, exit code {used.exit_code}",
        flush=True,
    )


def main() -> int:
    """Record, end, lint, inspect."""
    entries = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    print(
        f"{time.strftime('%Y-%m-%d')}, Python {platform.python_version()}, {os.cpu_count()} cores"
    )
    with tempfile.TemporaryDirectory() as made:
        out = Path(made) / "long.yaml"
        record(out, entries)
        run("lint", str(out))
        os.environ["COMETAPE_CACHE"] = made
        run("inspect", str(out))
        run("inspect", str(out), "--json")
        run("show", str(out), str(entries // 2))
        run("identities", str(out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
