"""Bayeux in mitmweb and mitmproxy: messages as lines, for HTTP bodies and WebSocket messages.

mitmproxy 11 asks a content view by `__call__` with keywords, mitmproxy 12 by `prettify` with a
`Metadata`. `BayeuxView` answers both and inherits from neither's base class.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from mitmproxy import contentviews, ctx, exceptions, http

from ..core.errors import CometapeError
from ..core.exchange import Request, Response
from ..core.json_value import JsonObject
from ..core.record.bayeux_capture import channel_of, messages_of, messages_of_text, replies_of
from ..core.record.message_lines import Direction, message_lines
from ..core.scrub.scrubber import Scrubber
from ..profiles import load_profile
from .flow_capture import headers_of

MAX_KEPT_BYTES = 1024 * 1024
"""Longer streamed answers are not shown."""
_MAX_SECRETS = 10_000
"""After so many the numbers of placeholders begin again, and memory with them."""
_PRIORITY = 2.0
"""Over mitmproxy's JSON and form views, which have 1."""
_NOT_OURS = -2.0
"""Below all others; never equal to one, since mitmproxy 11 then compares the views themselves."""

Found = tuple[list[JsonObject], Direction | None]


class BayeuxView:
    """The content view."""

    name = "Bayeux"
    syntax_highlight = "none"

    def __init__(self, profile: str = "workbins") -> None:
        self.use(profile)

    def use(self, profile: str) -> None:
        """Hide what this profile calls a secret. Raises ProfileError."""
        self._profile = load_profile(profile)
        self._scrubber = Scrubber(self._profile)

    def lines(self, data: bytes, metadata: dict[str, Any]) -> Iterator[str]:
        """The lines of one body or WebSocket message. Raises ValueError when it is not Bayeux."""
        found = _messages(data, metadata)
        if found is None:
            raise ValueError("these are no Bayeux messages")
        if self._scrubber.replaced.total() > _MAX_SECRETS:
            self._scrubber = Scrubber(self._profile)
        return message_lines(*found, self._scrubber)

    # mitmproxy 12

    def prettify(self, data: bytes, metadata: Any) -> str:
        """All lines as text. Raises ValueError when it is not Bayeux."""
        return "\n".join(self.lines(data, vars(metadata)))

    # mitmproxy 11

    def __call__(self, data: bytes, **metadata: Any) -> tuple[str, Iterator[list[tuple[str, str]]]]:
        """Description and lines. Raises ValueError when it is not Bayeux."""
        lines = list(self.lines(data, metadata))
        return self.name, ([("text", line)] for line in lines)

    # both

    def render_priority(self, data: bytes, metadata: Any = None, **keywords: Any) -> float:
        """How well it suits `data`; the view with the highest number is shown."""
        known = vars(metadata) if metadata is not None else keywords
        return _NOT_OURS if _messages(data, known) is None else _PRIORITY

    def __lt__(self, other: Any) -> bool:
        return bool(self.name < other.name)


class BayeuxViewer:
    """The addon that brings the view to mitmproxy.

    The recorder streams answers, and mitmproxy keeps no body that is streamed: those of Bayeux
    endpoints are kept here, to be seen. For that it must come after the recorder (`-s` twice).
    """

    name = "cometape-view"

    def __init__(self) -> None:
        self.view = BayeuxView()
        self._kept: dict[str, bytearray] = {}

    def load(self, loader: Any) -> None:
        """Add the view, in place of one that an earlier load of the script has left."""
        self._remove()
        contentviews.add(cast(Any, self.view))

    def configure(self, updated: set[str]) -> None:
        """Follow the recorder's option, if that is there."""
        if "cometape_profile" in updated:
            try:
                self.view.use(ctx.options.cometape_profile)
            except CometapeError as error:
                raise exceptions.OptionsError(f"cometape: {error}") from None

    def done(self) -> None:
        """mitmproxy ends, or the script is loaded again."""
        self._remove()

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """Keep what is streamed, if it answers Bayeux messages."""
        answer = flow.response
        if answer is None or not answer.stream or messages_of(_request(flow.request)) is None:
            return
        kept = self._kept[flow.id] = bytearray()
        pass_on = answer.stream if callable(answer.stream) else None

        def keep(chunk: bytes) -> Any:
            if len(kept) <= MAX_KEPT_BYTES:
                kept.extend(chunk)
            return chunk if pass_on is None else pass_on(chunk)

        answer.stream = keep

    def response(self, flow: http.HTTPFlow) -> None:
        """All has been streamed; the client has it, so this changes only what is shown."""
        kept = self._kept.pop(flow.id, None)
        answer = flow.response
        if kept and answer is not None and answer.raw_content is None:
            answer.raw_content = bytes(kept) if len(kept) <= MAX_KEPT_BYTES else None

    def error(self, flow: http.HTTPFlow) -> None:
        """A flow ended without a whole answer."""
        self._kept.pop(flow.id, None)

    def _remove(self) -> None:
        if hasattr(contentviews, "registry"):  # mitmproxy 12 replaces one of the same name
            return
        for view in [one for one in contentviews.views if one.name == self.view.name]:
            contentviews.remove(view)


def _messages(data: bytes, metadata: dict[str, Any]) -> Found | None:
    """The messages that `data` brings, and whose they are; None where it brings none."""
    message = metadata.get("http_message")
    found: list[JsonObject] | None
    direction: Direction | None = None
    if isinstance(message, http.Request):
        direction = "to server"
        found = messages_of(_request(message, data))
    elif isinstance(message, http.Response):
        direction = "to client"
        found = replies_of(Response(status=message.status_code, body=data))
    else:
        socket_message = metadata.get("websocket_message")
        if socket_message is not None:
            direction = "to server" if socket_message.from_client else "to client"
        found = messages_of_text(data.decode("utf-8", "replace"))
    # A REST answer is an array of objects, too.
    if not found or not all(channel_of(one) for one in found):
        return None
    return found, direction


def _request(request: http.Request, body: bytes | None = None) -> Request:
    if body is None:
        body = request.get_content(strict=False) or b""
    headers = headers_of(request.headers)
    return Request(method=request.method, target=request.path, headers=headers, body=body)
