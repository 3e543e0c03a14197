"""The environment of a command that is recorded: where its traffic goes, and whom it trusts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from ..mitm.authority import BUNDLE_VARIABLES

URL_VARIABLE = "COMETAPE_URL"
"""Holds the address of the recorder, as in its first line."""


def recorded_environment(
    before: Mapping[str, str], *, url: str, is_proxy: bool, bundle: Path
) -> dict[str, str]:
    """`before`, and what makes usual clients go through the recorder at `url`.

    As a proxy nothing may pass it by, so `NO_PROXY` is emptied. A recorder that stands in for one
    system is asked directly: its host is added to `NO_PROXY`, in case there are other proxies.
    `bundle` is a file of the certificates to trust.
    """
    after = {**before, URL_VARIABLE: url, **dict.fromkeys(BUNDLE_VARIABLES, str(bundle))}
    if is_proxy:
        # curl reads `http_proxy` in lower case alone; others prefer either spelling.
        for name in ("HTTP_PROXY", "HTTPS_PROXY"):
            after[name] = after[name.lower()] = url
        after["NO_PROXY"] = after["no_proxy"] = ""
        after["NODE_USE_ENV_PROXY"] = "1"  # Node from 22.21 and 24.5; older ones need an agent
        return after
    host = urlsplit(url).hostname or ""
    for name in ("NO_PROXY", "no_proxy"):
        exempt = [each for each in after.get(name, "").split(",") if each.strip()]
        after[name] = ",".join([*exempt, host])
    return after
