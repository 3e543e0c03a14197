"""The description of the control API as a judge: is a call, and its answer, as it says?"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

import cometape

OPENAPI = Path(cometape.__file__).parent / "server" / "openapi.json"
DESCRIPTION: dict[str, Any] = json.loads(OPENAPI.read_text(encoding="utf-8"))


def operations() -> dict[tuple[str, str], dict[str, Any]]:
    """Every operation by path and method."""
    return {
        (path, method.upper()): operation
        for path, item in DESCRIPTION["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }


def operation_of(method: str, path: str) -> dict[str, Any] | None:
    """The operation that a call is."""
    for (template, known), operation in operations().items():
        if known == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            return operation
    return None


def check(
    method: str, target: str, sent: bytes, status: int, media_type: str, answered: bytes
) -> None:
    """Fails where a call that was accepted, or any answer, is not as described."""
    operation = operation_of(method, target.partition("?")[0])
    if operation is None:
        assert status in (403, 404, 405), f"{method} {target} is not described, yet {status}"
        return
    assert str(status) in operation["responses"], f"{method} {target}: {status} is not described"
    content = operation["responses"][str(status)]["content"]
    assert media_type in content, f"{method} {target}: {media_type} for {status}"
    _validator(json.dumps(content[media_type]["schema"])).validate(json.loads(answered))
    if status < 300 and "requestBody" in operation:
        body = operation["requestBody"]
        assert sent or not body["required"]
        if sent:
            schema = body["content"]["application/json"]["schema"]
            _validator(json.dumps(schema)).validate(json.loads(sent))


@cache
def _validator(schema: str) -> Any:
    whole = json.loads(schema) | {"components": DESCRIPTION["components"]}
    return jsonschema_rs.Draft202012Validator(whole)
