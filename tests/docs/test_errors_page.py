"""`docs/errors.md` lists every reason and exit code, and none that the code does not have."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from cometape.core import errors

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
ERRORS = {
    name: value
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.CometapeError)
}


def reasons() -> dict[str, str]:
    """Every reason an error is raised with, and a place where that happens."""
    found = {"invalid": "core/errors.py"}
    package = ROOT / "replay" / "cometape"
    for path in sorted(package.rglob("*.py")):
        for reason in _in_module(ast.parse(path.read_text(encoding="utf-8"))):
            found.setdefault(reason, str(path.relative_to(package)))
    return found


def _in_module(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        name = node.func.id if isinstance(node.func, ast.Name) else name
        if name.startswith("CloseSocket"):
            continue
        for keyword in node.keywords:
            if keyword.arg == "reason":
                yield from (
                    leaf.value
                    for leaf in ast.walk(keyword.value)
                    if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str) and leaf.value
                )


def refusals() -> dict[str, str]:
    """The reason and status of every answer that the server shell gives by itself."""
    found = {}
    for path in sorted((ROOT / "replay" / "cometape" / "server").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                constants = [one.value for one in node.args[:2] if isinstance(one, ast.Constant)]
                if node.func.id in ("Refusal", "problem") and len(constants) == 2:
                    found[str(constants[1])] = str(constants[0])
    return found


def rows(title: str) -> dict[str, str]:
    """The first cells of the tables under a heading, with the cell beside each."""
    sections = dict(
        re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL)
    )
    return dict(re.findall(r"^\| `([^`]+)` \| (.+?) \|", sections[title], flags=re.MULTILINE))


def test_every_reason_is_on_the_page_and_no_other() -> None:
    in_code = reasons()
    missing = {reason: where for reason, where in in_code.items() if reason not in rows("Reasons")}
    assert missing == {}
    assert rows("Reasons").keys() - in_code.keys() == set()


def test_every_refusal_is_on_the_page_with_its_status() -> None:
    assert rows("Refused requests") == refusals()


def test_reasons_are_words_joined_by_hyphens() -> None:
    assert [one for one in reasons() if not re.fullmatch(r"[a-z]+(-[a-z]+)*", one)] == []


def test_every_exit_code_is_on_the_page() -> None:
    codes = {str(error.exit_code) for error in ERRORS.values()}
    assert codes | {"0"} == rows("Exit codes").keys()


def test_every_error_class_is_on_the_page() -> None:
    assert [name for name in ERRORS if f"`{name}`" not in PAGE] == []
