"""Origins of absolute URIs in JSON, exchanged where the profile says that a URI stands.

A system builds such URIs from an address of its own choosing (`externalApiUrlV2` of the Workbins
API), so a client that stays on a proxy must find the proxy's there. Only the origin's characters
are exchanged: spaces, escapes and everything else stay as the server wrote them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence

from cometape.core.places.inner_text import WRITTEN_ORIGIN
from cometape.core.places.typed_path import Location, TypedPath

Change = Callable[[str], str | None]
"""What an origin (`http://host:port`) becomes; None: it stays."""

BEGINNINGS = tuple(
    f'"{scheme}:{slash}{slash}'.encode() for scheme in ("http", "https") for slash in ("/", "\\/")
)
"""How a JSON string that is an absolute URI begins, in lower case."""
_BEGINNING = re.compile(rb'"https?:(?:\\?/){2}', re.IGNORECASE)
_JSONP = re.compile(r"\s*(?:/\*\*/)?\s*[\w$.\[\]]+\s*\((?P<json>.*)\)\s*;?\s*", re.DOTALL)
"""A call of callback-polling, whose argument is JSON (Bayeux specification §6.2)."""


class UriOrigins:
    """Exchanges the origins of the URIs at some typed paths (`Profile.uri_fields`)."""

    def __init__(self, paths: Sequence[TypedPath]) -> None:
        self.paths = tuple(paths)

    def changed(self, body: bytes, change: Change) -> bytes:
        """`body`, JSON or a JSONP call in UTF-8, with changed origins; any other as it is."""
        if not self.paths or _BEGINNING.search(body) is None:
            return body
        try:
            text = body.decode("utf-8")
            called = _JSONP.fullmatch(text) if text.lstrip()[:1] not in ("{", "[", '"') else None
            if called is None:
                return self._changed(text, change).encode("utf-8")
            start, end = called.span("json")
            return (text[:start] + self._changed(text[start:end], change) + text[end:]).encode()
        except (ValueError, RecursionError):  # no JSON, or none that anybody means
            return body

    def _changed(self, text: str, change: Change) -> str:
        json.loads(text)  # what is no JSON is not touched
        pieces: list[str] = []
        at = 0
        for location, start in _uris(text):
            if not self._is_wanted(location):
                continue
            found = WRITTEN_ORIGIN.match(text[start : start + _LONGEST])
            if found is None:
                continue
            slash = found["slash"]
            new = change(found.group().replace(slash, "/"))
            if new is not None:
                pieces += (text[at:start], new.replace("/", slash))
                at = start + found.end()
        return "".join((*pieces, text[at:]))

    def _is_wanted(self, location: Location) -> bool:
        # The paths of event data begin below `data` of a Bayeux message, alone or in an array.
        below = location[1:] if location and isinstance(location[0], int) else location
        data = below[1:] if below[:1] == ("data",) else None
        return any(
            path.leads_to(location) or (data is not None and path.leads_to(data))
            for path in self.paths
        )


def _uris(text: str) -> Iterator[tuple[Location, int]]:
    """Each string of a JSON text that is an absolute URI: its location and where it starts.

    Looks at brackets, commas and strings alone: four times as fast as `json_text.scalars`.
    """
    at: list[str | int | None] = []
    """For each open bracket the key or index that comes; None: a key must come first."""
    for token in _TOKEN.finditer(text):
        mark = text[token.start()]
        if mark == '"':
            if at and at[-1] is None:
                key = token.group()
                at[-1] = json.loads(key) if "\\" in key else key[1:-1]
            elif text[token.start() + 1 : token.start() + 2] in ("h", "H"):
                yield tuple(step for step in at if step is not None), token.start() + 1
        elif mark == ",":
            last = at[-1]
            at[-1] = last + 1 if isinstance(last, int) else None
        elif mark in "{[":
            at.append(None if mark == "{" else 0)
        else:
            at.pop()


_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],]', re.DOTALL)
_LONGEST = 512
"""Characters of a string that are looked at for an origin (a host name has at most 253)."""


class UnfinishedBody:
    """A body that is passed on as it comes, until a URI begins whose origin may have to change.

    From there it is held: whether the URI stands at a path of the profile is known only when all
    of the JSON is there. `with_codings` bodies are held from the first byte, as they cannot be
    looked into. A body longer than `limit` bytes is let go, as it is.
    """

    def __init__(
        self, change: Callable[[bytes], bytes], *, limit: int, with_codings: bool = False
    ) -> None:
        self._change = change
        self._limit = limit
        self._begun = with_codings
        self._seen = bytearray()
        self._passed = 0
        self.given_up = False
        """Whether it was too long to be held."""

    def feed(self, chunk: bytes) -> bytes:
        """What can be passed on now that this much more has come."""
        if self.given_up:
            return chunk
        start = max(0, self._passed - 1)
        self._seen += chunk
        if len(self._seen) > self._limit:
            self.given_up = True
            return self._pass(len(self._seen))
        if self._begun:
            return b""
        found = _BEGINNING.search(self._seen, start)
        self._begun = found is not None
        return self._pass(found.start() if found is not None else self._end_of_the_harmless())

    def end(self) -> bytes:
        """The rest, once all of it has come."""
        if self.given_up:
            return b""
        body = bytes(self._seen)
        changed = self._change(body) if self._begun else body
        passed = self._passed
        return (changed if changed.startswith(body[:passed]) else body)[passed:]

    def _pass(self, end: int) -> bytes:
        passed, self._passed = self._passed, max(self._passed, end)
        return bytes(self._seen[passed : self._passed])

    def _end_of_the_harmless(self) -> int:
        """Where a URI may begin that the next chunk goes on with; else the end."""
        quote = self._seen.rfind(b'"', self._passed)
        tail = bytes(self._seen[quote:]).lower() if quote >= 0 else b""
        if not tail or not any(beginning.startswith(tail) for beginning in BEGINNINGS):
            return len(self._seen)
        before = bytes(self._seen[max(0, quote - 64) : quote]).rstrip()[-1:]
        if tail != b'"':
            return quote
        # A quote that ends a string, as nearly all at a chunk's end do, is no beginning.
        return len(self._seen) if before and before not in b"{[,:" else quote
