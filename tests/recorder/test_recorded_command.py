"""`cometape record … -- COMMAND`: its traffic is recorded, and it notices nothing else."""

from __future__ import annotations

import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from cometape.cli import main
from cometape.core.cassette import Exchange
from cometape.recorder.environment import recorded_environment
from cometape.server.listener import BackgroundServer
from cometape.store import cassette_file
from real_clients import unavailable
from running import COMETAPE, cometape_once, running
from tiny_service import TinyService
from tls_origin import tls_origin

FETCH = "import os, urllib.request as u; print(u.urlopen(os.environ['COMETAPE_URL'] + '/a').status)"


@pytest.fixture(autouse=True)
def home(confdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """mitmproxy keeps its authority in the home directory: one for all of these tests."""
    monkeypatch.setenv("HOME", str(confdir.parent))
    if not (confdir.parent / ".mitmproxy").exists():
        (confdir.parent / ".mitmproxy").symlink_to(confdir)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "recorded.yaml"


def targets(out: Path) -> list[str]:
    entries = cassette_file.load(out).entries
    return [entry.request.target for entry in entries if isinstance(entry, Exchange)]


def test_its_traffic_is_recorded_and_its_output_is_its_own(out: Path) -> None:
    with BackgroundServer(TinyService()) as origin:
        done = cometape_once(
            "record", origin.url, "-o", str(out), "--", sys.executable, "-c", FETCH
        )
    assert (done.returncode, done.stdout) == (0, "200\n")
    assert done.stderr.startswith("listening on http://127.0.0.1:")
    assert "exchanges         1" in done.stderr
    assert targets(out) == ["/a"]


@pytest.mark.parametrize(
    ("line", "code"), [("exit 0", 1), ("exit 3", 3), ("kill -TERM $$", 143), ("kill -KILL $$", 137)]
)
def test_its_exit_code_is_ours(out: Path, line: str, code: int) -> None:
    done = cometape_once("record", "http://127.0.0.1:1", "-o", str(out), "--", "sh", "-c", line)
    assert done.returncode == code, "and 1 where it passed and was not recorded"
    assert ("nothing of sh was recorded" in done.stderr) == (code == 1)
    assert "warnings          1\n    nothing was recorded" in done.stderr
    assert cassette_file.load(out).entries == ()


def test_what_it_reads_is_what_we_are_given(out: Path) -> None:
    done = subprocess.run(
        [COMETAPE, "record", "http://127.0.0.1:1", "-o", str(out), "--quiet", "--", "cat"],
        input="from a pipe",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "from a pipe"
    assert done.stderr.startswith("listening on ")
    assert done.stderr.count("\n") == 2
    assert "nothing of cat was recorded" in done.stderr


@pytest.mark.parametrize("options", [["--proxy"], ["http://127.0.0.1:1"], ["--proxy", "--json"]])
def test_options_after_the_dashes_are_the_commands(out: Path, options: list[str]) -> None:
    command = ["echo", "--help", "--", "-o", "x"]
    done = cometape_once("record", *options, "-o", str(out), "--", *command)
    assert done.stdout == "--help -- -o x\n"


def test_a_command_that_is_not_there_is_told_before_anything_is_recorded(out: Path) -> None:
    out.write_text("mine")
    arguments = ["record", "--proxy", "-o", str(out), "--overwrite", "--", "no-such-command", "x"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 127
    assert "there is no command 'no-such-command'" in done.stderr
    assert out.read_text() == "mine"


def test_a_command_that_cannot_be_run_is_told(out: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    done = cometape_once("record", "--proxy", "-o", str(out), "--", str(folder))
    assert done.returncode == 126
    assert str(folder) in done.stderr
    odd = tmp_path / "odd"
    odd.write_bytes(b"\x00\x01")
    odd.chmod(0o755)
    done = cometape_once("record", "--proxy", "-o", str(out), "--", str(odd))
    assert done.returncode == 126
    assert "Exec format error" in done.stderr


def test_nothing_after_the_dashes_is_a_usage_error(out: Path) -> None:
    done = CliRunner().invoke(main, ["record", "--proxy", "-o", str(out), "--"])
    assert done.exit_code == 2
    assert "there must be a command" in done.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_the_commands_and_the_recording_ends_with_it(
    out: Path, tmp_path: Path, how: signal.Signals
) -> None:
    ready = tmp_path / "ready"
    script = (
        "import pathlib, signal, sys, time\n"
        f"signal.signal({int(how)}, lambda *_: sys.exit(40))\n"
        f"pathlib.Path({str(ready)!r}).touch()\n"
        "time.sleep(60)"
    )
    arguments = ["record", "http://127.0.0.1:1", "-o", str(out), "--", sys.executable, "-c", script]
    with running(COMETAPE, *arguments) as program:
        give_up_s = time.monotonic() + 30
        while not ready.exists():
            assert time.monotonic() < give_up_s
            time.sleep(0.01)
        assert program.stop(how) == 40
        assert "recorded " in program.stderr
    assert cassette_file.load(out).entries == ()


def test_a_recording_that_fails_takes_the_command_with_it(out: Path) -> None:
    script = (
        "import os, time, urllib.request as u\n"
        "try:\n"
        "    for n in range(100): u.urlopen(os.environ['COMETAPE_URL'], b'x' * 9000).read()\n"
        "except OSError: time.sleep(60)"
    )
    limited = f'ulimit -f 500; exec {COMETAPE} record $0 -o $1 -- {sys.executable} -c "$2"'
    with BackgroundServer(TinyService()) as origin:
        done = subprocess.run(
            ["bash", "-c", limited, origin.url, str(out), script],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 143
    assert str(out) in done.stderr
    assert "Traceback" not in done.stderr
    assert cassette_file.load(out).entries


def test_a_disk_without_room_for_certificates_is_told(out: Path) -> None:
    limited = f"ulimit -f 8; exec {COMETAPE} record --proxy -o $0 -- true"
    done = subprocess.run(
        ["bash", "-c", limited, str(out)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "TMPDIR" in done.stderr
    assert "Traceback" not in done.stderr


FETCH_OVER_TLS = {
    "python": [
        *(sys.executable, "-c"),
        "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode(), end='')",
    ],
    "curl": ["curl", "-s"],
    "node": [
        *("node", "-e"),
        """
        const http = require("http"), https = require("https"), tls = require("tls");
        const url = new URL(process.argv[1]), proxy = new URL(process.env.HTTPS_PROXY);
        const tunnel = {host: proxy.hostname, port: proxy.port, method: "CONNECT", path: url.host};
        http.request(tunnel).on("connect", (_, socket) => https.get(url, {
            createConnection: () => tls.connect({socket, servername: url.hostname}),
        }, answer => answer.pipe(process.stdout).on("unpipe", () => socket.destroy()))).end();
        """,
    ],
}
"""What fetches a URL with what its environment says about proxies and authorities."""


@pytest.mark.parametrize("program", [*FETCH_OVER_TLS])
def test_a_client_that_obeys_the_environment_is_recorded_over_tls(
    out: Path, context: ssl.SSLContext, authority: Path, program: str
) -> None:
    if program != "python" and shutil.which(program) is None:
        unavailable(f"{program} is not installed")
    trusted = str(authority / "mitmproxy-ca-cert.pem")
    with tls_origin(context) as origin:
        url = f"{origin}/a?b"
        asking = [*FETCH_OVER_TLS[program], url]
        done = cometape_once(
            "record", "--proxy", "--only", origin, "--ca", trusted, "-o", str(out), "--", *asking
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"asked": "GET /a?b HTTP/1.1"}
    assert targets(out) == ["/a?b"]


def test_nothing_passes_a_proxy_by() -> None:
    before = {"PATH": "/bin", "NO_PROXY": "localhost", "https_proxy": "http://other:3128"}
    after = recorded_environment(before, url="http://h:1", is_proxy=True, bundle=Path("/b.pem"))
    proxies = {name: after[name] for name in after if name.lower().endswith("_proxy")}
    assert proxies.pop("NODE_USE_ENV_PROXY") == "1"
    assert {name: value for name, value in proxies.items() if value} == dict.fromkeys(
        ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"), "http://h:1"
    )
    assert (after["NO_PROXY"], after["no_proxy"]) == ("", "")
    assert (after["PATH"], after["COMETAPE_URL"]) == ("/bin", "http://h:1")


def test_a_recorder_that_stands_in_for_a_system_is_asked_without_other_proxies() -> None:
    before = {"NO_PROXY": "a.example,b.example", "HTTP_PROXY": "http://other:3128"}
    after = recorded_environment(
        before, url="http://127.0.0.1:80", is_proxy=False, bundle=Path("/b.pem")
    )
    assert after["HTTP_PROXY"] == "http://other:3128"
    assert after["NO_PROXY"] == "a.example,b.example,127.0.0.1"
    assert after["no_proxy"] == "127.0.0.1"


def test_the_command_trusts_the_system_what_it_trusted_and_the_recorder(
    out: Path, tmp_path: Path, authority: Path, confdir: Path
) -> None:
    mine = authority / "mitmproxy-ca-cert.pem"
    line = (
        'test "$SSL_CERT_FILE" = "$NODE_EXTRA_CA_CERTS" && test "$SSL_CERT_FILE" = '
        '"$REQUESTS_CA_BUNDLE" && test "$SSL_CERT_FILE" = "$CURL_CA_BUNDLE" && cat $SSL_CERT_FILE'
    )
    done = subprocess.run(
        [COMETAPE, "record", "--proxy", "-o", str(out), "--", "sh", "-c", line],
        env={**os.environ, "REQUESTS_CA_BUNDLE": str(mine)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, "it asked for nothing"
    for file in (mine, confdir / "mitmproxy-ca-cert.pem"):
        assert file.read_text().strip() in done.stdout
    assert done.stdout.count("BEGIN CERTIFICATE") > 20
    assert "PRIVATE KEY" not in done.stdout
