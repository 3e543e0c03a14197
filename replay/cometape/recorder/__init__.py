"""The recorder: mitmproxy around `cometape.core.observer`.

`Recorder` is the addon; `record` runs mitmproxy in process with it. Importing this package imports
mitmproxy, which takes most of a second: `cometape.cli` does so for `record` alone.
"""

from __future__ import annotations

from .addon import Recorder
from .recording import Recording, RecordingSettings, Summary

__all__ = ["Recorder", "Recording", "RecordingSettings", "Summary"]
