"""A program that is told to end, twice, ends once and by itself."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import asyncio, os, signal, sys
from cometape import end_signals

async def serve():
    told = asyncio.Event()
    with end_signals.handled({signal.SIGTERM: told.set, signal.SIGINT: told.set}):
        os.kill(os.getpid(), signal.SIGTERM)
        await told.wait()
        print("told")
    for number in (signal.SIGTERM, signal.SIGINT):
        os.kill(os.getpid(), number)
    print("ended")

loop = asyncio.new_event_loop()
loop.run_until_complete(serve())
close = loop._close_self_pipe
def closing():
    close()
    os.kill(os.getpid(), signal.SIGTERM)  # when a loop is least prepared for it
loop._close_self_pipe = closing
loop.close()
sys.exit(7)
"""


def test_whoever_is_told_again_while_it_ends_has_its_own_exit_code_and_no_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (7, "told\nended\n", "")
