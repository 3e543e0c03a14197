"""What is told on standard error keeps nobody waiting, read or not."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

from cometape.cli.telling import MOST, Telling
from raw_client import connected
from running import COMETAPE

CASSETTE = Path(__file__).parents[2] / "cassettes" / "pull_workitem.yaml"


def test_texts_are_written_in_their_order_and_all_before_the_end() -> None:
    written: list[str] = []
    telling = Telling(written.append)
    for number in range(MOST // 2):
        telling(str(number))
    telling.end()
    assert written == [str(number) for number in range(MOST // 2)]


def test_what_nobody_reads_is_counted_and_holds_nobody_up() -> None:
    is_read = threading.Event()
    written: list[str] = []

    def write(text: str) -> None:
        assert is_read.wait(60)
        written.append(text)

    telling = Telling(write)
    for number in range(2 * MOST):
        telling(str(number))
    assert MOST - 1 <= telling.untold <= MOST, "one may be on its way"
    is_read.set()
    telling.end()
    assert written[: MOST - 1] == [str(number) for number in range(MOST - 1)]


def test_a_closed_standard_error_is_no_failure() -> None:
    def write(text: str) -> None:
        raise ValueError("I/O operation on closed file")

    telling = Telling(write)
    telling("anything")
    telling.end()


def test_a_replay_whose_standard_error_nobody_reads_goes_on_serving() -> None:
    command = [COMETAPE, "replay", str(CASSETTE), "--no-strict", "--no-control"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as replay:
        try:
            assert replay.stdout is not None
            url = replay.stdout.readline().split()[-1]
            with connected(url) as client:
                for number in range(100):  # each tells two kilobytes; a pipe holds 64
                    assert client.get(f"/api/v2/me/nothing/{number}").status == 599
        finally:
            replay.terminate()
            _, told = replay.communicate(timeout=30)
    assert "/api/v2/me/nothing/0" in told
