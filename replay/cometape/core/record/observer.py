"""The recorder's core: captured traffic in, cassette entries out, in the order of completion.

What an observer returns is scrubbed, numbered, and has its causes where they are known already; of
an event that overtook the answer of the exchange that caused it, `take_settled` tells later.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from cometape.core.profile.profile import Profile

from ..cassette import Entry, Event, Exchange, Publish
from ..causality.cause_finder import CauseFinder
from ..causality.waiting_events import Settled, WaitingEvents
from ..exchange import Request, Response
from ..scrub.pseudonym import Pseudonyms
from ..scrub.scrubber import Scrubber
from .bayeux_observer import BayeuxObserver
from .bayeux_outcome import UNNUMBERED
from .capture import (
    CLIENT_LEFT,
    NO_WHOLE_ANSWER,
    RECORDING_ENDED,
    CapturedExchange,
    CapturedRequest,
    SocketText,
    on_one_line,
)
from .client_sessions import ClientSessions, evidence
from .notices import Notices

Message = TypeVar("Message", Request, Response)
_FINAL_STATUS = 200
"""From here on a status is an answer's (RFC 9110 §15.2); 101 is the end of HTTP."""
_MAX_UNCAUGHT = 64
"""Entries that can be left for `catch_up`."""


class Observer:
    """Watches one recording. Times are seconds on any monotonic clock, `started_s` its zero."""

    def __init__(
        self,
        profile: Profile,
        *,
        started_s: float,
        scrubber: Scrubber | None = None,
        pseudonyms: bool = False,
    ) -> None:
        """With `pseudonyms`, personal data is replaced, too."""
        self.profile = profile
        self.started_s = started_s
        self.scrubber = scrubber or Scrubber(profile)
        self.pseudonyms = Pseudonyms(profile, self.scrubber.placeholders) if pseudonyms else None
        self.notices = Notices()
        self.counts: Counter[str] = Counter()
        """Entries returned, by the kind (`Exchange`, `Event`, …)."""
        self.origins: Counter[str] = Counter()
        """Entries returned for plain exchanges, by origin."""
        self._clients = ClientSessions()
        self._bayeux = BayeuxObserver(profile, self.scrubber, self._clients, self.notices)
        self._causes = CauseFinder(profile)
        self._waiting = WaitingEvents(self._causes)
        self._uncaught: deque[Exchange | Publish] = deque()
        """What may have caused events, and was not looked into yet."""
        self._number = 0

    @property
    def sessions(self) -> list[str]:
        """Names of the recorded client sessions so far, in order of appearance."""
        names = [client.name for client in self._clients.clients]
        return names if self.pseudonyms is None else [*map(self.pseudonyms.session, names)]

    @property
    def bayeux_endpoints(self) -> dict[str, list[str]]:
        """Base paths that proved to speak Bayeux, by origin."""
        return self._bayeux.endpoints

    def began(self, asked: CapturedRequest) -> None:
        """A complete request is on its way to the upstream."""
        self._bayeux.began(asked)

    def dropped(self, key: str) -> None:
        """A request that began is not to be recorded after all."""
        self._bayeux.dropped(key)

    def exchange(self, captured: CapturedExchange) -> list[Entry]:
        """An exchange is over: answered, failed or left by its client."""
        if captured.error is not None:
            captured = replace(captured, error=self.scrubber.text(captured.error))
            if captured.error not in (CLIENT_LEFT, RECORDING_ENDED):
                self.notices.problem(f"{NO_WHOLE_ANSWER}: {captured.error}")
        entries = self._bayeux.exchange(captured)
        if entries is not None:
            return self._finished(entries)
        if _is_preflight(captured.asked.request):
            # Whoever serves the cassette answers for its own origin.
            self.notices.skipped("CORS preflights")
            return []
        if captured.response is not None and captured.response.status < _FINAL_STATUS:
            if captured.error is None:
                self.notices.skipped("changes to another protocol")
                return []
            captured = replace(captured, response=None)
        return self._finished([self._plain(captured)])

    def socket_opened(self, captured: CapturedExchange) -> None:
        """An exchange became a WebSocket; its key names the socket from now on."""
        self._bayeux.socket_opened(captured.asked, captured)

    def socket_text(self, key: str, text: SocketText) -> list[Entry]:
        """A text message passed over a WebSocket."""
        return self._finished(self._bayeux.socket_text(key, text))

    def socket_closed(self, key: str, at_s: float) -> list[Entry]:
        """A WebSocket ended, however."""
        return self._finished(self._bayeux.socket_closed(key, at_s))

    def catch_up(self) -> None:
        """Do what no entry waits for, so that it need not be done when one does."""
        while self._uncaught:
            self._waiting.completed(self._uncaught.popleft())
        self._causes.catch_up()

    def take_settled(self) -> list[Settled]:
        """Events returned without a cause of which is known now what caused them, or that nothing
        did: each once."""
        return self._waiting.take_settled()

    def finish(self, at_s: float) -> list[Entry]:
        """The recording ends: what can still be said about open WebSockets."""
        entries = self._finished(self._bayeux.finish(at_s))
        self.settle()
        return entries

    def settle(self) -> None:
        """Nothing more will come: `take_settled` then tells of every event that still waited."""
        self.catch_up()
        self._waiting.finish()

    def _plain(self, captured: CapturedExchange) -> Exchange:
        asked, response = captured.asked, captured.response
        cookies = self.profile.session_cookies
        seen = evidence(asked.connection, asked.request, response, cookies, asked.session)
        client = self._clients.of_exchange(seen)
        self.origins[asked.origin] += 1
        return Exchange(
            number=UNNUMBERED,
            session=client.name,
            at_s=asked.at_s,
            took_s=_to_ms(captured.ended_s - asked.at_s),
            request=self.scrubber.request(_on_one_line(asked.request)),
            response=None if response is None else self.scrubber.response(_on_one_line(response)),
            error=captured.error,
        )

    def _finished(self, drafts: Iterable[Entry]) -> list[Entry]:
        entries: list[Entry] = []
        for draft in drafts:
            self._number += 1
            at_s = None if draft.at_s is None else _to_ms(draft.at_s - self.started_s)
            entry = replace(draft, number=self._number, at_s=at_s)
            if self.pseudonyms is not None:
                entry = self.pseudonyms.entry(entry)
            if isinstance(entry, Event):
                self.catch_up()
                cause = self._waiting.came(entry)
                if cause is not None:
                    entry = replace(entry, cause=cause.number)
            if isinstance(entry, Exchange | Publish):
                self._uncaught.append(entry)
                if len(self._uncaught) > _MAX_UNCAUGHT:
                    self.catch_up()
            else:
                self._causes.observe(entry)
            self.counts[type(entry).__name__] += 1
            entries.append(entry)
        return entries


def _is_preflight(request: Request) -> bool:
    """A browser's question whether it may ask (Fetch standard, CORS-preflight request)."""
    return (
        request.method == "OPTIONS"
        and request.headers.first("Origin") is not None
        and request.headers.first("Access-Control-Request-Method") is not None
    )


def _on_one_line(message: Message) -> Message:
    headers = on_one_line(message.headers)
    return message if headers is message.headers else replace(message, headers=headers)


def _to_ms(seconds: float) -> float:
    return round(max(seconds, 0.0), 3)
