"""`cometape scrub` and `cometape lint` as a user or a pre-commit hook runs them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from cometape.cli import main
from cometape.store.cassette_file import load, save
from peak_memory import peak_memory

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "cassettes" / "pull_workitem.yaml"
RANDOM = "aB3xK9mQ2vL7tR5wZ8yC1dF4" + "gH6jN0pS"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(one) for one in arguments])


def written(path: Path, note: str = "hello", header: str = "", cause: int = 1) -> Path:
    path.write_text(
        f"cassette: 1\nprofile: workbins\n{header}---\nexchange: 1\nsession: agent7\n"
        "request: {method: POST, target: /api/v2/me, json: {operationName: Ready}}\n"
        f"response: {{status: 200, json: {{statusCode: 0, note: {note}}}}}\n"
        f"---\nevent: 2\nsession: agent7\ncause: {cause}\nchannel: /v2/me/x\n"
        "data: {user: {userName: agent7}}\n"
    )
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "one.yaml"


def test_a_cassette_in_order_is_passed_over_in_silence(file: Path) -> None:
    result = run("lint", GOLDEN, written(file))
    assert (result.exit_code, result.output) == (0, "")


def test_a_recording_of_nothing_is_refused(file: Path) -> None:
    save(replace(load(GOLDEN), entries=()), file)
    done = run("lint", file)
    assert done.exit_code == 3
    assert "nothing was recorded" in done.output
    assert str(file) in done.output


def test_what_looks_like_a_secret_is_named_by_file_entry_and_field(file: Path) -> None:
    result = run("lint", GOLDEN, written(file, RANDOM))
    assert result.exit_code == 6
    assert f"{file}: entry 1: response.json note looks like a secret" in result.stdout
    assert '--allow "response.json note"' in result.stdout
    assert RANDOM not in result.output
    assert "pull_workitem" not in result.stdout


def test_every_file_is_looked_at_and_the_exit_code_is_that_of_the_worst(
    file: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("cassette: 1\n---\nexchange: one\n")
    wrong_cause = written(tmp_path / "cause.yaml", cause=9)
    alien = written(tmp_path / "alien.yaml")
    alien.write_text(alien.read_text().replace("workbins", "nowhere"))
    result = run("lint", broken, wrong_cause, alien, written(file, RANDOM))
    assert result.exit_code == 3
    for path in (broken, wrong_cause, alien, file):
        assert str(path) in result.stdout
    assert run("lint", alien, file).exit_code == 4


def test_a_secret_that_a_newer_rule_knows_is_told_and_scrubbed(file: Path) -> None:
    written(file, "{accessToken: abc, at: '2024'}")
    result = run("lint", file)
    assert result.exit_code == 6
    assert "response.json note.accessToken" in result.stdout
    result = run("scrub", file)
    assert (result.exit_code, result.stdout) == (0, f"{file}: replaced 1 secret\n")
    assert "<token:1>" in file.read_text()
    assert run("lint", file).exit_code == 0


def test_a_file_with_nothing_to_scrub_keeps_its_bytes(file: Path) -> None:
    before = written(file).read_bytes()
    assert run("scrub", file).stdout == f"{file}: nothing to replace\n"
    assert file.read_bytes() == before


def test_pseudonyms_are_made_when_asked_for(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.yaml"
    assert run("scrub", written(file), "--pseudonyms", "-o", out).exit_code == 0
    assert "agent7" in file.read_text()
    assert "agent7" not in out.read_text()
    assert "session: user-1" in out.read_text()
    assert 'userName: "<user:1>"' in out.read_text()
    result = run("scrub", file, "-o", out)
    assert result.exit_code == 3
    assert "--overwrite" in result.stderr
    assert run("scrub", file, "-o", out, "--overwrite").exit_code == 0
    assert load(out) == load(file)


def test_what_is_left_marks_the_file_until_it_is_allowed_or_gone(file: Path) -> None:
    result = run("scrub", written(file, RANDOM))
    assert result.exit_code == 6
    assert "entry 1: response.json note looks like a secret" in result.stderr
    assert load(file).header.residue == 1
    allowing = run("scrub", file, "--allow", "response.json *ote")
    assert allowing.exit_code == 0
    assert allowing.stdout == f"{file}: allowed response.json *ote\n"
    header = load(file).header
    assert (header.residue, header.allowed) == (0, ("response.json *ote",))
    assert run("lint", file).exit_code == 0
    assert load(file).entries[0] == load(written(file, RANDOM)).entries[0]


def test_a_cassette_that_was_refused_when_recorded_is_refused_until_it_is_scrubbed(
    file: Path,
) -> None:
    cassette = load(written(file))
    marked = replace(cassette, header=replace(cassette.header, residue=3))
    save(marked, file, overwrite=True)
    result = run("lint", file)
    assert result.exit_code == 6
    assert f"cometape scrub {file}" in result.stdout
    assert run("scrub", file).exit_code == 0
    assert run("lint", file).exit_code == 0


def test_a_cassette_of_a_killed_recorder_is_refused_until_it_is_scrubbed(file: Path) -> None:
    cassette = load(written(file))
    save(replace(cassette, header=replace(cassette.header, unfinished=True)), file, overwrite=True)
    result = run("lint", file)
    assert result.exit_code == 6
    assert "its recorder was killed" in result.stdout
    assert "its recorder was killed" in run("inspect", file).stdout
    assert run("scrub", file).stdout == f"{file}: finished it: it had no last scan\n"
    assert run("scrub", file).stdout == f"{file}: nothing to replace\n"
    assert run("lint", file).exit_code == 0
    assert load(file) == cassette


def test_a_file_is_gone_over_without_being_held(file: Path, tmp_path: Path) -> None:
    secret = "correct horse battery staple"
    with open(file, "w") as made:
        made.write("cassette: 1\nprofile: workbins\n")
        for number in range(1, 401):
            made.write(
                f"---\nexchange: {number}\nrequest: {{method: GET, target: /{number}}}\n"
                f"response: {{status: 200, text: {'word ' * 600}{secret}}}\n"
            )
        made.write(f"---\nevent: 401\nchannel: /c\ndata: {{password: {secret}}}\n")
    size = file.stat().st_size
    assert size > 1_000_000
    out = tmp_path / "out.yaml"
    run("lint", GOLDEN)  # imports
    with peak_memory() as peak:
        assert run("scrub", file, "-o", out).exit_code == 0
        assert run("lint", out).exit_code == 0
    assert secret not in out.read_text()
    assert out.read_text().count("<password:1>") == 401
    assert peak.bytes < 8_000_000


def peak_of_lint(path: Path, entries: int) -> int:
    """Bytes that `lint` takes at its worst for so many exchanges of 5 KB and more."""
    with path.open("w") as made:
        made.write("cassette: 1\nprofile: workbins\n")
        for number in range(1, 2 * entries, 2):
            text = f"{number} " + "some words " * 450
            made.write(
                f"---\nexchange: {number}\nsession: agent7\nat_s: {number}.5\nrequest:\n"
                f"  method: POST\n  target: /a\n  json:\n    note: {text.strip()}\nresponse:\n"
                f"  status: 200\n---\nevent: {number + 1}\nsession: agent7\ncause: {number}\n"
                "channel: /c\ndata: {}\n"
            )
    with peak_memory() as peak:
        assert run("lint", path).output == ""
    return peak.bytes


def test_lint_takes_a_hundred_bytes_more_for_each_entry_however_large(tmp_path: Path) -> None:
    peak_of_lint(tmp_path / "first.yaml", 900)  # imports; caches of bounded size are filled
    short = peak_of_lint(tmp_path / "short.yaml", 450)
    long = peak_of_lint(tmp_path / "long.yaml", 900)
    assert (tmp_path / "long.yaml").stat().st_size > 4_000_000
    assert long - short < 100 * 2 * 450


def test_rules_can_be_added_removed_and_allowed_by_a_file(file: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        "profile: mine\nextends: workbins\nwithout: [tokens]\n"
        "secrets: [{name: marks, kind: mark, where: json, names: [mark]}]\n"
        "allow: [{name: notes, fields: '*.sum'}]\n"
    )
    written(file, f"{{accessToken: kept, mark: gone, sum: {RANDOM}}}")
    assert run("lint", "--profile", mine, file).exit_code == 6
    assert run("scrub", "--profile", mine, file).exit_code == 0
    assert run("lint", "--profile", mine, file).exit_code == 0
    assert '{accessToken: kept, mark: "<mark:1>", sum: ' in file.read_text()
    assert run("lint", file).exit_code == 6


def test_a_cassette_that_cannot_be_loaded_is_left_alone(file: Path) -> None:
    file.write_text("cassette: 1\n---\nexchange: one\n")
    assert run("scrub", file).exit_code == 3
    assert file.read_text() == "cassette: 1\n---\nexchange: one\n"
    assert run("lint").exit_code == 2


def test_the_hook_that_is_shipped_runs_a_command_there_is() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    program, command = hook["entry"].split()
    assert program == "cometape"
    assert command in main.list_commands(None)  # type: ignore[arg-type]
    assert re.search(hook["files"], "tests/cassettes/deep/one.yml")
    assert re.search(hook["files"], "cassettes/one.yaml")
    assert not re.search(hook["files"], "docs/one.yaml")
