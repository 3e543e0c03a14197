"""Traffic that is over: exchanges and WebSockets as values, watched in the order of their times.

What a file of another program holds (`cometape.interchange`), and what a cassette is rendered to
when it is exported. Times are seconds since some zero, the same throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from cometape.core.profile.profile import Profile

from ..cassette import Cassette, Entry, Event, Header
from ..causality.inference import infer_causes
from .capture import CapturedExchange, SocketText
from .observer import Observer


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """One exchange; with texts, where it became a WebSocket."""

    exchange: CapturedExchange
    is_socket: bool = False
    texts: tuple[SocketText, ...] = ()
    closed_s: float | None = None
    """When the WebSocket ended; None: it was open to the end of the recording."""
    comment: str = ""
    """What this is, for people; empty where nobody knows."""

    def moved(self, by_s: float, connections: str = "") -> Traffic:
        """The same, later by some seconds, with its connections and keys told from others'."""
        asked = self.exchange.asked
        exchange = replace(
            self.exchange,
            asked=replace(
                asked,
                key=connections + asked.key,
                connection=connections + asked.connection,
                at_s=_exact(asked.at_s + by_s),
            ),
            ended_s=_exact(self.exchange.ended_s + by_s),
        )
        return replace(
            self,
            exchange=exchange,
            texts=tuple(replace(text, at_s=_exact(text.at_s + by_s)) for text in self.texts),
            closed_s=None if self.closed_s is None else _exact(self.closed_s + by_s),
        )


def watch(
    observer: Observer,
    traffic: Sequence[Traffic],
    progress: Callable[[int, int], None] | None = None,
) -> list[Entry]:
    """The entries of traffic: beginnings and ends as they lay in time, as a recorder sees them.

    What happened at the same time happens in the order of `traffic`. `progress` is told how much of
    it is done, of how much.
    """
    steps: list[tuple[float, Callable[[], Iterable[Entry]]]] = []
    for one in traffic:
        steps += _steps(observer, one)
    steps.sort(key=lambda step: step[0])
    entries: list[Entry] = []
    for done, (_, step) in enumerate(steps):
        if progress is not None:
            progress(done, len(steps))
        entries += step()
    if progress is not None:
        progress(len(steps), len(steps))
    return entries + observer.finish(steps[-1][0] if steps else 0.0)


def completed(cassette: Cassette, observer: Observer, profile: Profile) -> Cassette:
    """What can be said only at the end: the origin, where Bayeux was spoken, and every cause.

    Causes are inferred from scratch: one found while traffic was watched may have been the best of
    the entries so far, before the answer of the true one was complete.
    """
    entries = tuple(
        replace(entry, cause=None) if isinstance(entry, Event) else entry
        for entry in cassette.entries
    )
    header = completed_header(cassette.header, observer, profile)
    return infer_causes(Cassette(header, entries), profile)


def completed_header(header: Header, observer: Observer, profile: Profile) -> Header:
    """The header with the origin, and the place where Bayeux was spoken, if there was one."""
    origins = observer.origins.keys() | observer.bayeux_endpoints.keys()
    if header.origin is None and len(origins) == 1:
        header = replace(header, origin=next(iter(origins)))
    elif len(origins) > 1:
        observer.notices.problem(
            f"{len(origins)} origins in one cassette ({', '.join(sorted(origins))}):"
            " a replay does not tell them apart; --only chooses one"
        )
    bases = {base for found in observer.bayeux_endpoints.values() for base in found}
    unknown = sorted(bases.difference(profile.bayeux_paths))
    if header.bayeux is None and unknown and bases == set(unknown):
        header = replace(header, bayeux=unknown[0])
    return header


def _steps(
    observer: Observer, one: Traffic
) -> Iterable[tuple[float, Callable[[], Iterable[Entry]]]]:
    exchange = one.exchange
    key = exchange.asked.key

    def began() -> Iterable[Entry]:
        observer.began(exchange.asked)
        return ()

    def opened() -> Iterable[Entry]:
        observer.socket_opened(exchange)
        return ()

    def said(text: SocketText) -> Callable[[], Iterable[Entry]]:
        return lambda: observer.socket_text(key, text)

    yield exchange.asked.at_s, began
    if not one.is_socket:
        yield exchange.ended_s, lambda: observer.exchange(exchange)
        return
    yield exchange.ended_s, opened
    for text in one.texts:
        yield max(text.at_s, exchange.ended_s), said(text)
    if one.closed_s is not None:
        closed_s = max((one.closed_s, exchange.ended_s, *(text.at_s for text in one.texts)))
        yield closed_s, lambda: observer.socket_closed(key, closed_s)


def _exact(seconds: float) -> float:
    """To the microsecond, which is what file formats keep: sums of floats are not exact."""
    return round(seconds, 6)
