"""Which traffic is recorded, in mitmproxy's filter language. What is not still passes.

An expression that looks at the request's head alone is decided when that has come; any other when
the exchange is over and all of it is known.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from mitmproxy import flowfilter, http

from ..core.errors import ConfigurationError

FILTERED = "exchanges filtered out"
"""What the summary calls them."""

_OF_THE_HEAD = (
    flowfilter.FAll,
    flowfilter.FContentTypeRequest,
    flowfilter.FDomain,
    flowfilter.FHTTP,
    flowfilter.FHeadRequest,
    flowfilter.FMethod,
    flowfilter.FSrc,
    flowfilter.FUrl,
)


class CaptureFilter:
    """Takes what any of `include` matches (all, if there are none) and none of `exclude` does."""

    def __init__(self, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> None:
        """Raises ConfigurationError for an expression that cannot be understood."""
        self._include = [_parsed(expression) for expression in include]
        self._exclude = [_parsed(expression) for expression in exclude]
        every = [*self._include, *self._exclude]
        self.is_early = all(_looks_at_the_head_alone(each) for each in every)
        """Whether the request's head is enough to decide."""
        self.takes_all = not every

    def takes(
        self, flow: http.HTTPFlow, request_body: bytes | None = None, response_body: bytes = b""
    ) -> bool:
        """Whether this is recorded; the bodies are those of a flow that streamed them."""
        if self.takes_all:
            return True
        with _with_bodies(flow, request_body, response_body):
            included = not self._include or any(each(flow) for each in self._include)
            return bool(included and not any(each(flow) for each in self._exclude))


EVERYTHING = CaptureFilter()


def _parsed(expression: str) -> flowfilter.TFilter:
    try:
        return flowfilter.parse(expression)
    except ValueError as error:
        raise ConfigurationError(
            f"{expression!r} is no filter expression",
            hint="mitmproxy's filter language: for example '~d gws.example & ~u /api/v2/', "
            "'~m GET', '!~t image'; https://docs.mitmproxy.org/stable/concepts/filters/",
            reason="bad-filter",
        ) from error


def _looks_at_the_head_alone(expression: flowfilter.TFilter) -> bool:
    if isinstance(expression, flowfilter.FAnd | flowfilter.FOr):
        return all(_looks_at_the_head_alone(each) for each in expression.lst)
    if isinstance(expression, flowfilter.FNot):
        return _looks_at_the_head_alone(expression.itm)
    return isinstance(expression, _OF_THE_HEAD)


@contextlib.contextmanager
def _with_bodies(
    flow: http.HTTPFlow, request_body: bytes | None, response_body: bytes
) -> Iterator[None]:
    """mitmproxy forgets bodies that it streams; for the length of a question they are back."""
    request, response = flow.request, flow.response
    before = request.raw_content, response.raw_content if response is not None else None
    if request.raw_content is None:
        request.raw_content = request_body
    if response is not None and response.raw_content is None:
        response.raw_content = response_body
    try:
        yield
    finally:
        request.raw_content = before[0]
        if response is not None:
            response.raw_content = before[1]
