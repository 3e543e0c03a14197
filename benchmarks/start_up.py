"""How long a user waits: from the command to its first answer, on this machine.

    make bench

`replay` must answer its first request within 0.3 s of the command on a warm machine; `inspect` and
`show` are timed to their end. Each command runs as a process of its own, as in a terminal or in CI.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[1]
CASSETTES = sorted((ROOT / "cassettes").glob("*.yaml"), key=lambda path: path.stat().st_size)
COMETAPE = Path(sys.executable).with_name("cometape")

WARM = tempfile.TemporaryDirectory(prefix="cometape-bytecode-")
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
    "PYTHONPYCACHEPREFIX": WARM.name,
}
"""With compiled modules, as pip leaves them: a checkout may have none and be forbidden any."""

RUNS = 9
LIMIT_S = 0.3
"""What was promised for the first answer of `replay`."""


def first_answer_s(*arguments: str | Path) -> float:
    """From starting a server to the end of its first answer (a miss, or a 404, is one, too)."""
    began_s = time.perf_counter()
    with subprocess.Popen(
        [COMETAPE, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=ENVIRONMENT,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("listening on ").strip()
        try:
            urllib.request.urlopen(f"{url}/api/v2/diagnostics/version").close()
        except urllib.error.HTTPError as answer:
            answer.close()
        took_s = time.perf_counter() - began_s
        process.terminate()
        process.communicate()
    return took_s


def whole_s(*command: str | Path) -> float:
    """From starting a command to its end."""
    began_s = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    return time.perf_counter() - began_s


def measured(what: str, measure: Callable[[], float]) -> float:
    """Prints median and best of some runs after one to warm up; the median, in seconds."""
    measure()
    times = [measure() for _ in range(RUNS)]
    median_s = statistics.median(times)
    print(f"{what:32} median {1000 * median_s:6.0f} ms   best {1000 * min(times):6.0f} ms")
    return median_s


def main() -> int:
    """Measures all; 1 if the promise is broken."""
    bare_s = measured("python -c pass", partial(whole_s, sys.executable, "-c", "pass"))
    broker_s = measured("broker, to its first answer", partial(first_answer_s, "broker"))
    print(f"broker is {broker_s / bare_s:.0f} times a bare python")
    if not CASSETTES:
        print("no cassettes to measure with")
        return 0
    medians = []
    for cassette in dict.fromkeys((CASSETTES[0], CASSETTES[-1])):
        print(f"{cassette.name}, {cassette.stat().st_size / 1000:.0f} kB")
        medians.append(
            measured("  replay, to its first answer", partial(first_answer_s, "replay", cassette))
        )
        measured("  inspect", partial(whole_s, COMETAPE, "inspect", cassette))
        measured(
            "  inspect --timeline", partial(whole_s, COMETAPE, "inspect", cassette, "--timeline")
        )
        measured("  show 1", partial(whole_s, COMETAPE, "show", cassette, "1"))
    print(f"replay is {max(medians) / bare_s:.0f} times a bare python")
    kept = max(medians) <= LIMIT_S
    print(f"first answer of replay within {LIMIT_S} s: {'yes' if kept else 'no'}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
