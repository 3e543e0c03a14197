"""HTTP requests and responses as values: what was on the wire, in its order, case and number.

Headers are pairs, never a mapping: a repeated header (`Set-Cookie`) and the spelling of a name are
facts that a lossy recorder could not mend later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Self
from urllib.parse import parse_qsl

from .shared_text import shared

Scheme = Literal["http", "https"]


class Headers(tuple[tuple[str, str], ...]):
    """Header pairs in wire order; look-ups ignore case (RFC 9110 §5.1), nothing is merged."""

    _firsts: dict[str, str] | None = None
    """First values by lower-case name, from when one is first looked up: more will be."""
    _cookies: dict[str, str] | None = None
    """What `cookies` gives, from when it is first asked."""

    def __new__(cls, pairs: Iterable[tuple[str, str]] = ()) -> Self:
        return super().__new__(cls, ((name, value) for name, value in pairs))

    @classmethod
    def of_pairs(cls, pairs: list[tuple[str, str]]) -> Self:
        """Headers of what is pairs of text already: a third of the constructor's time."""
        return tuple.__new__(cls, pairs)

    def first(self, name: str) -> str | None:
        """The first value under `name`, or None."""
        firsts = self._firsts
        if firsts is None:
            firsts = self._firsts = {key.lower(): value for key, value in reversed(self)}
        return firsts.get(name.lower())

    def all(self, name: str) -> list[str]:
        """Every value under `name`, in order."""
        wanted = name.lower()
        return [value for key, value in self if key.lower() == wanted]

    @property
    def cookies(self) -> Mapping[str, str]:
        """The cookies of every `Cookie` header (RFC 6265 §4.2); of equal names the first wins."""
        found = self._cookies
        if found is None:
            found = self._cookies = {}
            for header in self.all("Cookie") if self.first("Cookie") is not None else ():
                for pair in header.split(";"):
                    name, separator, value = pair.strip().partition("=")
                    if separator:
                        found.setdefault(name, value)
        return found

    def without(self, *names: str) -> Headers:
        """The same headers less every pair with one of `names`."""
        unwanted = {name.lower() for name in names}
        return Headers.of_pairs([pair for pair in self if pair[0].lower() not in unwanted])

    def plus(self, *pairs: tuple[str, str]) -> Headers:
        """The same headers with `pairs` at the end."""
        return Headers((*self, *pairs))


NO_HEADERS = Headers()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request, complete."""

    method: str
    """As sent; methods are case-sensitive (RFC 9110 §9.1)."""
    target: str
    """Origin form, path and query as sent: `/api/v2/me/workbins?fields=*`."""
    headers: Headers = NO_HEADERS
    body: bytes = b""
    """The payload with transfer coding (chunks) and content coding (gzip, …) removed."""
    scheme: Scheme = "http"
    """How the client came (RFC 9110 §7.1: what the target URI begins with); not in a cassette."""

    @property
    def origin(self) -> str | None:
        """What absolute URIs of this server begin with, by the client's `Host`."""
        host = self.headers.first("Host")
        return shared(f"{self.scheme}://{host}") if host else None

    @property
    def path(self) -> str:
        """The target without its query: also of `//a/b`, which a URL parser takes for a host."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> list[tuple[str, str]]:
        """The query's pairs, decoded, in order, empty values kept."""
        return parse_qsl(self.target.partition("?")[2], keep_blank_values=True)

    @property
    def form(self) -> list[tuple[str, str]]:
        """The pairs of a body that is a form, decoded, in order; of any other body none."""
        if "x-www-form-urlencoded" not in (self.headers.first("Content-Type") or "").lower():
            return []
        return parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)

    def cookies(self) -> Mapping[str, str]:
        """The cookies of every `Cookie` header, as `Headers.cookies`."""
        return self.headers.cookies


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class Response:
    """One HTTP response, complete. Never changed once made.

    It is not frozen, because one is made for every answer: a frozen one takes three times as long.
    """

    status: int
    headers: Headers = NO_HEADERS
    body: bytes = b""
    """The payload with transfer coding (chunks) and content coding (gzip, …) removed."""
    chunks: tuple[tuple[float, int], ...] = ()
    """How the body came, where not at once: seconds since the exchange began, and bytes (before
    content coding was removed)."""
