"""`statusCode`: the table of docs.genesys.com ReturnValues, and the HTTP status of each.

The documentation does not say which HTTP status goes with which code, so that is configurable
(`WorkbinsConfig.http_statuses`, `cometape simulate --http-status 3=400`).
"""

from __future__ import annotations

from cometape.core.json_value import JsonObject

OK = 0
MISSING_PARAMETER = 1
INVALID_STATE = 2
FORBIDDEN = 3
INTERNAL_ERROR = 4
NO_PERMISSION = 5
NOT_FOUND = 6
PARTIAL_SUCCESS = 7
OUT_OF_RANGE = 10
NOT_AUTHENTICATED = 20

STATUS_MESSAGES = {
    0: "OK",
    1: "A required parameter is missing",
    2: "The parameter is not valid for the current state",
    3: "The operation is forbidden",
    4: "Internal error",
    5: "The user has no permission for this operation",
    6: "The resource is not found",
    7: "Partial success",
    8: "The password must be changed",
    9: "The processing is incomplete",
    10: "The value is out of range",
    11: "The property is read-only",
    12: "The resource cannot be retrieved",
    13: "The resource cannot be created",
    14: "The resource cannot be deleted",
    15: "The resource cannot be updated",
    16: "The resource cannot be assigned",
    17: "The resource cannot be unassigned",
    18: "The resource already exists",
    19: "The resource is already in use",
    20: "Access denied",
}

HTTP_STATUSES = {
    0: 200,
    1: 400,
    2: 400,
    3: 403,
    4: 500,
    5: 403,
    6: 404,
    7: 200,
    8: 403,
    9: 202,
    10: 400,
    11: 400,
    12: 500,
    13: 500,
    14: 500,
    15: 500,
    16: 500,
    17: 500,
    18: 409,
    19: 409,
    20: 401,
}
"""Our default; the client code seen reads the JSON before it looks at the HTTP status."""


class Failure(Exception):
    """A request is answered with a `statusCode` other than 0.

    `http_status` overrides the table where HTTP itself names the fault (405, 415).
    """

    def __init__(
        self,
        code: int,
        detail: str = "",
        *,
        http_status: int | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(status_message(code, detail))
        self.code = code
        self.http_status = http_status
        self.headers = headers

    def body(self) -> JsonObject:
        """The JSON answer: `statusCode`, `statusMessage` and no other attribute (ReturnValues)."""
        return {"statusCode": self.code, "statusMessage": str(self)}


def status_message(code: int, detail: str = "") -> str:
    """The text for a code, with what it is about."""
    return f"{STATUS_MESSAGES[code]}: {detail}" if detail else STATUS_MESSAGES[code]
