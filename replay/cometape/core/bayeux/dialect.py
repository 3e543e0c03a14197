"""Dialects: how one server or another words its errors.

Clients act on the code in front (`402`) alone, but for one that compares the whole string, so a
replay answers in the words of the system that was recorded. Strings are those of the sources of
CometD 3.1, 4.0 and 5.0 to 8.0, and of Faye 1.4; the form is `code:args:text` (Bayeux: error).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from ..errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """Error strings; `{client}` and `{channel}` are filled in where they occur."""

    name: str
    unknown_session: str
    handshake_denied: str
    channel_missing: str
    channel_invalid: str
    id_invalid: str
    subscription_missing: str
    subscription_invalid: str
    create_denied: str
    subscribe_denied: str
    publish_denied: str
    message_deleted: str
    checks_ids: bool = False
    """Whether a message id must be alphanumeric (CometD 4 and later)."""
    minimum_version: bool = True
    """Whether handshake replies carry `minimumVersion` (CometD Java does, Faye does not)."""
    names_client: bool = False
    """Whether replies carry the client id (Faye)."""


_POLICY = "403:denied_by_security_policy:"

COMETD3 = Dialect(
    name="cometd3",
    unknown_session="402::Unknown client",
    handshake_denied="403::Handshake denied",
    channel_missing="400::channel missing",
    channel_invalid="405::invalid_channel",
    id_invalid="405::invalid_id",
    subscription_missing="403::subscription_missing",
    subscription_invalid="403::subscription_invalid",
    create_denied=_POLICY + "create denied",
    subscribe_denied=_POLICY + "subscribe_denied",
    publish_denied=_POLICY + "publish denied",
    message_deleted="404::message deleted",
)
COMETD4 = Dialect(
    name="cometd4",
    unknown_session="402::unknown_session",
    handshake_denied="403::handshake_denied",
    channel_missing="400::channel_missing",
    channel_invalid="405::invalid_channel",
    id_invalid="405::invalid_id",
    subscription_missing="403::subscription_missing",
    subscription_invalid="403::subscription_invalid",
    create_denied=_POLICY + "create_denied",
    subscribe_denied=_POLICY + "subscribe_denied",
    publish_denied=_POLICY + "publish_denied",
    message_deleted="404::message_deleted",
    checks_ids=True,
)
COMETD5 = Dialect(
    name="cometd5",
    unknown_session="402::session_unknown",
    handshake_denied="403::handshake_denied",
    channel_missing="400::channel_missing",
    channel_invalid="405::channel_invalid",
    id_invalid="405::message_id_invalid",
    subscription_missing="403::subscription_missing",
    subscription_invalid="403::subscription_invalid",
    create_denied=_POLICY + "channel_create_denied",
    subscribe_denied=_POLICY + "subscribe_denied",
    publish_denied=_POLICY + "publish_denied",
    message_deleted="404::message_deleted",
    checks_ids=True,
)
FAYE = Dialect(
    name="faye",
    unknown_session="401:{client}:Unknown client",
    handshake_denied="403::Handshake denied",
    channel_missing="405::Invalid channel",
    channel_invalid="405:{channel}:Invalid channel",
    id_invalid="405::Invalid id",
    subscription_missing="402:subscription:Missing required parameter",
    subscription_invalid="405:{channel}:Invalid channel",
    create_denied="403:{channel}:Forbidden channel",
    subscribe_denied="403:{channel}:Forbidden channel",
    publish_denied="403:{channel}:Forbidden channel",
    message_deleted="404::message deleted",
    minimum_version=False,
    names_client=True,
)

DIALECTS: Mapping[str, Dialect] = {d.name: d for d in (COMETD3, COMETD4, COMETD5, FAYE)}
"""Every dialect by its name."""


def dialect_named(name: str) -> Dialect:
    """The dialect of that name. Raises ConfigurationError listing the known ones."""
    try:
        return DIALECTS[name]
    except KeyError:
        raise ConfigurationError(
            f"there is no dialect {name!r}",
            hint=f"Known dialects: {', '.join(DIALECTS)}.",
            reason="unknown-dialect",
        ) from None


def narrowed(candidates: frozenset[str], error: str) -> frozenset[str]:
    """Those of the dialects, by name, in whose words an error may be; all where it tells nothing.

    An error that an application worded itself tells nothing.
    """
    fitting = {name for name in candidates if _is_of(DIALECTS[name], error)}
    return frozenset(fitting) or candidates


def settled(candidates: frozenset[str]) -> str | None:
    """The dialect that errors have been narrowed down to, None where that says too little.

    Between generations of CometD that word alike it is the newest; the oldest is what a profile
    assumes anyhow.
    """
    if COMETD3.name in candidates and len(candidates) > 1:
        return None
    return max(candidates, key=list(DIALECTS).index)


def _is_of(dialect: Dialect, error: str) -> bool:
    for field in fields(dialect):
        words = getattr(dialect, field.name)
        if not isinstance(words, str) or field.name == "name":
            continue
        before, blank, rest = words.partition("{")
        after = rest.partition("}")[2]
        if error == words or (blank and error.startswith(before) and error.endswith(after)):
            return True
    return False
