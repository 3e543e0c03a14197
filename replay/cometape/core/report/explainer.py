"""The explainer: makes a miss of a request that no recording answers, with all its reasons.

Its work is bounded: it looks at some dozens of recordings and at the events that come next, in a
cassette of any size.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from cometape.core.json_value import Json
from cometape.core.lone_surrogate import encodable
from cometape.core.playbook.difference import Absent, Difference, Patience, differences
from cometape.core.playbook.matching import Shape
from cometape.core.playbook.nearest import Candidate, NearestIndex, RequestHead
from cometape.core.playbook.playbook import Playbook
from cometape.core.playbook.recordings import Playable
from cometape.core.profile.profile import Profile
from cometape.core.run.live_client import LiveClient
from cometape.core.run.play import Due, Exhausted
from cometape.core.run.player import Run
from cometape.core.run.seats import clients_in

from .addition import exchange_to_add
from .body_diff import request_diff
from .excerpt import excerpt
from .leftovers import waiting_lines
from .miss import MAX_DIFFERENCES, Compared, Miss, NearMiss, Reason, Rejection, RunState, reason_for
from .remedy import LiveId, answering, live_id_of, remedies, repeating

_SESSIONS = 12
_REMEMBERED = 200
"""Requests without an answer that are remembered whole, to say which recording each almost was."""
_REMEMBERED_CHARACTERS = 2 * 1024 * 1024
"""Of their bodies together, in all runs; what was sent first is forgotten."""
_RUNS = 100
"""Runs of which they are remembered, the latest ones."""
_RELATED_CLIENTS = 20
_ALMOST_BY = 2_000
"""Values of two bodies that are compared for what a recording almost was."""
_MAX_REQUEST = 4096
_MAX_BODY = 8192
_MAX_VALUE = 500
"""Characters told of a request line, a body, and a value in which a body differs."""


class Explainer:
    """Explains misses, and what almost played a recording that was left over."""

    def __init__(self, playbook: Playbook, *, as_recorded: bool = False) -> None:
        """`as_recorded`: what broke off in the recording is played as well."""
        self._playbook = playbook
        self._as_recorded = as_recorded
        self._compared = _compared(playbook.profile)
        self._asked: dict[int, deque[tuple[Shape, str]]] = {}
        """Live requests that missed, with the client's name, by run."""
        self._asked_characters = 0
        self._asked_indexes: dict[int, tuple[list[tuple[Shape, str]], NearestIndex]] = {}

    def explain(
        self,
        shape: Shape,
        client: LiveClient,
        chosen: Exhausted | None,
        now_s: float,
        unfetched: Sequence[Due],
    ) -> Miss:
        """The miss that a request is; `chosen` where it was recorded, but too few times."""
        run = client.run
        self._remember(run.number, shape, client.label)
        around = run.done[-1] if run.done else 0
        candidates = self._nearest.nearest(shape, client.session, around)
        reason: Reason
        if chosen is not None:
            near = self._exhausted(chosen, client)
            reason = "exhausted"
            last = chosen.matches.of(near[0].session)[-1]
            fixes = repeating(shape, last.name)
        else:
            near = tuple(self._near(one, shape, client) for one in candidates)
            reason = reason_for(candidates)
            fixes = remedies(candidates, self._live_ids(candidates, client))
            unanswered = self._playbook.unanswered(shape)
            if unanswered is not None:
                reason = "not-answered"
                fixes = answering(unanswered, error=self._playbook.error(unanswered))
        addition = exchange_to_add(shape, client.session, self._playbook.last_number + 1)
        if addition.lacking:
            fixes.append(f"cassette: no exchange to add is proposed, for {addition.lacking}")
        return Miss(
            reason=reason,
            request=_told_request(shape),
            body=_told_body(shape),
            nearest=near,
            state=RunState(
                run=run.number,
                client=client.label,
                session=client.session,
                done=self._done(run),
                sessions=self._sessions(run),
                waiting=waiting_lines(run, unfetched, around=around, as_recorded=self._as_recorded),
            ),
            compared=self._compared,
            remedies=tuple(fixes),
            addition=addition.text,
            at_s=now_s,
        )

    def almost(self, playable: Playable, run: int) -> str | None:
        """The request of a run that missed and comes nearest to a recording, and in what not."""
        asked = self._asked.get(run)
        if asked is None:
            return None
        known = self._asked_indexes.get(run)
        if known is None:
            known = self._asked_indexes[run] = _index_of(list(asked))
        requests, index = known
        wanted = playable.shape
        found = next(iter(index.nearest(wanted, "")), None)
        if found is None:
            return None
        live, who = requests[found.head.number]
        differ = differences(wanted, live, Patience(_ALMOST_BY))
        if not differ:
            return f"{live} of {who} came when it was not to be had"
        told = "; ".join(map(str, differ[:3]))
        least = "more than " if differ[-1].is_rest else ""
        more = f"; and {least}{len(differ) - 3} more differences" if len(differ) > 3 else ""
        return encodable(f"{live} of {who}, but {told}{more}")

    def _remember(self, run: int, shape: Shape, who: str) -> None:
        if shape.characters > _REMEMBERED_CHARACTERS // 4:
            return  # it would be remembered instead of all others
        asked = self._asked.setdefault(run, deque())
        asked.append((shape, who))
        self._asked_characters += shape.characters
        self._asked_indexes.pop(run, None)
        if len(asked) > _REMEMBERED:
            self._forget(run)
        while len(self._asked) > _RUNS or self._asked_characters > _REMEMBERED_CHARACTERS:
            self._forget(next(iter(self._asked)))

    def _forget(self, run: int) -> None:
        """The first request of a run that is remembered."""
        asked = self._asked[run]
        shape, _ = asked.popleft()
        self._asked_characters -= shape.characters
        self._asked_indexes.pop(run, None)
        if not asked:
            del self._asked[run]

    @cached_property
    def _nearest(self) -> NearestIndex:
        playbook = self._playbook
        return NearestIndex(playbook.paths(), playbook.head, playbook.shape_of)

    def _near(self, candidate: Candidate, live: Shape, client: LiveClient) -> NearMiss:
        known = self._live_ids([candidate], client)
        return near_miss(candidate, live, known, error=self._playbook.error(candidate.head.number))

    def _exhausted(self, chosen: Exhausted, client: LiveClient) -> tuple[NearMiss, ...]:
        run = client.run
        by_session = chosen.matches.by_session
        order = sorted(by_session, key=lambda name: name != client.session)
        found = []
        for name in order[:3]:
            recordings = by_session[name]
            first, count = recordings[0], len(recordings)
            times = f"{count} time{'' if count == 1 else 's'}"
            holder = run.actors.get(name)
            if name == client.session or holder is None or holder is client:
                rejection = Rejection("exhausted", f"recorded {times}, and played as often")
            else:
                who = holder.label if isinstance(holder, LiveClient) else "another client"
                rejection = Rejection("session", f"recorded of {name!r}, which {who} has taken")
            found.append(
                NearMiss(
                    number=first.number,
                    session=name,
                    request=str(first.shape),
                    differences=(),
                    rejections=(rejection,),
                    times=count,
                )
            )
        return tuple(found)

    def _live_ids(self, candidates: Sequence[Candidate], client: LiveClient) -> dict[str, LiveId]:
        """Of the values that differ, those that this replay has issued to somebody in the run."""
        values = {
            str(one.live)
            for candidate in candidates
            for one in candidate.differences
            if not isinstance(one.live, Absent | dict | list)
        }
        others = [one for one in clients_in(client.run) if one is not client][:_RELATED_CLIENTS]
        found: dict[str, LiveId] = {}
        for value in values:
            for holder in (client, *others):
                for kind in self._playbook.profile.identities:
                    recorded = holder.binding.recorded(kind.name, value)
                    if recorded is not None:
                        found.setdefault(value, (kind.name, recorded))
        return found

    def _done(self, run: Run) -> tuple[str, ...]:
        lines = [f"{number} {self._playbook.title(number)}" for number in run.done]
        earlier = run.done_count - len(lines)
        return tuple(([f"({earlier} earlier ones)"] if earlier else []) + lines)

    def _sessions(self, run: Run) -> tuple[tuple[str, str | None], ...]:
        """Who has taken which recorded session, the taken ones first."""
        found: list[tuple[str, str | None]] = []
        for name in self._playbook.sessions:
            holder = run.actors.get(name)
            label = holder.label if isinstance(holder, LiveClient) else None
            found.append((name, label))
        found.sort(key=lambda pair: pair[1] is None)
        return tuple(found[:_SESSIONS])


