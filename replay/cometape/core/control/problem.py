"""What is wrong with a call of the control API: RFC 9457 problems with reasons of a closed set."""

from __future__ import annotations

import json

from ..errors import CometapeError
from ..exchange import Headers, Response
from ..json_value import Json, JsonObject
from ..lone_surrogate import encodable

STATUSES = {
    "bad-query": 400,
    "bad-json": 400,
    "unauthorized": 401,
    "foreign-host": 403,
    "foreign-origin": 403,
    "no-endpoint": 404,
    "no-run": 404,
    "no-cassette": 404,
    "no-session": 404,
    "no-fault": 404,
    "method": 405,
    "run-exists": 409,
    "run-is-fixed": 409,
    "too-many-runs": 409,
    "clock-not-manual": 409,
    "no-subscriber": 409,
    "not-passed": 409,
    "port-in-use": 409,
    "port-not-allowed": 409,
    "host-unknown": 409,
    "cannot-listen": 409,
    "not-json": 415,
    "bad-body": 422,
    "bad-channel": 422,
    "bad-event": 422,
    "bad-advance": 422,
    "bad-fault": 422,
    "bad-option": 422,
    "bad-order": 422,
    "dates": 422,
    "pace": 422,
    "too-long": 422,
    "unknown-dialect": 422,
}
"""Every reason with its status; `docs/control.md` and the OpenAPI file list them."""

TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
}
"""RFC 9110 §15.5."""


class Problem(Exception):
    """A call that cannot be carried out; `reason` is a key of `STATUSES`."""

    def __init__(
        self, reason: str, detail: str, *, hint: str = "", headers: Headers | None = None
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.hint = hint
        self.headers = headers or Headers()

    @classmethod
    def of(cls, error: CometapeError) -> Problem:
        """An error of the core as a problem."""
        reason = error.reason if error.reason in STATUSES else "bad-option"
        return cls(reason, error.what, hint=error.hint)

    def response(self, **more: Json) -> Response:
        """The answer; `more` are further members of the problem."""
        status = STATUSES[self.reason]
        body: JsonObject = {
            "type": "about:blank",
            "title": TITLES[status],
            "status": status,
            "detail": self.detail,
            "reason": self.reason,
            "hint": self.hint,
            **more,
        }
        return json_response(body, status, self.headers, media_type="application/problem+json")


def json_response(
    body: Json,
    status: int = 200,
    headers: Headers | None = None,
    *,
    media_type: str = "application/json",
) -> Response:
    """JSON that no cache keeps and no browser takes for anything else."""
    pairs = [
        ("Content-Type", media_type),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        *(headers or ()),
    ]
    text = encodable(json.dumps(body, ensure_ascii=False, separators=(",", ":")))
    return Response(status=status, headers=Headers(pairs), body=text.encode() + b"\n")
