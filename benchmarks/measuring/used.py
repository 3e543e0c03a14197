"""What a command uses: its time and the memory that it alone takes at its worst."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

# Linux counts as a child's peak what its parent had when it was started. So a small process of its
# own starts the command, and tells what was used.
_STARTER = """
import json, os, sys
nowhere = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=nowhere)
_, status, used = os.wait4(pid, 0)
said = os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
print(json.dumps(said))
"""


@dataclass(frozen=True, slots=True)
class Used:
    """What a command used until it ended."""

    exit_code: int
    seconds: float
    processor_s: float
    peak_mib: float


def used_by(command: Sequence[str]) -> Used:
    """Run a command, its full path first, without its standard output."""
    began_s = time.perf_counter()
    starter = [sys.executable, "-S", "-E", "-c", _STARTER, *command]
    said = subprocess.run(starter, stdout=subprocess.PIPE, check=True).stdout
    exit_code, processor_s, peak_mib = json.loads(said)
    return Used(exit_code, time.perf_counter() - began_s, processor_s, peak_mib)
