"""What a client is told when the shell itself refuses it: RFC 9457 problem details.

The reasons are a closed set (listed in `docs/errors.md`).
"""

from __future__ import annotations

import json
from http import HTTPStatus

from cometape.core.exchange import Headers, Response
from cometape.core.lone_surrogate import encodable


class Refusal(Exception):
    """A request the shell does not hand to the service; `response` says why."""

    def __init__(self, status: int, reason: str, detail: str, *headers: tuple[str, str]) -> None:
        super().__init__(detail)
        self.response = problem(status, reason, detail, *headers)


def problem(status: int, reason: str, detail: str, *headers: tuple[str, str]) -> Response:
    """An RFC 9457 response: `reason` is for machines, `detail` for the one who reads the log."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "reason": reason,
    }
    return Response(
        status=status,
        headers=Headers((("Content-Type", "application/problem+json"), *headers)),
        body=encodable(json.dumps(body, ensure_ascii=False)).encode(),
    )
