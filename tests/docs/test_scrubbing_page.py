"""`docs/scrubbing.md` is so."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from cometape.core.scrub.pseudonym import Pseudonyms
from cometape.core.scrub.scrubber import Scrubber
from cometape.profiles import load_profile

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "scrubbing.md").read_text(encoding="utf-8")


def yaml_block(containing: str) -> str:
    blocks: list[str] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    return next(block for block in blocks if containing in block)


def test_the_profile_it_shows_does_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "ours.yaml").write_text(yaml_block("extends: workbins"))
    ours = load_profile(str(tmp_path / "ours.yaml"))
    scrubber = Scrubber(ours)
    key = "LIC-" + "0123456789ABCDEF"
    assert scrubber.json({"badge_no": 7, "note": key}) == {
        "badge_no": "<badge:1>",
        "note": "<licence:1>",
    }
    assert "other cookies" not in {rule.name for rule in ours.secrets}
    assert "postal addresses" not in {rule.name for rule in ours.personal}
    assert Pseudonyms(ours).session("agent7") == "user-1"


def test_every_rule_the_table_names_is_built_in() -> None:
    profile = load_profile("workbins")
    known = {rule.name for rule in profile.secrets} | {rule.name for rule in profile.personal}
    table = PAGE[PAGE.index("| Azure test-proxy |") :]
    named = {
        name for cell in re.findall(r"rules? (\*[^|;]+)", table) for name in _italic(cell)
    } | set(_italic(table[table.index("`--pseudonyms`:") :].splitlines()[0]))
    assert len(named) > 8
    assert named - known == set()


def _italic(text: str) -> list[str]:
    return re.findall(r"(?<![`\w])\*([A-Za-z][^*`]+)\*", text)


def test_the_hook_it_shows_is_the_one_that_is_shipped() -> None:
    (repository,) = yaml.safe_load(yaml_block("cometape-lint"))["repos"]
    (shipped,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert [hook["id"] for hook in repository["hooks"]] == [shipped["id"]]


def test_its_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)", PAGE)
    assert [one for one in links if "://" not in one and not (ROOT / "docs" / one).exists()] == []
    tests = re.findall(r"`(?:tests/core/)?(test_\w+\.py)`", PAGE)
    assert [one for one in tests if not (ROOT / "tests" / "core" / "scrub" / one).exists()] == []
