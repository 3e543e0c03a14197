"""`cometape record` as a user runs it: first line, signals, exit codes, messages."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from cometape.cli import main
from cometape.core.cassette import Exchange
from cometape.core.exchange import Headers, Response
from cometape.server.listener import BackgroundServer
from cometape.store import cassette_file
from raw_client import RawClient, connected
from running import COMETAPE, cometape, running
from tiny_service import TinyService

ADDON = Path(__file__).parents[2] / "addons" / "record.py"


@pytest.fixture(autouse=True)
def home(confdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """mitmproxy keeps its authority in the home directory: one for all of these tests."""
    monkeypatch.setenv("HOME", str(confdir))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "recorded.yaml"


def assert_refused(arguments: Sequence[str], code: int, *words: str) -> str:
    """It ends with `code`, says why on standard error, and never that it listens."""
    done = CliRunner().invoke(main, ["record", *arguments])
    assert done.exit_code == code, done.output
    for word in words:
        assert word in done.stderr
    assert done.stdout == ""
    return done.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_a_summary(out: Path, how: signal.Signals) -> None:
    scenario = "an agent: “looks” in"
    with (
        BackgroundServer(TinyService()) as origin,
        cometape("record", origin.url, "-o", str(out), "--scenario", scenario) as recorder,
    ):
        with connected(recorder.url()) as client:
            assert client.get("/a").status == 200
            client.ask("/hold")  # and it ends with a request in mid-air
            assert recorder.stop(how) == 0
        said = "\n".join(recorder.stdout)
        assert recorder.stderr == ""
    assert recorder.stdout[0] == f"listening on {recorder.url()}"
    assert f"recorded {out}" in said
    assert "exchanges         " in said
    cassette = cassette_file.load(out)
    assert cassette.header.scenario == scenario
    assert cassette.header.origin == origin.url
    assert isinstance(cassette.entries[0], Exchange)


def test_a_recording_that_is_open_can_be_read(out: Path) -> None:
    with (
        BackgroundServer(TinyService()) as origin,
        cometape("record", origin.url, "-o", str(out)) as recorder,
        connected(recorder.url()) as client,
    ):
        client.get("/a")
        assert len(cassette_file.load(out).entries) == 1


def test_an_existing_file_is_left_alone(out: Path) -> None:
    out.write_text("mine")
    assert_refused(["http://127.0.0.1:1", "-o", str(out)], 3, str(out), "--overwrite")
    assert out.read_text() == "mine"


def test_an_existing_file_is_replaced_when_told_to(out: Path) -> None:
    out.write_text("mine")
    with cometape("record", "http://127.0.0.1:1", "-o", str(out), "--overwrite") as recorder:
        recorder.url()
        assert recorder.stop() == 0
    assert cassette_file.load(out).entries == ()


def test_a_port_in_use_is_told_and_no_file_touched(out: Path) -> None:
    out.write_text("mine")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        arguments = ["http://127.0.0.1:1", "-o", str(out), "--port", port, "--overwrite"]
        assert_refused(arguments, 2, port, "in use", "--port")
    assert out.read_text() == "mine"


@pytest.mark.parametrize(
    "url",
    [
        "gws.example",
        "ftp://gws.example",
        "http://",
        "http://gws.example/api/v2",
        "http://gws.example:99999",
        "http://a b/",
    ],
)
def test_a_bad_url_is_told(url: str, out: Path) -> None:
    assert_refused([url, "-o", str(out)], 2, "http")
    assert not out.exists()


def test_a_password_in_a_bad_url_is_not_told_again(out: Path) -> None:
    arguments = ["http://agent7:hunter2@gws.example", "-o", str(out)]
    assert "hunter2" not in assert_refused(arguments, 2, "gws.example")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["http://127.0.0.1:1", "--proxy"],
        ["http://127.0.0.1:1", "--only", "http://x"],
        ["--proxy", "--public", "http://x"],
    ],
)
def test_url_and_proxy_exclude_each_other(arguments: list[str], out: Path) -> None:
    assert_refused([*arguments, "-o", str(out)], 2, "--proxy")
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--include", "~x foo ("], ["'~x foo ('", "no filter expression", "~u /api/v2/"]),
        (["--exclude", ""], ["no filter expression"]),
        (["--upstream-proxy", "ftp://u:hunter2@p"], ["--upstream-proxy", "http://proxy.example"]),
        (["--upstream-proxy", "foo.invalid"], ["no address is known for the host 'foo.invalid'"]),
        (["--upstream-proxy", "u:hunter2@foo.invalid:1"], ["http://proxy.example:3128"]),
        (["--public", "gws.example"], ["http://"]),
    ],
)
def test_an_option_that_cannot_be_understood_is_told(
    options: list[str], words: list[str], out: Path
) -> None:
    arguments = ["http://127.0.0.1:1", "-o", str(out), *options]
    assert "hunter2" not in assert_refused(arguments, 2, *words)
    assert not out.exists()


def test_filters_choose_what_is_recorded(out: Path) -> None:
    options = ["--include", "~u /api/", "--exclude", "~m POST"]
    with (
        BackgroundServer(TinyService()) as origin,
        cometape("record", origin.url, "-o", str(out), *options) as recorder,
        connected(recorder.url()) as client,
    ):
        client.get("/api/a")
        client.get("/b")
        client.ask("/api/c", method="POST")
        client.answer()
        (entry,) = cassette_file.load(out).entries
    assert isinstance(entry, Exchange)
    assert entry.request.target == "/api/a"


def test_a_profile_that_is_not_there_is_told(out: Path) -> None:
    arguments = ["http://127.0.0.1:1", "-o", str(out), "--profile", "nope"]
    assert_refused(arguments, 4, "nope", "workbins")
    assert not out.exists()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    out = tmp_path / "missing" / "x.yaml"
    assert_refused(["http://127.0.0.1:1", "-o", str(out)], 3, str(out))


def test_a_host_without_an_address_here_is_told(out: Path) -> None:
    arguments = ["http://127.0.0.1:1", "-o", str(out), "--host", "192.0.2.1"]
    assert_refused(arguments, 2, "192.0.2.1")
    assert not out.exists()


def test_a_full_disk_ends_the_recording_and_leaves_a_file_that_loads(out: Path) -> None:
    limited = f"ulimit -f 8; exec {COMETAPE} record $0 -o $1"  # blocks of 1024 bytes
    with (
        BackgroundServer(TinyService()) as origin,
        running("bash", "-c", limited, origin.url, str(out)) as recorder,
    ):
        received = 0
        with connected(recorder.url()) as client, pytest.raises((EOFError, OSError)):  # noqa: PT012
            while received < 100:
                client.ask(f"/{received}", method="POST", body=b"x" * 500)
                client.answer()
                received += 1
        code = recorder.stop()
        said = recorder.stderr
    assert 0 < received < 100
    assert code == 3
    assert str(out) in said
    assert "Traceback" not in said
    assert len(cassette_file.load(out).entries) == received


MITMDUMP = str(Path(sys.executable).with_name("mitmdump"))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def accepting(url: str) -> RawClient:
    """A connection, as soon as one can be made."""
    give_up_s = time.monotonic() + 20
    while True:
        try:
            return RawClient(url)
        except ConnectionRefusedError:
            assert time.monotonic() < give_up_s
            time.sleep(0.02)


def test_the_addon_records_in_mitmdump(out: Path) -> None:
    port = free_port()
    with (
        BackgroundServer(TinyService()) as origin,
        running(
            *(MITMDUMP, "-s", str(ADDON), "--set", f"cometape_out={out}"),
            *("--set", "cometape_scenario=by hand", "--mode", f"reverse:{origin.url}"),
            *("--listen-host", "127.0.0.1", "--listen-port", str(port)),
        ) as program,
    ):
        client = accepting(f"http://127.0.0.1:{port}")
        assert client.get("/a").status == 200
        assert len(cassette_file.load(out).entries) == 1
        client.close()
        assert program.stop(signal.SIGINT) == 0
    cassette = cassette_file.load(out)
    assert cassette.header.scenario == "by hand"
    assert cassette.header.origin == origin.url
    assert any(f"recorded {out}" in line for line in program.stdout)


def test_the_addon_filters_and_keeps_its_client_as_the_command_does(out: Path) -> None:
    port = free_port()
    said = b'{"uri":"http://gws.example:8090/api/v2/a"}'
    kind = Headers([("Content-Type", "application/json")])
    service = TinyService(answers={"/a": Response(status=200, headers=kind, body=said)})
    own = f"http://127.0.0.1:{port}"
    with (
        BackgroundServer(service) as origin,
        running(
            *(MITMDUMP, "-s", str(ADDON), "--set", f"cometape_out={out}"),
            *("--set", "cometape_exclude=~u /b", "--mode", f"reverse:{origin.url}"),
            *("--listen-host", "127.0.0.1", "--listen-port", str(port)),
        ) as program,
    ):
        client = accepting(own)
        assert client.get("/b").status == 200
        assert client.get("/a").json() == {"uri": f"{own}/api/v2/a"}
        client.close()
        assert program.stop(signal.SIGINT) == 0
    (entry,) = cassette_file.load(out).entries
    assert isinstance(entry, Exchange)
    assert entry.response is not None
    assert entry.response.body == said


@pytest.mark.parametrize("option", ["cometape_out={}", "cometape_profile=nope"])
def test_the_addon_does_not_start_mitmdump_where_it_cannot_record(out: Path, option: str) -> None:
    out.write_text("mine")
    done = subprocess.run(
        [
            MITMDUMP,
            "-s",
            str(ADDON),
            *("--listen-host", "127.0.0.1", "--listen-port", "0"),
            "--set",
            option.format(out),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "cometape" in done.stdout + done.stderr
    assert out.read_text() == "mine"
