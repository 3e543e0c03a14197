"""What takes longer than a second says how far it is, to whoever sits at a terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from cometape.core.cassette import Cassette, Exchange, Header
from cometape.core.exchange import Headers, Request, Response
from cometape.interchange import har_export
from cometape.profiles import load_profile
from cometape.store import cassette_file
from running import COMETAPE, cometape_once
from terminal import terminal

ENTRIES = 8_000
JSON = Headers([("Content-Type", "application/json")])
Files = dict[str, Path]


def exchange(number: int) -> Exchange:
    items = [{"id": f"02F0X{number:06}A", "userData": {"Subject": f"order {n}"}} for n in range(9)]
    return Exchange(
        number=number,
        session="agent7",
        at_s=number / 10,
        request=Request(method="GET", target=f"/api/v2/me/{number}"),
        response=Response(status=200, headers=JSON, body=json.dumps(items).encode()),
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """A cassette that takes seconds to be looked through, and the same as HAR."""
    folder = tmp_path_factory.mktemp("large")
    header = Header(
        profile="workbins", recorded_at="2026-03-01T09:15:00Z", origin="http://g.example"
    )
    cassette = Cassette(header, tuple(map(exchange, range(1, ENTRIES + 1))))
    cassette_file.save(cassette, folder / "large.yaml")
    (folder / "large.har").write_bytes(har_export.dump(cassette, load_profile("workbins")))
    return {"yaml": folder / "large.yaml", "har": folder / "large.har"}


COMMANDS: dict[str, Callable[[Files, Path], list[str]]] = {
    "looking through large.yaml": lambda files, _: ["lint", str(files["yaml"])],
    "scrubbing large.yaml": lambda files, out: ["scrub", str(files["yaml"]), "-o", str(out)],
    "importing large.har": lambda files, out: ["import", str(files["har"]), "-o", str(out)],
}


@pytest.mark.parametrize("what", [*COMMANDS])
def test_the_share_that_is_done_grows_and_is_gone_in_the_end(
    what: str, files: Files, tmp_path: Path
) -> None:
    arguments = COMMANDS[what](files, tmp_path / "out.yaml")
    with terminal(COMETAPE, *arguments) as program:
        assert program.end(within_s=60) == 0
        told = [int(share) for share in re.findall(rf"{re.escape(what)}: (\d+) %", program.text)]
        assert program.written.count("\r\x1b[K") == 1
        after = program.written.partition("\r\x1b[K")[2]
    assert len(told) > 1
    assert told == sorted(set(told))
    assert 0 < told[-1] < 100
    assert "%" not in after


@pytest.mark.parametrize("what", ["looking through large.yaml", "importing large.har"])
def test_where_nobody_sits_at_a_terminal_nothing_is_told(
    what: str, files: Files, tmp_path: Path
) -> None:
    done = cometape_once(*COMMANDS[what](files, tmp_path / "out.yaml"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "%" not in done.stdout


def test_what_is_soon_over_is_not_talked_about(tmp_path: Path) -> None:
    small = tmp_path / "small.yaml"
    cassette_file.save(Cassette(Header(profile="workbins"), (exchange(1),)), small)
    with terminal(COMETAPE, "lint", str(small)) as program:
        assert program.end() == 0
        assert program.written == ""
