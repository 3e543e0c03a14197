"""Many runs in one server: what one costs in memory and in time to make, idle and with a client.

    python benchmarks/runs.py [--runs N]

`cometape replay` with its control API makes N runs of a cassette, each on a listening socket of its
own; then a client comes to each, shakes hands, subscribes, does an operation and holds a connect.
Beside it what N servers of one run each would cost: one more process for each, as without the API.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from cometape.control_client import Control, RemoteRun
from measuring.process import Server, allow_files, cores, free_port

CASSETTE = Path(__file__).parents[1] / "cassettes" / "pull_workitem.yaml"
COMETAPE = str(Path(sys.executable).with_name("cometape"))
WORKBIN = "/api/v2/workbins/9c1d5f7a-2e64-4a0b-8f3c-71d2e0b4a522"
FIRST = 20
"""Runs that exist when the first memory is read: by then the code has run."""
AGENT = {
    "Authorization": f"Basic {base64.b64encode(b'agent7:x').decode()}",
    "Content-Type": "application/json",
}


def client(run: RemoteRun) -> list[http.client.HTTPConnection]:
    """A client that has done something, and waits; its connections."""
    plain, holding = (
        http.client.HTTPConnection(str(urlsplit(run.url).netloc), timeout=30) for _ in range(2)
    )

    def ask(path: str, body: object) -> list[dict[str, str]]:
        plain.request("POST", path, json.dumps(body), AGENT)
        answer = plain.getresponse()
        found: list[dict[str, str]] = json.loads(answer.read())
        assert answer.status == 200, found
        return found

    connect = {"channel": "/meta/connect", "id": "1", "connectionType": "long-polling"}
    path = "/api/v2/notifications"
    (shaken,) = ask(path, [{"channel": "/meta/handshake", "id": "1", "version": "1.0"}])
    mine = {"clientId": shaken["clientId"]}
    ask(path, [connect | mine])
    ask(
        path, [{"channel": "/meta/subscribe", "id": "1", "subscription": "/v2/me/workitems"} | mine]
    )
    ask(WORKBIN, {"operationName": "PullWorkitem", "id": "02F0XAMPLE00001A"})
    time.sleep(0.02)  # its event is on its way
    ask(path, [connect | mine | {"advice": {"timeout": 0}}])
    holding.request("POST", path, json.dumps([connect | mine]), AGENT)
    return [plain, holding]


def measure(count: int) -> None:
    """Make runs, and print what they cost."""
    allow_files()
    with tempfile.TemporaryDirectory() as folder:
        port, control_port = free_port(), free_port()
        command = [COMETAPE, "replay", str(CASSETTE), "--port", str(port), "--no-strict"]
        server = Server(
            [*command, "--control-port", str(control_port)],
            control_port,
            Path(folder) / "log",
            cores()[0],
        )
        try:
            server.wait()
            control = Control(f"http://127.0.0.1:{control_port}")
            alone_kib = server.resident_kib()
            for _ in range(FIRST):
                control.run()
            began_kib, began_s = server.resident_kib(), time.perf_counter()
            runs = [control.run() for _ in range(count)]
            made_s = time.perf_counter() - began_s
            idle_kib = server.resident_kib()
            clients = []
            for run in runs:
                clients += client(run)
            runs[-1].held(wait_s=10)
            busy_kib = server.resident_kib()
            for connection in clients:
                connection.close()
            began_s = time.perf_counter()
            for run in runs:
                run.delete()
            gone_s = time.perf_counter() - began_s
            for run in [control.run() for _ in range(count)]:
                clients += client(run)
            again_kib = server.resident_kib()
            for connection in clients:
                connection.close()
        finally:
            server.process.terminate()
            server.process.wait(30)
    idle, busy = (idle_kib - began_kib) / count, (busy_kib - began_kib) / count
    print(f"one server with one run       {alone_kib / 1024:8.1f} MB")
    print(f"a run, nobody there           {idle:8.1f} KB   1/{alone_kib / idle:.0f} of a server")
    print(f"a run, with a client          {busy:8.1f} KB   1/{alone_kib / busy:.0f} of a server")
    print(f"to make one over the API      {made_s / count * 1000:8.2f} ms")
    print(f"to delete one                 {gone_s / count * 1000:8.2f} ms")
    print(f"as many anew after that       {(again_kib - busy_kib) / count:8.1f} KB a run more")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=400)
    measure(parser.parse_args().runs)