def _index_of(
    requests: list[tuple[Shape, str]],
) -> tuple[list[tuple[Shape, str]], NearestIndex]:
    def head(at: int) -> RequestHead:
        shape, who = requests[at]
        return RequestHead(number=at, session=who, method=shape.method, segments=shape.segments)

    paths = ((at, shape.segments) for at, (shape, _) in enumerate(requests))
    return requests, NearestIndex(paths, head, lambda at: requests[at][0])


def near_miss(
    candidate: Candidate, live: Shape, live_ids: dict[str, LiveId], *, error: str | None = None
) -> NearMiss:
    """A candidate with the rules that rejected it; `error` is why it has no answer."""
    head = candidate.head
    rejections = []
    for one in candidate.differences:
        kind = live_id_of(one, live_ids)
        note = f" (a live {kind[0]}, recorded as {kind[1]})" if kind is not None else ""
        rejections.append(Rejection(one.facet, f"{_told(one)}{note}"))
    if error is not None:
        rejections.append(Rejection("no-answer", f"recorded without an answer: {error}"))
    return NearMiss(
        number=head.number,
        session=head.session,
        request=_told_request(candidate.shape),
        differences=tuple(map(_told, candidate.differences[:MAX_DIFFERENCES])),
        rejections=tuple(rejections),
        diff=tuple(request_diff(candidate.shape, live)) if candidate.differences else (),
        times=head.times,
    )


def _told_request(shape: Shape) -> str:
    return str(excerpt(encodable(str(shape)), _MAX_REQUEST))


def _told_body(shape: Shape) -> Json:
    """An excerpt of a body; two large ones that begin alike differ in it by their lengths."""
    if shape.body_form == "none":
        return None
    return excerpt(shape.body, _MAX_BODY, length=shape.characters)


def _told(difference: Difference) -> Difference:
    """A difference of which nothing is kept but what is told."""
    recorded, live = (
        value if isinstance(value, Absent) else excerpt(value, _MAX_VALUE)
        for value in (difference.recorded, difference.live)
    )
    where = str(excerpt(difference.where, _MAX_VALUE))
    return replace(difference, where=where, recorded=recorded, live=live)


def _compared(profile: Profile) -> Compared:
    kinds = [
        kind.name
        for kind in profile.identities
        if any(place.part in _COMPARED for place in (*kind.issued, *kind.used))
    ]
    return Compared(left_out=tuple(map(str, profile.volatile)), ids=tuple(kinds))


_COMPARED = ("request.path", "request.query", "request.json", "request.form", "publish.data")
