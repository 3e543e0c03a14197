"""`cometape import` and `cometape export` as a user runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cometape.cli import main
from cometape.store import cassette_file

ROOT = Path(__file__).parents[2]
PULL = ROOT / "cassettes" / "pull_workitem.yaml"
SAMPLES = ROOT / "tests" / "interchange" / "samples"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_a_har_file_becomes_a_cassette_with_a_summary(tmp_path: Path) -> None:
    out = tmp_path / "pull.yaml"
    result = run("import", SAMPLES / "chrome.har", "-o", out, "--scenario", "an agent pulls")
    assert result.exit_code == 0, result.stderr
    lines = dict(
        line.strip().split("  ", 1) for line in result.stdout.splitlines()[1:] if "  " in line
    )
    assert result.stdout.startswith(f"imported 1 file into {out}\n")
    assert lines["sessions"].strip() == "1 (agent7)"
    assert lines["causes found"].strip() == "1"
    assert int(lines["secrets replaced"]) > 4
    assert cassette_file.load(out).header.scenario == "an agent pulls"


@pytest.mark.parametrize("name", ["pull.har", "pull.flow"])
def test_export_and_import_give_the_same_file_byte_by_byte(tmp_path: Path, name: str) -> None:
    exported, out = tmp_path / name, tmp_path / "again.yaml"
    assert run("export", PULL, "-o", exported).exit_code == 0
    assert run("import", exported, "-o", out).exit_code == 0
    assert out.read_bytes() == PULL.read_bytes()


def test_the_format_is_told_by_content_and_not_by_name(tmp_path: Path) -> None:
    odd = tmp_path / "flows.har"
    assert run("export", PULL, "-o", odd, "--format", "flow").exit_code == 0
    assert not odd.read_bytes().startswith(b"{")
    assert run("import", odd, "-o", tmp_path / "again.yaml").exit_code == 0


def test_a_name_that_says_no_format_asks_for_one(tmp_path: Path) -> None:
    result = run("export", PULL, "-o", tmp_path / "pull.txt")
    assert result.exit_code == 2
    assert "--format har" in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["import", "export"])
def test_an_existing_file_is_replaced_only_with_overwrite(tmp_path: Path, command: str) -> None:
    source, out = (SAMPLES / "chrome.har", "x.yaml") if command == "import" else (PULL, "x.har")
    target = tmp_path / out
    target.write_text("mine")
    refused = run(command, source, "-o", target)
    assert refused.exit_code == 3
    assert "exists already" in refused.stderr
    assert target.read_text() == "mine"
    assert run(command, source, "-o", target, "--overwrite").exit_code == 0
    assert target.read_text() != "mine"


def test_a_file_that_is_cut_off_leaves_nothing_behind(tmp_path: Path) -> None:
    cut = tmp_path / "cut.har"
    cut.write_bytes((SAMPLES / "firefox.har").read_bytes()[:-40])
    result = run("import", SAMPLES / "chrome.har", cut, "-o", tmp_path / "out.yaml")
    assert result.exit_code == 3
    assert "cut.har" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["cut.har"]


def test_only_one_origin_can_be_imported_and_the_others_are_named(tmp_path: Path) -> None:
    document = json.loads((SAMPLES / "chrome.har").read_text(encoding="utf-8"))
    entries = document["log"]["entries"]
    foreign = json.loads(json.dumps(entries[0]))
    foreign["request"]["url"] = "https://fonts.example/a.woff2"
    entries.append(foreign)
    mixed = tmp_path / "mixed.har"
    mixed.write_text(json.dumps(document))
    both = run("import", mixed, "-o", tmp_path / "both.yaml")
    assert "2 origins in one cassette" in both.stdout
    one = run("import", mixed, "-o", tmp_path / "one.yaml", "--only", "https://gws.example")
    assert "1 exchanges with other origins" in one.stdout
    none = run("import", mixed, "-o", tmp_path / "none.yaml", "--only", "https://other.example")
    assert none.exit_code == 3
    assert "Its origins are https://fonts.example, https://gws.example." in none.stderr


def test_a_file_without_times_stays_alone(tmp_path: Path) -> None:
    calls = tmp_path / "calls.json"
    request = {"method": "GET", "uri": "http://gws.example/a", "body": None}
    response = {"status": {"code": 200}, "body": {"string": "{}"}}
    pair = {"request": request, "response": response}
    calls.write_text(json.dumps({"version": 1, "interactions": [pair]}))
    assert run("import", calls, "-o", tmp_path / "a.yaml").exit_code == 0
    refused = run("import", calls, SAMPLES / "chrome.har", "-o", tmp_path / "b.yaml")
    assert refused.exit_code == 2
    assert "has no times" in refused.stderr


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = run("import", tmp_path / "gone.har", "-o", tmp_path / "a.yaml")
    assert result.exit_code == 3
    assert "gone.har: there is no such file" in result.stderr


def test_har_needs_no_mitmproxy(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom cometape.cli import main\n"
        "_, har, yaml, cassette, out = sys.argv\n"
        "main(['import', har, '-o', yaml], standalone_mode=False)\n"
        "main(['export', cassette, '-o', out], standalone_mode=False)\n"
        "assert 'mitmproxy' not in sys.modules"
    )
    files = [SAMPLES / "chrome.har", tmp_path / "a.yaml", PULL, tmp_path / "a.har"]
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, files)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_what_still_looks_like_a_secret_is_refused_until_it_is_allowed(tmp_path: Path) -> None:
    document = json.loads((SAMPLES / "chrome.har").read_text(encoding="utf-8"))
    key = "aB3xK9mQ2vL7tR5wZ8yC1dF4" + "gH6jN0pS"  # random, in a field that no rule knows
    document["log"]["entries"][0]["response"]["content"]["text"] = json.dumps({"remark": key})
    odd, out = tmp_path / "odd.har", tmp_path / "odd.yaml"
    odd.write_text(json.dumps(document))
    refused = run("import", odd, "-o", out)
    assert refused.exit_code == 6
    assert "looks like" in refused.stderr
    assert cassette_file.load(out).header.residue == 1
    field = refused.stderr.partition('--allow "')[2].partition('"')[0]
    again = run("import", odd, "-o", out, "--overwrite", "--allow", field)
    assert again.exit_code == 0, again.stderr
    assert cassette_file.load(out).header.allowed == (field,)
    exported, back = tmp_path / "odd-again.har", tmp_path / "back.yaml"
    assert run("export", out, "-o", exported).exit_code == 0
    assert run("import", exported, "-o", back).exit_code == 0
    assert back.read_bytes() == out.read_bytes()


@pytest.mark.parametrize("name", ["far.har", "far.flow"])
def test_a_time_that_no_date_can_tell_is_told(tmp_path: Path, name: str) -> None:
    far = tmp_path / "far.yaml"
    far.write_text(
        "cassette: 1\n---\nexchange: 1\nat_s: 9223372036854775808\n"
        "request: {method: GET, target: /}\nresponse: {status: 200}\n"
    )
    result = run("export", far, "-o", tmp_path / name)
    assert result.exit_code == (3 if name == "far.har" else 0), result.stderr
    assert ("Mend `at_s`" in result.stderr) is (name == "far.har")


@pytest.mark.parametrize("command", [["show", "1"], ["inspect"], ["show", "1", "--json"]])
def test_output_without_signs_for_a_text_has_its_escapes(
    tmp_path: Path, command: list[str]
) -> None:
    file = tmp_path / "names.yaml"
    file.write_text(
        'cassette: 1\n---\nevent: 1\nchannel: /a\ndata: {name: "\u540d\U0001f600"}\n', "utf-8"
    )
    done = subprocess.run(
        [sys.executable, "-m", "cometape", command[0], str(file), *command[1:]],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    if command == ["show", "1"]:
        assert b"\\u540d\\ud83d\\ude00" in done.stdout
