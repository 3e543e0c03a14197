"""A circle of clients: those of whom something may still be heard."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from .live_client import LiveClient

MAX_FINISHED = 64
"""Finished clients remembered among those who may be meant: the latest of a circle, and as many
again, or an eighth of a large one, until the next look at who has finished."""


class Circle(list[LiveClient]):
    """Clients in the order in which they came: all that are active, the latest that have finished.

    A server may see thousands come and go. Who has finished is looked at now and then, because a
    circle can also be large of clients that are all active.
    """

    __slots__ = ("_most",)

    def __init__(self, clients: Iterable[LiveClient] = ()) -> None:
        super().__init__(clients)
        self._most = len(self) + 2 * MAX_FINISHED

    def join(self, client: LiveClient) -> None:
        """Somebody has come."""
        self.append(client)
        if len(self) > self._most:
            finished = [one for one in self if one.finished]
            gone = set(map(id, finished[:-MAX_FINISHED]))
            self[:] = [one for one in self if id(one) not in gone]
            self._most = len(self) + max(MAX_FINISHED, len(self) // 8)


def may_come_without(client: LiveClient) -> bool:
    """Whether a request without a cookie can be from it: it is active, and keeps none."""
    return not client.finished and not client.keeps_cookies


def newest_of_several(clients: Sequence[LiveClient]) -> LiveClient | None:
    """The newest that may come without a cookie, if two of them have a Bayeux session.

    Found from the end: a server may have thousands.
    """
    active = filter(may_come_without, reversed(clients))
    newest = next(active, None)
    if newest is None:
        return None
    shaken = (one for one in active if one.client_ids)
    others = 1 if newest.client_ids else 2
    return newest if len(list(islice(shaken, others))) == others else None
