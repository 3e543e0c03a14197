"""What holds for every file of the project, whoever wrote it and wherever it was written."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

IGNORED = {".git", "node_modules"} | {
    line.rstrip("/")
    for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
}

MACHINE_PATH = re.compile(r"(?<![\w.~$}/>-])/(?:work|root|home|Users|opt|mnt)/[\w.-]+")
"""A folder of somebody's machine; `/usr/bin/env`, `/tmp` and `/etc` are everybody's."""


def project_files() -> Iterator[Path]:
    """Every file that is not ignored, without asking git: a source archive has none."""
    folders = [ROOT]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            relative = path.relative_to(ROOT).as_posix()
            if any(
                fnmatch.fnmatch(name, rule) for rule in IGNORED for name in (path.name, relative)
            ):
                continue
            if path.is_dir():
                folders.append(path)
            else:
                yield path


def texts() -> Iterator[tuple[str, str]]:
    """Relative name and content of every text file."""
    for path in project_files():
        try:
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def test_no_file_names_a_folder_of_one_machine() -> None:
    found = [
        f"{name}: {match.group()}"
        for name, text in texts()
        for match in MACHINE_PATH.finditer(text)
    ]
    assert found == []


@pytest.mark.parametrize("path", [f"open('/{folder}/x.py')" for folder in ("root", "home")])
def test_the_rule_notices(path: str) -> None:
    assert MACHINE_PATH.search(path)


@pytest.mark.parametrize("text", ["https://x.example/work/a", "/usr/bin/env", "api/home/x"])
def test_the_rule_leaves_alone(text: str) -> None:
    assert not MACHINE_PATH.search(text)


def test_no_lock_file_names_a_registry() -> None:
    locks = [(name, text) for name, text in texts() if name.endswith((".lock", "-lock.json"))]
    assert len(locks) >= 6
    assert [name for name, text in locks if "resolved" in text or "://" in text] == []


def test_every_text_ends_with_a_line_end_and_has_no_carriage_return() -> None:
    kinds = (".py", ".md", ".toml", ".yaml", ".yml", ".js", ".cjs", ".sh")
    wrong = [
        name
        for name, text in texts()
        if name.endswith(kinds) and text and (not text.endswith("\n") or "\r" in text)
    ]
    assert wrong == []


def test_no_module_is_named_after_nothing() -> None:
    """If a function has no home, a concept has no name yet."""
    homeless = {"utils", "util", "helpers", "helper", "common", "misc", "base"}
    assert [str(path) for path in project_files() if path.stem in homeless] == []


def test_no_module_outgrows_its_concept() -> None:
    """One concept, one module: 100 to 300 lines, 500 is the wall."""
    long = {
        path.relative_to(ROOT).as_posix(): lines
        for path in project_files()
        if path.is_relative_to(ROOT / "replay")
        and path.suffix == ".py"
        and (lines := path.read_text(encoding="utf-8").count("\n")) > 500
    }
    assert long == {}
