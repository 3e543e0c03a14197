"""The recorder: mitmproxy around `cometape.core.record.observer`.

`Recorder` is the addon. Importing mitmproxy takes most of a second, so that happens when one of the
names below is asked for: other modules of the package (`content_coding`) are of use without it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .addon import Recorder
    from .recording import Recording, RecordingSettings
    from .recording_summary import Summary

__all__ = ["Recorder", "Recording", "RecordingSettings", "Summary"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(".addon" if name == "Recorder" else ".recording", __name__)
    return getattr(module, name)
