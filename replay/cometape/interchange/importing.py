"""Sources to one cassette: put together by time, watched as if recorded, secrets scrubbed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC

from cometape.core.profile.profile import Profile

from ..core.cassette import Cassette, Entry, Event, Exchange, Header
from ..core.errors import CassetteError, ConfigurationError
from ..core.exchange import Headers
from ..core.record.observer import Observer
from ..core.record.rendering import NO_ORIGIN
from ..core.record.traffic import Traffic, completed, watch
from ..core.scrub.cleaning import clean
from .source import Source

_NAMED = 8
"""Entries and sessions named in a summary before it says `…`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSettings:
    """What to make of sources."""

    profile_name: str
    """As the cassette will name it."""
    scenario: str = ""
    bayeux: str | None = None
    """Path of the Bayeux endpoint where it is not the profile's."""
    only: frozenset[str] = frozenset()
    """Origins to import; empty: all."""
    pseudonyms: bool = False
    """Whether personal data is replaced, too."""
    allowed: tuple[str, ...] = ()
    """Fields that only look like secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A cassette, and what its making met."""

    cassette: Cassette
    sessions: tuple[str, ...]
    secrets: int
    """Secrets replaced, each occurrence counted."""
    skipped: dict[str, int]
    problems: dict[str, int]

    def render(self, out: str, sources: int) -> str:
        """A summary as lines of text."""
        entries = self.cassette.entries
        events = [entry for entry in entries if isinstance(entry, Event)]
        exchanges = sum(isinstance(entry, Exchange) for entry in entries)
        caused = sum(type(event.cause) is int for event in events)
        spontaneous = f" ({len(events) - caused} spontaneous)" if caused < len(events) else ""
        more = ", …" if len(self.sessions) > _NAMED else ""
        names = f" ({', '.join(self.sessions[:_NAMED])}{more})"
        lines = [
            f"imported {sources} {'file' if sources == 1 else 'files'} into {out}",
            f"  exchanges         {exchanges}",
            f"  sessions          {len(self.sessions)}{names if self.sessions else ''}",
            f"  bayeux entries    {len(entries) - exchanges - len(events)}",
            f"  events            {len(events)}",
            f"  causes found      {caused}{spontaneous}",
            f"  secrets replaced  {self.secrets}",
        ]
        if self.skipped:
            left = ", ".join(f"{count} {what}" for what, count in self.skipped.items())
            lines.append(f"  left out          {left}")
        lines.append(f"  problems          {sum(self.problems.values())}")
        lines += [
            f"    {f'{count} times: ' if count > 1 else ''}{what}"
            for what, count in self.problems.items()
        ]
        return "\n".join(lines)


def assemble(
    sources: Sequence[Source],
    profile: Profile,
    settings: ImportSettings,
    progress: Callable[[int, int], None] | None = None,
) -> Imported:
    """The cassette of one or several sources; `progress` is told how much is done, of how much.

    Raises CassetteError or ConfigurationError.
    """
    timed = _is_timed(sources)
    traffic = list(_together(sources))
    path = settings.bayeux or next((one.bayeux for one in sources if one.bayeux), None)
    if path is not None:
        profile = replace(profile, bayeux_paths=(path, *profile.bayeux_paths))
    observer = Observer(profile, started_s=0.0)
    for source in sources:
        observer.notices.skips.update(source.skipped)
        for what, numbers in source.problems.items():
            more = ", …" if len(numbers) > _NAMED else ""
            named = ", ".join(map(str, numbers[:_NAMED]))
            observer.notices.problem(f"{source.name}: {what} (entry {named}{more})")
    if settings.only:
        there = len(traffic)
        traffic = [one for one in traffic if one.exchange.asked.origin in settings.only]
        if len(traffic) < there:
            observer.notices.skips["exchanges with other origins"] += there - len(traffic)
    if not traffic:
        raise _nothing(sources, settings)
    _reserve(observer, traffic)
    entries = watch(observer, traffic, progress)
    if not timed:
        entries = [_untimed(entry) for entry in entries]
    first = sources[0]
    header = Header(
        scenario=settings.scenario or observer.scrubber.text(first.scenario),
        recorded_at=_recorded_at(sources) if timed else None,
        profile=settings.profile_name,
        bayeux=path,
        allowed=tuple(dict.fromkeys((*settings.allowed, *_allowed(sources)))),
    )
    cassette = completed(Cassette(header, tuple(entries)), observer, profile)
    if cassette.header.origin == NO_ORIGIN:
        cassette = replace(cassette, header=replace(cassette.header, origin=None))
    if settings.pseudonyms:
        cassette = clean(cassette, profile, pseudonyms=True).cassette
    return Imported(
        cassette=cassette,
        sessions=cassette.sessions,
        secrets=observer.scrubber.replaced.total(),
        skipped=dict(observer.notices.skips),
        problems=dict(observer.notices.problems),
    )


def _allowed(sources: Iterable[Source]) -> Iterable[str]:
    return (field for source in sources for field in source.allowed)


def _is_timed(sources: Sequence[Source]) -> bool:
    untimed = [source.name for source in sources if source.started is None and source.traffic]
    if untimed and len(sources) > 1:
        raise ConfigurationError(
            f"{untimed[0]} has no times, so it cannot be put together with other files",
            hint="Import it into a cassette of its own.",
            reason="bad-option",
        )
    return not untimed


def _together(sources: Sequence[Source]) -> Iterable[Traffic]:
    zero = min((one.started for one in sources if one.started is not None), default=None)
    for index, source in enumerate(sources, start=1):
        by_s = 0.0
        if zero is not None and source.started is not None:
            by_s = (source.started - zero).total_seconds()
        for one in source.traffic:
            yield one.moved(by_s, f"{index}/") if len(sources) > 1 else one


def _recorded_at(sources: Sequence[Source]) -> str | None:
    dated = [one.started for one in sources if one.started is not None and one.recorded]
    return min(dated).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if dated else None


def _reserve(observer: Observer, traffic: Iterable[Traffic]) -> None:
    """Give no secret a placeholder that stands in the traffic already, for another one."""
    reserve = observer.scrubber.placeholders.reserve
    for one in traffic:
        asked, response = one.exchange.asked.request, one.exchange.response
        reserve(asked.target)
        _reserve_headers(observer, asked.headers)
        reserve(asked.body.decode("utf-8", "replace"))
        if response is not None:
            _reserve_headers(observer, response.headers)
            reserve(response.body.decode("utf-8", "replace"))
        for text in one.texts:
            reserve(text.text)


def _reserve_headers(observer: Observer, headers: Headers) -> None:
    for _, value in headers:
        observer.scrubber.placeholders.reserve(value)


def _untimed(entry: Entry) -> Entry:
    if isinstance(entry, Exchange):
        return replace(entry, at_s=None, took_s=None)
    return replace(entry, at_s=None)


def _nothing(sources: Sequence[Source], settings: ImportSettings) -> CassetteError:
    there = sorted({one.exchange.asked.origin for source in sources for one in source.traffic})
    if settings.only and there:
        what = f"nothing in it is with {', '.join(sorted(settings.only))}"
        hint = f"Its origins are {', '.join(there[:12])}."
    else:
        what, hint = "no HTTP exchange is in it", "Export the requests once more, with content."
    return CassetteError(what, hint=hint, reason="empty", path=sources[0].name)
