"""Channel names: which are legal, what kind they are, which patterns match them.

As loose as CometD Java: the specification's grammar knows no space, no `/` at the end and no
publishing to a pattern, CometD accepts all three (Bayeux: Channels; seen on the wire).
"""

from __future__ import annotations

import re
from functools import lru_cache

META_HANDSHAKE = "/meta/handshake"
META_CONNECT = "/meta/connect"
META_SUBSCRIBE = "/meta/subscribe"
META_UNSUBSCRIBE = "/meta/unsubscribe"
META_DISCONNECT = "/meta/disconnect"

_VALID = re.compile(r"/[A-Za-z0-9 !#$()*+\-./@_{~}]+")


def is_valid(channel: object) -> bool:
    """Whether `channel` is a string that CometD takes for a channel name (at least two signs)."""
    return isinstance(channel, str) and _VALID.fullmatch(channel) is not None


def is_meta(channel: str) -> bool:
    """Whether the server itself handles messages on `channel`; they are never broadcast."""
    return channel.startswith("/meta/")


def is_service(channel: str) -> bool:
    """Whether messages on `channel` go to a handler of the server and are never broadcast."""
    return channel.startswith("/service/")


def is_broadcast(channel: str) -> bool:
    """Whether messages on `channel` reach those who subscribed to it."""
    return not channel.startswith(("/meta/", "/service/"))


@lru_cache(maxsize=4096)
def patterns_of(channel: str) -> tuple[str, ...]:
    """Every subscription that `channel` matches: from the root (`/**`) to the channel itself.

    `/a/b` gives `/**`, `/a/**`, `/a/*`, `/a/b`: `*` stands for exactly one further segment, `**`
    for one or more, and neither matches the parent (Bayeux: Channel Globbing). What is no channel,
    for it has no slash, a client may ask for all the same; it matches itself alone.
    """
    if not channel.startswith("/"):
        return (channel,)  # what a refused request may have named
    parents = [channel[:at] for at, sign in enumerate(channel) if sign == "/"]
    if not parents:
        return (channel,)
    patterns = [f"{parent}/**" for parent in parents]
    patterns.append(f"{parents[-1]}/*")
    if channel not in patterns:
        patterns.append(channel)
    return tuple(patterns)


def matches(pattern: str, channel: str) -> bool:
    """Whether a subscription to `pattern` receives what is sent on `channel`."""
    return pattern == channel or pattern in patterns_of(channel)
