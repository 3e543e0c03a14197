"""The mitmproxy addon: flows in, a cassette out; what passes is not held up and not changed.

Responses are streamed: every chunk goes to the client as it comes. An entry is on disk before the
client can have the whole answer: with a declared length before the last bytes are passed on, else
in the call that announces the end, before the terminal chunk. The order of mitmproxy's hooks that
this leans on was observed with 11.0.2 and is pinned by `tests/recorder/`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from mitmproxy import ctx, exceptions, http
from mitmproxy.proxy.mode_specs import ProxyMode, ReverseMode

from ..core.cassette import Entry
from ..core.errors import CassetteError, CometapeError
from ..core.record.capture import RECORDING_ENDED, CapturedExchange, SocketText
from ..mitm.held_polls import allow_long_holds
from .capture_filter import EVERYTHING, FILTERED, CaptureFilter
from .flow_capture import SERVER_CLOSED, FlowCapture, origin_of, reason
from .recording import Recording, RecordingSettings
from .recording_summary import Summary

HELD = "cometape_held"
"""Key in a flow's metadata: its answer is to be whole before it is passed on (`reverse_view`)."""
STREAM_REQUESTS_OVER = 1024 * 1024
"""Requests that declare more bytes than this, or none, are passed on as they come. A shorter one is
sent on whole: an upstream that is down then still gets its 502 to a client that sends slowly."""

logger = logging.getLogger("cometape.recorder")


