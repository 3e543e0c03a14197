"""What is exported is HAR 1.2 in the eyes of a validator that nobody here wrote."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import node_runtime
from cometape.core.cassette import Cassette, Connect
from cometape.interchange import har_export
from cometape.profiles import load_profile
from cometape.store import cassette_file
from scenarios import scenarios

PART = Path(__file__).parents[1] / "node" / "har"
CASSETTES = sorted((Path(__file__).parents[2] / "cassettes").glob("*.yaml"))
WORKBINS = load_profile("workbins")


def complaints(*files: Path) -> str:
    if not node_runtime.packages_installed(PART):
        pytest.fail("the npm packages are not installed: `make test` does that")
    done = subprocess.run(
        [node_runtime.node(), PART / "validate.cjs", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr


def over_websocket(cassette: Cassette) -> Cassette:
    entries = (
        replace(one, connection_type="websocket") if isinstance(one, Connect) else one
        for one in cassette.entries
    )
    return replace(cassette, entries=tuple(entries))


def test_the_committed_cassettes_export_to_valid_har(tmp_path: Path) -> None:
    files = []
    for path in CASSETTES:
        cassette = cassette_file.load(path)
        for name, one in (("polls", cassette), ("socket", over_websocket(cassette))):
            files.append(tmp_path / f"{path.stem}-{name}.har")
            files[-1].write_bytes(har_export.dump(one, WORKBINS))
    assert complaints(*files) == ""
    kinds = [json.loads(file.read_bytes())["log"]["entries"] for file in files]
    assert any("_webSocketMessages" in entry for entries in kinds for entry in entries)


@given(st.lists(scenarios(), min_size=40, max_size=40))
@settings(
    max_examples=2,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_any_recording_exports_to_valid_har(
    tmp_path_factory: pytest.TempPathFactory, cassettes: list[Cassette]
) -> None:
    folder = tmp_path_factory.mktemp("har")
    files = [folder / f"{number}.har" for number in range(len(cassettes))]
    for file, cassette in zip(files, cassettes, strict=True):
        file.write_bytes(har_export.dump(cassette, WORKBINS))
    assert complaints(*files) == ""


def test_the_validator_would_complain(tmp_path: Path) -> None:
    file = tmp_path / "bad.har"
    document = json.loads(har_export.dump(cassette_file.load(CASSETTES[0]), WORKBINS))
    del document["log"]["entries"][0]["request"]["httpVersion"]
    file.write_text(json.dumps(document))
    assert "httpVersion" in complaints(file)
