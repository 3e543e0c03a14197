"""Full disks, vanished folders, huge bodies, a thousand clients, two recorders on one file."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from cometape.core.cassette import Exchange
from cometape.core.errors import CassetteError
from cometape.recorder import Recorder, RecordingSettings
from cometape.server.limits import Limits
from cometape.server.listener import BackgroundServer
from cometape.store import cassette_file
from odd_origin import Caller, odd_origin
from raw_client import connected
from real_clients import unavailable
from recorder_process import RecorderProcess
from recorder_thread import RecorderThread
from tiny_service import TinyService

Record = Callable[..., RecorderThread]
MB = 1_000_000


def test_a_folder_that_vanishes_ends_the_recording_and_no_answer_goes_out_unrecorded(
    confdir: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    with BackgroundServer(TinyService()) as origin:
        recorder = RecorderThread(origin.url, folder / "a.yaml", confdir)
        with recorder, connected(recorder.url) as client:
            assert client.get("/one").status == 200
            shutil.rmtree(folder)
            client.ask("/two")
            assert client.rest() == b""
            recorder.stop()
    assert recorder.recorder is not None
    assert isinstance(recorder.recorder.failure, CassetteError)
    assert "deleted while it was recorded" in str(recorder.recorder.failure)


def test_a_second_recorder_on_the_same_file_is_refused_and_disturbs_nothing(
    record: Record,
) -> None:
    with BackgroundServer(TinyService()) as origin, record(origin.url) as first:
        with connected(first.url) as client:
            client.get("/one")
            with pytest.raises(CassetteError, match="recorded into by another"):
                Recorder(RecordingSettings(out=first.out, overwrite=True))
            client.get("/two")
        assert [entry.request.target for entry in first.exchanges] == ["/one", "/two"]


def test_the_command_refuses_a_file_that_is_recorded_into(record: Record) -> None:
    with BackgroundServer(TinyService()) as origin, record(origin.url) as first:
        command = [sys.executable, "-m", "cometape", "record", origin.url, "--overwrite"]
        second = subprocess.run(
            [*command, "-o", str(first.out)], capture_output=True, text=True, timeout=60
        )
    assert second.returncode == 3
    assert "recorded into by another process" in second.stderr


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="reads /proc")
def test_a_body_of_200_mb_passes_in_pieces_and_leaves_a_note(tmp_path: Path, confdir: Path) -> None:
    piece, count = b"0123456789abcdef" * 62_500, 200

    def behave(caller: Caller) -> None:
        caller.request()
        caller.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(piece) * count))
        for _ in range(count):
            caller.send(piece)
        assert caller.is_gone()

    out = tmp_path / "huge.yaml"
    with (
        odd_origin(behave) as url,
        RecorderProcess(url, out, confdir) as recorder,
        connected(recorder.url) as client,
    ):
        before_kb = recorder.peak_kb
        client.ask("/huge")
        head = client.read(len(b"HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\n"))
        assert b"200000000" in head
        for _ in range(count):
            assert client.read(len(piece)) == piece
        grown_kb = recorder.peak_kb - before_kb
    (entry,) = cassette_file.load(out).entries
    assert isinstance(entry, Exchange)
    assert entry.error == "response body longer than 8388608 bytes: not kept"
    assert entry.response is not None
    assert entry.response.body == b""
    assert grown_kb < 60_000


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="reads /proc")
def test_an_upload_of_80_mb_passes_in_pieces_and_leaves_a_note(
    tmp_path: Path, confdir: Path
) -> None:
    piece, count = b"x" * MB, 80
    arrived = threading.Event()

    def behave(caller: Caller) -> None:
        length = 0
        while length < len(piece) * count:
            length += len(caller.socket.recv(MB))
        arrived.set()
        caller.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    out = tmp_path / "upload.yaml"
    with (
        odd_origin(behave) as url,
        RecorderProcess(url, out, confdir) as recorder,
        connected(recorder.url) as client,
    ):
        before_kb = recorder.peak_kb
        client.send(b"PUT /up HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(count):
            client.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        client.send(b"0\r\n\r\n")
        assert arrived.wait(30)
        assert client.answer().body == b"ok"
        grown_kb = recorder.peak_kb - before_kb
    (entry,) = cassette_file.load(out).entries
    assert isinstance(entry, Exchange)
    assert entry.error == "request body longer than 8388608 bytes: not kept"
    assert grown_kb < 60_000


def test_a_thousand_clients_at_once_are_all_recorded(record: Record) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 6_000
    if hard != resource.RLIM_INFINITY and hard < wanted:
        unavailable(f"too few files may be open: `ulimit -Hn {wanted}`, as root")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))

    async def ask(url: str, number: int, asked: asyncio.Semaphore, go: asyncio.Event) -> bytes:
        host, _, port = url.removeprefix("http://").partition(":")
        async with asked:  # the backlog of a listening socket is short
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"GET /hold/%d HTTP/1.1\r\nHost: x\r\n\r\n" % number)
        await go.wait()
        head = await reader.readuntil(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        return head.partition(b"\r\n")[0]

    async def all_at_once(url: str, release: Callable[[], int]) -> list[bytes]:
        asked, go = asyncio.Semaphore(50), asyncio.Event()
        clients = [asyncio.create_task(ask(url, n, asked, go)) for n in range(1_000)]
        while await asyncio.to_thread(release) < 1_000:
            await asyncio.sleep(0.05)
        go.set()
        return list(await asyncio.gather(*clients))

    service = TinyService()
    try:
        with (
            BackgroundServer(service, limits=Limits(max_connections=2_000)) as origin,
            record(origin.url) as recorder,
        ):

            def release() -> int:
                held: int = origin.call(lambda: len(service.held))
                if held == 1_000:
                    with connected(origin.url) as client:
                        client.get("/release")
                return held

            heads = asyncio.run(all_at_once(recorder.url, release))
            assert heads == [b"HTTP/1.1 200 OK"] * 1_000
            recorder.stop()
            targets = {entry.request.target for entry in recorder.exchanges}
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert targets == {f"/hold/{number}" for number in range(1_000)}
