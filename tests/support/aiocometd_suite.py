"""Runs aiocometd's own integration tests against `cometape broker`.

    python aiocometd_suite.py MODULE FOLDER CLASS

MODULE is the fork of aiocometd that runs them (aiocometd itself stopped at Python 3.9), FOLDER its
unpacked source archive, CLASS one of the classes of `tests/integration/test_client.py`. Prints a
JSON object: "ok" or what went wrong, by the name of the test.

The tests start CometD's demo in a Docker container. Here the container is `cometape broker`, and
`asynctest`, which no newer Python can import, is `unittest` that has learnt what it did.
"""

from __future__ import annotations

import importlib
import json
import signal
import socket
import sys
import types
import unittest
import warnings
from typing import Any

from running import COMETAPE, Running

TIMEOUT_S = 1.0
"""How long the broker holds a connect: the tests wait for a multiple of it."""


class DockerContainer:
    """`cometape broker` with the face of the suite's `DockerContainer`."""

    def __init__(self, image_name: str, name: str, container_port: int, host_port: int) -> None:
        self._command = [COMETAPE, "broker", "--port", str(host_port)]
        self._command += ["--timeout-s", str(TIMEOUT_S)]
        self._program: Running | None = None
        self._paused = False

    def ensure_reachable(self) -> str:
        """Run it, or let it run on; its URL."""
        if self._paused:
            self._signal(signal.SIGCONT)
            self._paused = False
        if self._program is None:
            self._program = Running(self._command)
        return self._program.url()

    def stop(self) -> None:
        """End it as `docker stop` does."""
        if self._program is not None:
            if self._paused:
                self._signal(signal.SIGCONT)
            self._program.close()
        self._program, self._paused = None, False

    def pause(self) -> None:
        """Freeze it as `docker pause` does: connections stay, nobody answers."""
        self._signal(signal.SIGSTOP)
        self._paused = True

    def _signal(self, number: signal.Signals) -> None:
        assert self._program is not None
        self._program.tell(number)


def stand_in(name: str, **attributes: Any) -> None:
    """A module of that name that has these attributes."""
    module = types.ModuleType(name)
    vars(module).update(attributes)
    sys.modules[name] = module


def free_port() -> int:
    """A port that nobody listens on; the broker takes the same one again after it was stopped."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Results(unittest.TestResult):
    """What became of each test."""

    def __init__(self) -> None:
        super().__init__()
        self.told: dict[str, str] = {}

    def _tell(self, test: unittest.TestCase, what: str) -> None:
        self.told[test.id().rpartition(".")[2]] = what

    def addSuccess(self, test: unittest.TestCase) -> None:
        """It passed."""
        self._tell(test, "ok")

    def addError(self, test: Any, err: Any) -> None:
        """It could not be carried out."""
        super().addError(test, err)
        self._tell(test, self.errors[-1][1])

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        """It found something."""
        super().addFailure(test, err)
        self._tell(test, self.failures[-1][1])


def main(library: str, folder: str, class_name: str) -> int:
    """Run one class of the suite."""
    package = importlib.import_module(library)
    for part in ("client", "constants", "exceptions"):
        sys.modules[f"aiocometd.{part}"] = importlib.import_module(f"{library}.{part}")
    names = {"Client": sys.modules["aiocometd.client"].Client}
    names["ConnectionType"] = sys.modules["aiocometd.constants"].ConnectionType
    stand_in("aiocometd", __path__=package.__path__, **names)
    stand_in("asynctest", TestCase=unittest.IsolatedAsyncioTestCase, TestSuite=unittest.TestSuite)
    stand_in("tests.integration.helpers", DockerContainer=DockerContainer)
    sys.path.insert(0, folder)
    suite = importlib.import_module("tests.integration.test_client")
    case: Any = getattr(suite, class_name)
    case.HOST_PORT = port = free_port()
    case.COMETD_URL = f"http://localhost:{port}/cometd"
    results = Results()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(results)
    print(json.dumps(results.told))
    return 0


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # how they call aiohttp is not ours to mend
    sys.exit(main(*sys.argv[1:]))
