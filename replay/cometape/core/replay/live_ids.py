"""Live ids in a request, turned back into recorded ones, so that it can be matched."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import quote, urlencode

from ..exchange import Request
from ..identity_places import identities_of_request, rewrite_request_json
from ..json_value import Json
from ..profile import IdentityKind, Profile
from .identity import Binding


def recorded_ids(request: Request, profile: Profile, binding: Binding) -> Request:
    """The request as it was recorded: at the places where the profile says ids are used.

    The same object when there is none. Headers and cookies are left: they are not matched.
    """
    value = _json(request)

    def back(kind: IdentityKind, live: Json) -> Json:
        found = binding.recorded(kind.name, str(live))
        if found is None:
            return live
        return int(found) if kind.form == "integer" and isinstance(live, int) else found

    rewritten = rewrite_request_json(profile, value, back) if value is not None else None
    if rewritten is not value:
        request = replace(request, body=json.dumps(rewritten, ensure_ascii=False).encode())
    path, mark, _ = request.target.partition("?")
    segments, query = path.split("/"), request.query
    changed = False
    for found in identities_of_request(profile, request):
        old = back(found.kind, found.value) if isinstance(found.value, str) else found.value
        if old == found.value or not isinstance(old, str):
            continue
        if found.part == "request.path" and isinstance(found.location[0], int):
            segments[found.location[0]] = quote(old, safe="<>:")
            changed = True
        elif found.part == "request.query":
            query = [
                (k, old if (k, v) == (found.location[0], found.value) else v) for k, v in query
            ]
            changed = True
    if changed:
        request = replace(request, target="/".join(segments) + mark + urlencode(query))
    return request


def _json(request: Request) -> Json:
    if request.body.lstrip()[:1] not in (b"{", b"["):
        return None
    try:
        value: Json = json.loads(request.body)
    except (ValueError, RecursionError):
        return None
    return value
