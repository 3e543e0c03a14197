"""vcrpy's cassettes, YAML or JSON, to traffic.

They hold an order and no times. Bodies are text where they are UTF-8, else bytes (`!!binary`); a
compressed one is stored as it came unless vcrpy was told to decode it, while its stub for aiohttp
stores the decoded body beside the header that says it is compressed. The first stub for httpx wrote
`content` and `status_code`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import yaml

from ..core.errors import CassetteError
from ..core.exchange import Headers, Request, Response
from ..core.record.capture import CapturedExchange, CapturedRequest
from ..core.record.traffic import Traffic
from .source import (
    Source,
    TooLongError,
    UnusableUrlError,
    bad_entry,
    origin_and_target,
    too_long,
    uncoded,
)

_MAX_DEPTH = 100
"""Libyaml builds nested nodes on the C stack and has no bound of its own."""
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_SafeLoader):  # type: ignore[misc]  # libyaml's, or Python's where it is missing
    """A safe loader that also knows the harmless tags which vcrpy writes."""


def _text(loader: Any, node: Any) -> Any:
    return loader.construct_scalar(node)


def _items(loader: Any, node: Any) -> Any:
    return list(loader.construct_sequence(node, deep=True))


def _buffer(loader: Any, node: Any) -> Any:
    """The content of a pickled `BytesIO`; nothing of that name is ever called."""
    state = loader.construct_mapping(node, deep=True).get("state") or [b""]
    return state[0]


def _sequence(loader: Any, node: Any) -> Any:
    """The items of a pickled iterator."""
    arguments = loader.construct_mapping(node, deep=True).get("args") or [[]]
    return arguments[0]


for _tag, _constructor in (
    ("str", _text),
    ("unicode", _text),
    ("tuple", _items),
    ("object/new:_io.BytesIO", _buffer),
    ("object/apply:builtins.iter", _sequence),
):
    _Loader.add_constructor(f"tag:yaml.org,2002:python/{_tag}", _constructor)


def parse(data: bytes, name: str) -> Any:
    """The YAML document of a file, built safely. Raises CassetteError naming the line."""
    depth = 0
    try:
        for event in yaml.parse(data, Loader=_SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > _MAX_DEPTH:
                raise CassetteError(
                    f"more than {_MAX_DEPTH} levels",
                    hint="Is it the right file?",
                    reason="too-deep",
                    path=name,
                )
        return yaml.load(data, Loader=_Loader)
    except yaml.constructor.ConstructorError as error:
        raise CassetteError(
            f"a value that no safe reader builds: {error.problem}",
            hint="Record that cassette again; tags of Python objects could run code.",
            reason="tag",
            path=name,
            line=_line(error),
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise CassetteError(
            f"not YAML: {getattr(error, 'problem', None) or error}",
            hint="Mend that line, or record it again.",
            reason="not-yaml",
            path=name,
            line=_line(error),
        ) from error


def read(document: Any, name: str) -> Source:
    """What a parsed vcrpy cassette holds. Raises CassetteError naming the interaction (from 1)."""
    found = document.get("interactions") if isinstance(document, dict) else document
    if not isinstance(found, list) or not isinstance(document, dict):
        raise CassetteError(
            "written by a vcrpy before 1.0" if isinstance(found, list) else "no vcrpy cassette",
            hint="Migrate it with `python -m vcr.migration FILE`, or record it again.",
            reason="bad-vcr",
            path=name,
        )
    source = Source(name=name, format="vcr", started=None)
    for number, pair in enumerate(found, start=1):
        try:
            traffic = _traffic(pair, name, number)
        except UnusableUrlError as error:
            source.skipped[f"requests over {error}:"] += 1
            continue
        except TooLongError:
            raise too_long(name, number) from None
        source.traffic.append(traffic)
    return source


def _traffic(pair: Any, name: str, number: int) -> Traffic:
    def bad(what: str) -> CassetteError:
        return bad_entry(name, number, what, reason="bad-vcr")

    asked = pair.get("request") if isinstance(pair, dict) else None
    answer = pair.get("response") if isinstance(pair, dict) else None
    if not isinstance(asked, dict) or not isinstance(answer, dict):
        raise bad("it has no `request` and `response`")
    method, url = asked.get("method"), asked.get("uri")
    if not isinstance(method, str) or not isinstance(url, str):
        raise bad("its `request` has no `method` and `uri`")
    try:
        origin, target = origin_and_target(url)
    except UnusableUrlError:
        raise
    except ValueError as error:
        raise bad(f"its `request.uri` is no URL: {error}") from error
    status = answer.get("status")
    code = status.get("code") if isinstance(status, dict) else answer.get("status_code", status)
    if not isinstance(code, int) or not 100 <= code <= 599:
        raise bad("its `response` has no status from 100 to 599")
    body = answer.get("body", answer.get("content"))
    if isinstance(body, dict):
        body = body.get("string", body.get("base64_string"))
    try:
        request_headers, request_body = uncoded(
            Headers(_headers(asked.get("headers"))), _bytes(asked.get("body"))
        )
        headers, content = uncoded(Headers(_headers(answer.get("headers"))), _bytes(body))
    except TypeError as error:
        raise bad(str(error)) from error
    captured = CapturedRequest(
        key=f"{number}",
        connection="",
        origin=origin,
        request=Request(method=method, target=target, headers=request_headers, body=request_body),
        at_s=float(number),
    )
    response = Response(status=code, headers=headers, body=content)
    exchange = CapturedExchange(asked=captured, response=response, ended_s=float(number))
    return Traffic(exchange=exchange)


def _headers(value: Any) -> Iterator[tuple[str, str]]:
    """Pairs of `{name: [value, …]}`, `{name: value}` or `[[name, value], …]`."""
    if value is None:
        return
    pairs = value.items() if isinstance(value, dict) else value
    for pair in pairs if isinstance(value, dict | list | tuple) else [value]:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise TypeError("its `headers` are neither a mapping nor a list of [name, value] pairs")
        name, values = pair
        for one in values if isinstance(values, list) else [values]:
            yield _word(name), _word(one)


def _word(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else str(value)


def _bytes(value: Any) -> bytes:
    """A body: text, bytes, nothing, a list of pieces, or JSON that a filter put there."""
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, list) and all(isinstance(one, str | bytes) for one in value):
        return b"".join(_bytes(one) for one in value)
    if isinstance(value, dict | list):
        return json.dumps(value).encode()
    raise TypeError(f"a body of type {type(value).__name__}")


def _line(error: Exception) -> int | None:
    mark = getattr(error, "problem_mark", None)
    return mark.line + 1 if mark is not None else None
