"""A project with a cassette and a client, in which pytest is run."""

from __future__ import annotations

import pytest

QUICK = ("-p", "no:hypothesispytest", "-p", "no:anyio")
"""Hypothesis' plugin imports all of hypothesis at the end of each inner run: two seconds. That of
anyio warns of itself where pytest is new."""

CASSETTE = """\
cassette: 1
scenario: an agent pulls a workitem
profile: workbins
ends_with: "..."
---
exchange: 1
session: agent
request:
  method: GET
  target: /api/v2/me/workbins
response:
  status: 200
  headers: [[Content-Type, application/json]]
  json: {statusCode: 0, workbins: []}
---
handshake: 2
session: agent
connection_types: [long-polling]
client_id: <client-id:1>
---
subscribe: 3
session: agent
channel: /v2/me/workitems
---
exchange: 4
session: agent
request:
  method: POST
  target: /api/v2/me/workitems/02F0X
  headers: [[Content-Type, application/json]]
  json: {operationName: Pull}
response:
  status: 200
  headers: [[Content-Type, application/json]]
  json: {statusCode: 0, referenceId: 17}
---
event: 5
session: agent
cause: 4
channel: /v2/me/workitems
data: {referenceId: 17, state: Pulled}
...
"""

DESK = '''
import json, urllib.error, urllib.request

class Desk:
    """A client of a few lines, with a cookie and a Bayeux session."""

    def __init__(self, url):
        self.url, self.cookie, self.client_id = url, "", ""

    def ask(self, path, body=None):
        request = urllib.request.Request(self.url + path)
        request.add_header("Content-Type", "application/json")
        if self.cookie:
            request.add_header("Cookie", self.cookie)
        data = None if body is None else json.dumps(body).encode()
        try:
            answer = urllib.request.urlopen(request, data, timeout=10)
        except urllib.error.HTTPError as error:
            error.close()  # it holds the connection
            raise
        with answer:
            for value in answer.headers.get_all("Set-Cookie") or []:
                self.cookie = value.partition(";")[0]
            return json.loads(answer.read())

    def say(self, channel, **more):
        message = {"channel": channel, "clientId": self.client_id, **more}
        return self.ask("/api/v2/notifications", [message])

    def subscribe(self):
        types = ["long-polling"]
        reply, = self.say("/meta/handshake", version="1.0", supportedConnectionTypes=types)
        self.client_id = reply["clientId"]
        self.say("/meta/subscribe", subscription="/v2/me/workitems")

    def workbins(self):
        return self.ask("/api/v2/me/workbins")

    def pull(self):
        return self.ask("/api/v2/me/workitems/02F0X", {"operationName": "Pull"})["referenceId"]

    def event(self):
        while True:
            for message in self.say("/meta/connect", connectionType="long-polling"):
                if message["channel"] == "/v2/me/workitems":
                    return message["data"]

    def work(self):
        self.workbins()
        self.subscribe()
        number = self.pull()
        assert self.event() == {"referenceId": number, "state": "Pulled"}
        return number
'''


def run(project: pytest.Pytester, source: str, *options: str) -> pytest.RunResult:
    """Run pytest on one test file, strict about warnings and markers."""
    project.makepyfile(test_it=f"import pytest\nfrom desk import Desk\n{source}")
    return project.runpytest_inprocess("-W", "error", "--strict-markers", *QUICK, *options)
