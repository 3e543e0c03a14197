"""A request as texts, its target and its body, in which values are found and exchanged.

Headers and cookies are not among them: requests are not matched by those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from cometape.core.exchange import Request

from .inner_text import Claim, Spot, spliced, spots
from .place import Place

T = TypeVar("T")
Change = Callable[[Spot[T]], str | None]
"""What becomes of a value: another text, or None to leave it."""


@dataclass(frozen=True, slots=True)
class RequestClaims(Generic[T]):
    """Who wants what of a request."""

    target: tuple[Claim[T], ...] = ()
    json: tuple[Claim[T], ...] = ()
    form: tuple[Claim[T], ...] = ()

    @classmethod
    def of(cls, claims: Iterable[tuple[T, Place]]) -> RequestClaims[T]:
        """Those of some claims that are about target or body."""
        sorted_: dict[str, list[Claim[T]]] = {"target": [], "json": [], "form": []}
        parts = {"path": "target", "query": "target", "json": "json", "form": "form"}
        for tag, place in claims:
            half, _, which = place.part.partition(".")
            if half == "request" and which in parts:
                sorted_[parts[which]].append((tag, place.steps))
        return cls(**{name: tuple(found) for name, found in sorted_.items()})

    def __bool__(self) -> bool:
        return bool(self.target or self.json or self.form)

    def find(self, request: Request) -> list[Spot[T]]:
        """What is claimed in a request: in its target, then in its body."""
        return [*spots(request.target, self.target), *spots(*self._body(request))]

    def rewrite(self, request: Request, change: Change[T]) -> Request:
        """The request with new texts at the spots for which `change` gives one.

        The same object when nothing changes.
        """
        target = _changed(request.target, self.target, change)
        text, claims = self._body(request)
        body = _changed(text, claims, change)
        if target is request.target and body is text:
            return request
        return replace(
            request,
            target=target,
            body=request.body if body is text else body.encode("utf-8"),
        )

    def _body(self, request: Request) -> tuple[str, tuple[Claim[T], ...]]:
        claims = self.json if request.body.lstrip()[:1] in (b"{", b"[") else self.form
        if not claims or not request.body:
            return "", ()
        if claims is self.form and not request.form:
            return "", ()
        try:
            return request.body.decode("utf-8"), claims
        except UnicodeDecodeError:
            return "", ()


def _changed(text: str, claims: tuple[Claim[T], ...], change: Change[T]) -> str:
    if not claims:
        return text
    found = [(spot, new) for spot in spots(text, claims) if (new := change(spot)) is not None]
    if not found:
        return text
    return spliced(text, [(spot.start, spot.end, spot.write(new)) for spot, new in found])
