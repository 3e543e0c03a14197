"""Logins: which live clients have shown which `Authorization`.

A client shows one as long as it lives, but a token may be renewed: it then has several.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cometape.core.identity.identity import PLACEHOLDER

from .circle import Circle
from .live_client import LiveClient

MAX_TOKENS = 4
"""Renewed tokens remembered of each client: requests with older ones may still be on their way."""


class Logins:
    """Circles of clients that have shown the same."""

    def __init__(self) -> None:
        self._circles: dict[str, Circle] = {}
        self._renewed: set[str] = set()
        """Tokens that somebody has as renewed ones; most clients have none."""

    def of(self, authorization: str) -> Sequence[LiveClient]:
        """Who has shown it, in the order in which they came."""
        return self._circles.get(authorization, ())

    def join(self, authorization: str, client: LiveClient) -> None:
        """A client shows it for the first time."""
        self._circles.setdefault(authorization, Circle()).join(client)

    def may_be_renewed(self, authorization: str) -> bool:
        """Whether a client that never showed this token may have it in exchange for another.

        Nobody has shown it. Or it is one that the replay itself gives to everybody, the recorded
        placeholder, and only such clients have.
        """
        group = self.of(authorization)
        if group and PLACEHOLDER.search(authorization) is None:
            return False
        return all(authorization in one.tokens for one in group)

    def renew(self, token: str, client: LiveClient) -> None:
        """A client has a new token."""
        if len(client.tokens) == MAX_TOKENS:
            self._forget(client.tokens[0], client)
        client.tokens += (token,)
        self._renewed.add(token)
        self.join(token, client)

    def take_over(self, token: str) -> None:
        """Somebody new comes with it: who seemed to have it as a renewed one has it no more."""
        if token in self._renewed and PLACEHOLDER.search(token) is None:
            for client in [one for one in self.of(token) if token in one.tokens]:
                self._forget(token, client)
            self._renewed.discard(token)

    def let_go(self, are_here: Callable[[Sequence[LiveClient]], Sequence[LiveClient]]) -> None:
        """Forget all clients but those that are here."""
        circles = {what: Circle(are_here(circle)) for what, circle in self._circles.items()}
        self._circles = {what: circle for what, circle in circles.items() if circle}
        self._renewed &= self._circles.keys()

    def _forget(self, token: str, client: LiveClient) -> None:
        client.tokens = tuple(one for one in client.tokens if one != token)
        circle = [one for one in self.of(token) if one is not client]
        if circle:
            self._circles[token] = Circle(circle)
        else:
            self._circles.pop(token, None)
            self._renewed.discard(token)
