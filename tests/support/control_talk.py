"""The control API in memory, with a shell that opens no socket; every call is judged.

    talk = ControlTalk("pull")                        # named cassettes; the first is of run default
    talk.post("/runs", {"pace": "manual"}).json       # Answer: .status .json .reason .headers
    talk.clients("run-1").client().begin("/v2/me/*")  # a Conversation with that run
    talk.pass_time(3)                                 # for calls that wait

Each call and each answer must be as the OpenAPI file says.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cometape.core.bayeux.settings import Settings
from cometape.core.control.access import Access
from cometape.core.control.control_service import ControlService
from cometape.core.control.runs import Runs
from cometape.core.control.served_run import ServedRun
from cometape.core.control.shelf import Shelf, Shelved
from cometape.core.control.wishes import CarryOut, Close, Disconnect, Open
from cometape.core.errors import ConfigurationError
from cometape.core.exchange import Headers, Request, Response
from cometape.core.playbook.playbook import Playbook
from cometape.core.replay.replay_service import ReplaySettings
from cometape.core.service import Action, Respond
from cometape.profiles import load_profile
from conversation import Conversation
from openapi_check import OPENAPI, check
from scripted import NOTIFICATIONS, Script

ITEMS = "/v2/me/workitems"
AGENT = [("Authorization", "Basic YWdlbnQ3Ong=")]  # agent7:x
LOCAL = ("Host", "127.0.0.1:8091")


def pull_script(answer: int = 17) -> Script:
    """A read, an operation, and its event a second later."""
    script = Script(recorded_at="2026-03-01T09:15:00Z", scenario="the agent pulls a workitem")
    script.listen("agent7", ITEMS)
    script.ask("agent7", "GET", "/bins/A", None, {"seen": answer})
    script.ask("agent7", "POST", "/bins/A", {"operationName": "Pull"}, {"referenceId": answer})
    script.event("agent7", ITEMS, {"referenceId": answer, "n": 1})
    return script


def playbook(answer: int = 17) -> Playbook:
    """Of that script."""
    return Playbook.of(pull_script(answer).cassette, load_profile("workbins"))


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a call."""

    response: Response

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.response.body)

    @property
    def reason(self) -> str:
        """The reason of a problem."""
        reason: str = self.json["reason"]
        return reason

    def header(self, name: str) -> str | None:
        """A header."""
        return self.response.headers.first(name)


class ControlTalk:
    """Calls of a control API, and clients of its runs."""

    def __init__(
        self,
        *cassettes: str,
        access: Access | None = None,
        max_runs: int = 1000,
        refuses: Sequence[int] = (),
        **settings: Any,
    ) -> None:
        """`refuses` are ports on which the shell cannot listen."""
        self.now_s = 1000.0
        self.shelf = Shelf(
            [
                Shelved(name=name, file=f"some/{name}.yaml", playbook=playbook())
                for name in cassettes or ("pull",)
            ]
        )
        defaults = ReplaySettings(bayeux=Settings(max_interval_ms=300_000), **settings)
        self.runs = Runs(self.shelf, defaults, max_runs=max_runs)
        self.service = ControlService(
            self.runs, access or Access(), version="1.2.3", openapi=OPENAPI.read_bytes
        )
        self.disconnected: list[str] = []
        self.closed: list[str] = []
        self.refuses = refuses
        self._talks: dict[ServedRun, Conversation] = {}
        self._answers: dict[int, Response] = {}
        self._asked: dict[int, Request] = {}
        self._numbers = itertools.count(1)
        self._opened(self.runs.begin("default", next(iter(self.shelf)).name, self.now_s))

    # ---------------------------------------------------------------- calls

    def call(
        self,
        method: str,
        target: str,
        sent: object = None,
        *,
        headers: Iterable[tuple[str, str]] = (LOCAL,),
    ) -> Answer:
        """A call that is answered at once."""
        number = self.begin(method, target, sent, headers=headers)
        answer = self.answer(number)
        assert answer is not None, f"{method} {target} waits"
        return answer

    def begin(
        self,
        method: str,
        target: str,
        sent: object = None,
        *,
        headers: Iterable[tuple[str, str]] = (LOCAL,),
    ) -> int:
        """A call that may wait; its number for `answer`."""
        pairs = list(headers)
        body = b""
        if sent is not None:
            body = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
            if not any(name == "Content-Type" for name, _ in pairs):
                pairs.append(("Content-Type", "application/json"))
        number = next(self._numbers)
        request = Request(method=method, target=target, headers=Headers(pairs), body=body)
        self._asked[number] = request
        self._take(self.service.request(number, number, request, self.now_s))
        self._grant()
        return number

    def answer(self, number: int) -> Answer | None:
        """What a call was answered with, if it was."""
        response = self._answers.get(number)
        if response is None:
            return None
        request = self._asked[number]
        media_type = (response.headers.first("Content-Type") or "").partition(";")[0]
        check(
            request.method,
            request.target,
            request.body,
            response.status,
            media_type,
            response.body,
        )
        return Answer(response)

    def get(self, target: str) -> Answer:
        """A GET."""
        return self.call("GET", target)

    def post(self, target: str, sent: object = None) -> Answer:
        """A POST."""
        return self.call("POST", target, sent)

    def delete(self, target: str) -> Answer:
        """A DELETE."""
        return self.call("DELETE", target)

    def leave(self, number: int) -> None:
        """A caller goes away."""
        self._take(self.service.gone(number, self.now_s))

    # ---------------------------------------------------------------- runs and time

    def clients(self, run: str = "default") -> Conversation:
        """A conversation with a run."""
        return self._talks[self.runs.get(run)]

    def pull(self, run: str = "default") -> Any:
        """The agent's operation; the JSON of its answer."""
        headers = [*AGENT, ("Content-Type", "application/json")]
        body = '{"operationName":"Pull"}'
        return self.clients(run).send("POST", "/bins/A", headers=headers, body=body).json

    def pass_time(self, seconds: float) -> None:
        """Let real time pass, for the API and its runs."""
        until_s = self.now_s + seconds
        for talk in self._talks.values():
            talk.advance(until_s - talk.now_s)
        self.now_s = until_s
        deadline_s = self.service.deadline_s()
        if deadline_s is not None and deadline_s <= self.now_s:
            self._take(self.service.tick(self.now_s))

    # ---------------------------------------------------------------- the shell

    def _grant(self) -> None:
        for wish in self.service.take_wishes():
            if isinstance(wish, Open):
                if wish.port in self.refuses:
                    error = ConfigurationError("in use", reason="port-in-use")
                    self._take(self.service.not_opened(wish.run, error, self.now_s))
                else:
                    self._opened(wish.run)
            elif isinstance(wish, Close):
                self.closed.append(wish.run.name)
                del self._talks[wish.run]
                self._take(self.service.closed(wish.run, self.now_s))
            elif isinstance(wish, CarryOut):
                self._talks[wish.run].carry_out(wish.actions)
            elif isinstance(wish, Disconnect):
                self.disconnected.append(wish.run.name)

    def _opened(self, run: ServedRun) -> None:
        talk = Conversation(run, path=NOTIFICATIONS, now_s=self.now_s)
        self._talks[run] = talk
        run.on_change(lambda: self._take(self.service.look(self.now_s)))
        self._take(self.service.opened(run, f"http://127.0.0.1/{run.name}", self.now_s))

    def _take(self, actions: Sequence[Action]) -> None:
        for action in actions:
            assert isinstance(action, Respond)
            assert action.exchange not in self._answers
            self._answers[action.exchange] = action.response