class Recorder:
    """Writes what passes through mitmproxy to a cassette.

    With `settings` it records at once (`cometape record`); without, it takes them from the options
    `cometape_out`, … of `mitmdump --set` (`addons/record.py`).
    """

    name = "cometape"

    def __init__(
        self,
        settings: RecordingSettings | None = None,
        capture_filter: CaptureFilter = EVERYTHING,
    ) -> None:
        self.capture_filter = capture_filter
        self.recording: Recording | None = Recording(settings) if settings is not None else None
        self.summary: Summary | None = None
        """What was recorded, once it is over."""
        self.failure: CometapeError | None = None
        """Why the recording had to end."""
        self._embedded = settings is not None
        self._is_over = False
        """Nothing is recorded any more, so nothing may pass: mitmproxy is about to end."""
        self._open: dict[str, FlowCapture] = {}
        self._sockets: set[str] = set()

    @property
    def open_requests(self) -> Collection[FlowCapture]:
        """What has begun and has no whole answer yet, held connects among it."""
        return self._open.values()

    def abandon(self) -> None:
        """The proxy could not start: leave no empty cassette behind."""
        if self.recording is not None:
            self.recording.abandon()

    # -- mitmproxy's life ----------------------------------------------------------------------

    def load(self, loader: Any) -> None:
        """Declare the options of a recorder that is run by mitmdump."""
        allow_long_holds()
        if self._embedded:
            return
        loader.add_option("cometape_out", str, "", "Cassette to record to (*.yaml).")
        loader.add_option("cometape_scenario", str, "", "What this is a recording of.")
        loader.add_option("cometape_profile", str, "workbins", "Profile: a name or a YAML file.")
        loader.add_option("cometape_pseudonyms", bool, False, "Replace personal data, too.")
        loader.add_option("cometape_overwrite", bool, False, "Replace an existing cassette.")
        loader.add_option("cometape_include", Sequence[str], [], "Record only what one matches.")
        loader.add_option("cometape_exclude", Sequence[str], [], "Do not record what one matches.")

    def configure(self, updated: set[str]) -> None:
        """Open the cassette as soon as its name is known."""
        if not self._embedded and updated & {"cometape_include", "cometape_exclude"}:
            try:
                self.capture_filter = CaptureFilter(
                    ctx.options.cometape_include, ctx.options.cometape_exclude
                )
            except CometapeError as error:
                raise exceptions.OptionsError(f"cometape: {error}") from None
        if self._embedded or "cometape_out" not in updated or not ctx.options.cometape_out:
            return
        if self.recording is not None:
            raise exceptions.OptionsError("cometape_out cannot change while it is recorded to")
        try:
            self.recording = Recording(
                RecordingSettings(
                    out=Path(ctx.options.cometape_out).expanduser(),
                    scenario=ctx.options.cometape_scenario,
                    profile=ctx.options.cometape_profile,
                    overwrite=ctx.options.cometape_overwrite,
                    pseudonyms=ctx.options.cometape_pseudonyms,
                    origin=_only_upstream(ctx.options.mode),
                )
            )
        except CometapeError as error:
            raise exceptions.OptionsError(f"cometape: {error}") from None

    def running(self) -> None:
        """mitmproxy accepts connections."""
        if self.recording is None:
            logger.error("cometape records nothing: say where to, --set cometape_out=FILE")

    def done(self) -> None:
        """mitmproxy ends. Hooks of open flows can still come after this, and find nothing to do."""
        recording = self.recording
        if recording is None or recording.closed:
            return
        now_s = time.monotonic()
        for capture in list(self._open.values()):
            self._complete(capture, RECORDING_ENDED)
            if self._embedded and capture.flow.killable:
                capture.flow.kill()
        self._write(lambda: recording.observer.finish(now_s))
        self.summary = recording.close()
        self.failure = self.failure or recording.refusal
        self._is_over = self._embedded
        if not self._embedded:
            logger.info(self.summary.render())
            if recording.refusal is not None:
                logger.error(str(recording.refusal))

    # -- HTTP ----------------------------------------------------------------------------------

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """A request's head has come."""
        if self._is_over:
            flow.kill()
        if not self._is_recorded(flow):
            return
        assert self.recording is not None
        capture = FlowCapture(flow, self.recording.settings.max_body_bytes)
        self._open[flow.id] = capture
        if _passes_as_it_comes(flow.request):
            capture.request_streamed = True
            flow.request.stream = _tee(capture.request_body.add)

    def request(self, flow: http.HTTPFlow) -> None:
        """A request is complete."""
        capture = self._open.get(flow.id)
        if capture is None or self.recording is None:
            return
        capture.asked = asked = capture.request()
        observer = self.recording.observer
        self._observe(lambda: observer.began(asked))

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """A response's head has come: pass its body on as it comes."""
        capture = self._open.get(flow.id)
        if capture is None or flow.response is None:
            return
        capture.note_response_head()
        is_held = flow.metadata.get(HELD, False)
        if flow.response.status_code != 101 and flow.response.raw_content is None and not is_held:
            capture.response_streamed = True
            flow.response.stream = self._passer(capture)

    def response(self, flow: http.HTTPFlow) -> None:
        """A response is complete, and its end not yet passed on."""
        capture = self._open.get(flow.id)
        if capture is not None and flow.websocket is None:
            self._complete(capture, None)

    def error(self, flow: http.HTTPFlow) -> None:
        """A flow ends without a whole response."""
        capture = self._open.get(flow.id)
        if capture is None:
            return
        why = reason(flow.error.msg if flow.error else "unknown")
        self._complete(capture, why)
        if self._embedded and why == SERVER_CLOSED and flow.response is None and flow.killable:
            flow.kill()  # the client sees a closed connection, too, instead of mitmproxy's 502

    # -- WebSocket -----------------------------------------------------------------------------

    def websocket_start(self, flow: http.HTTPFlow) -> None:
        """An exchange has become a WebSocket."""
        capture = self._open.pop(flow.id, None)
        if capture is None or self.recording is None or self._is_filtered(capture):
            return
        observer = self.recording.observer
        self._sockets.add(flow.id)
        captured = self._captured(capture, None)
        self._observe(lambda: observer.socket_opened(captured))

    def websocket_message(self, flow: http.HTTPFlow) -> None:
        """A message has come and is not yet passed on."""
        if flow.websocket is None:
            return
        if self._embedded:  # nobody will ask for older ones, and a recording may last for hours
            del flow.websocket.messages[:-1]
        if flow.id not in self._sockets or self.recording is None:
            return
        message = flow.websocket.messages[-1]
        if self._is_over:
            message.drop()
            return
        text = SocketText(
            sender="client" if message.from_client else "server",
            text=message.content.decode("utf-8", "replace") if message.is_text else "",
            at_s=time.monotonic(),
        )
        observer = self.recording.observer
        self._write(lambda: observer.socket_text(flow.id, text))
        if self._is_over:
            message.drop()

    def websocket_end(self, flow: http.HTTPFlow) -> None:
        """A WebSocket has ended."""
        if flow.id in self._sockets and self.recording is not None:
            self._sockets.discard(flow.id)
            observer = self.recording.observer
            self._write(lambda: observer.socket_closed(flow.id, time.monotonic()))

    # -- to the cassette -----------------------------------------------------------------------

    def _is_recorded(self, flow: http.HTTPFlow) -> bool:
        if self.recording is None or self.recording.closed:
            return False
        only = self.recording.settings.only
        if only and origin_of(flow.request) not in only:
            self.recording.observer.notices.skipped("exchanges with other origins")
            return False
        if self.capture_filter.is_early and not self.capture_filter.takes(flow):
            self.recording.observer.notices.skipped(FILTERED)
            return False
        return True

    def _is_filtered(self, capture: FlowCapture) -> bool:
        """Whether what is known of an exchange in the end keeps it out of the cassette."""
        chosen = self.capture_filter
        if chosen.is_early or self.recording is None:
            return False
        request, response = bytes(capture.request_body), bytes(capture.response_body)
        if chosen.takes(capture.flow, request, response):
            return False
        self.recording.observer.dropped(capture.flow.id)
        self.recording.observer.notices.skipped(FILTERED)
        return True

    def _passer(self, capture: FlowCapture) -> Callable[[bytes], bytes | tuple[()]]:
        """What mitmproxy hands each chunk of a response to, and `b""` at its end."""

        def pass_on(chunk: bytes) -> bytes | tuple[()]:
            capture.response_came(chunk)
            if not chunk or capture.is_whole:
                self._complete(capture, None)
            # An empty chunk would be the orderly end of a chunked answer.
            return () if self._is_over else chunk

        return pass_on

    def _captured(self, capture: FlowCapture, error: str | None) -> CapturedExchange:
        asked, response = capture.request(), capture.response()
        return CapturedExchange(
            asked=asked,
            response=response,
            ended_s=time.monotonic(),
            error=error or capture.cut(),
        )

    def _complete(self, capture: FlowCapture, error: str | None) -> None:
        """An exchange is over: to disk with it, before the client can know."""
        if self._open.pop(capture.flow.id, None) is None or self.recording is None:
            return
        if self._is_filtered(capture):
            return
        observer = self.recording.observer
        self._write(lambda: observer.exchange(self._captured(capture, error)))
        if self._is_over and capture.flow.killable:
            capture.flow.kill()  # what is not on disk the client must not have

    def _write(self, entries: Callable[[], Iterable[Entry]]) -> None:
        recording = self.recording
        if recording is not None:
            self._observe(lambda: recording.write(entries()))
            # Once the answer is on its way to the client.
            asyncio.get_running_loop().call_soon(self._observe, recording.catch_up)

    def _observe(self, step: Callable[[], None]) -> None:
        """Observe or write. What goes wrong ends the recording at most, never mitmproxy."""
        recording = self.recording
        if recording is None or recording.closed or self.failure is not None:
            return
        try:
            step()
        except CassetteError as error:
            self.failure = error
            self._is_over = True
            logger.error(str(error))
            ctx.master.shutdown()
        except Exception as error:
            # A bug of ours on traffic nobody foresaw must not break the client's connection. The
            # message of the error could quote the traffic, so only its place is told.
            recording.problem(f"an exchange could not be recorded: {_place(error)}")


def _passes_as_it_comes(request: http.Request) -> bool:
    declared = request.headers.get("Content-Length")
    if declared is None:
        return "Transfer-Encoding" in request.headers
    return declared.isdecimal() and int(declared) > STREAM_REQUESTS_OVER


def _tee(add: Callable[[bytes], None]) -> Callable[[bytes], bytes]:
    def pass_on(chunk: bytes) -> bytes:
        add(chunk)
        return chunk

    return pass_on


def _only_upstream(modes: Iterable[str]) -> str | None:
    """The origin of the only upstream there is: that of a single reverse mode."""
    found = [ProxyMode.parse(mode) for mode in modes]
    if len(found) == 1 and isinstance(found[0], ReverseMode):
        host, port = found[0].address
        return origin_of(http.Request.make("GET", f"{found[0].scheme}://{host}:{port}/"))
    return None


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    file = Path(trace.tb_frame.f_code.co_filename).name
    return f"{type(error).__name__} in {file}:{trace.tb_lineno}"
