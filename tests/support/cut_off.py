"""A whole replay without a network: the client and the server, where no route leads out.

    unshare --net python tests/support/cut_off.py FILE COMMAND...

Brings loopback up, makes sure that nothing else can be reached, starts COMMAND (a `cometape replay`
of FILE, `cassettes/pull_workitem.yaml`), is its client, and ends it. Prints what the client got, as
JSON.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import fcntl
import json
import socket
import struct
import subprocess
import sys
from http.client import HTTPConnection
from typing import Any

LOGIN = "Basic " + base64.b64encode(b"agent7:secret").decode()
WORKBIN = "/api/v2/workbins/9c1d5f7a-2e64-4a0b-8f3c-71d2e0b4a522"
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def loopback_up() -> None:
    """As `ip link set lo up` does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def is_cut_off() -> bool:
    """Whether no route leads out: 192.0.2.1 is nobody's address (RFC 5737)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))
        except OSError as error:
            return error.errno == errno.ENETUNREACH
    return False


class Client:
    """A session of the cassette's agent."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookie = ""

    def ask(self, method: str, target: str, body: Any = None) -> tuple[int, Any]:
        """A request over a connection of its own; status and JSON."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Authorization": LOGIN, "Content-Type": "application/json"}
        if self.cookie:
            headers["Cookie"] = self.cookie
        connection.request(method, target, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        cookie = answer.headers.get("Set-Cookie", "").partition(";")[0]
        if cookie.startswith("JSESSIONID"):
            self.cookie = cookie
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if text else None

    def bayeux(self, channel: str, **fields: Any) -> list[Any]:
        """A Bayeux message by long-polling; what comes back."""
        message = [{"channel": f"/meta/{channel}", **fields}]
        answer = self.ask("POST", f"/api/v2/notifications/{channel}", message)[1]
        assert isinstance(answer, list)
        return answer


def session(port: int) -> dict[str, Any]:
    """A pulled workitem, and requests of clients that are lost or want to be let through."""
    client = Client(port)
    me, _ = client.ask("GET", "/api/v2/me?subresources=*")
    types = ["long-polling"]
    client_id = client.bayeux("handshake", version="1.0", supportedConnectionTypes=types)[0][
        "clientId"
    ]
    client.bayeux("subscribe", clientId=client_id, subscription="/v2/me/*")
    connect = {"clientId": client_id, "connectionType": "long-polling"}
    client.bayeux("connect", **connect)
    _, pulled = client.ask(
        "POST", WORKBIN, {"operationName": "PullWorkitem", "id": "02F0XAMPLE00001A"}
    )
    events: list[Any] = []
    while len(events) < 2:
        events += [one for one in client.bayeux("connect", **connect) if "data" in one]
    missed, _ = client.ask("GET", "/api/v2/never-recorded")
    passed_on, _ = client.ask("GET", "http://gws.example:8090/api/v2/never-recorded")
    tunnel, _ = client.ask("CONNECT", "gws.example:443")
    client.bayeux("disconnect", clientId=client_id)
    return {
        "me": me,
        "pulled": pulled["referenceId"],
        "events": [one["data"]["referenceId"] for one in events],
        "refused": [missed, passed_on, tunnel],
    }


def main() -> None:
    """See the module."""
    command = sys.argv[1:]
    with contextlib.suppress(PermissionError):
        loopback_up()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as replay:
        assert replay.stdout is not None
        line = replay.stdout.readline()
        try:
            found = session(int(line.rpartition(":")[2]))
        finally:
            replay.terminate()
            replay.communicate(timeout=20)
    print(json.dumps({"cut_off": is_cut_off(), "exit_code": replay.returncode, **found}))


if __name__ == "__main__":
    main()
