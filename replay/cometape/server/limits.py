"""What one client, and all clients together, may make the server hold or wait for."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of the server shell; a client that exceeds one is answered so and disconnected.

    The defaults are far above what a CometD client does (the CometD manual's `maxMessageSize` is
    64 KiB) and far below what would hurt the machine.
    """

    max_target_bytes: int = 32 * KIB
    """The request target: long enough for the messages of a JSONP client. Beyond: 414."""
    max_header_bytes: int = 64 * KIB
    """Names and values of all headers together. Beyond: 431."""
    max_body_bytes: int = 8 * MIB
    """A request's body, before and after decompression. Beyond: 413."""
    max_upload_bytes: int = 256 * MIB
    """Bodies of all clients whose end has not come, together. Beyond: 503 for who sends more."""
    max_message_bytes: int = 8 * MIB
    """A WebSocket text message, all fragments together, in UTF-8. Beyond: close code 1009."""
    max_buffered_bytes: int = 16 * MIB
    """Bytes that wait for a client that does not read. Beyond: disconnected."""
    max_pipelined: int = 64
    """Unanswered requests of one connection; then no more is read until one is answered."""
    max_connections: int = 20_000
    """Open connections; a further one is answered 503. Less if the process may open fewer files."""
    header_timeout_s: float = 10.0
    """From the first byte of a request to the end of its headers. Beyond: 408."""
    body_timeout_s: float = 60.0
    """From the end of the headers to the end of the body. Beyond: 408."""
    idle_timeout_s: float = 75.0
    """A connection on which nothing is asked is closed; a quiet WebSocket is pinged and, silent
    as long again, disconnected."""
    write_timeout_s: float = 60.0
    """How long a client may read nothing of what waits for it."""
    linger_s: float = 1.0
    """How long a refused client may go on sending (ignored) so that it can read why."""
    probe_s: float = 1.0
    """How often a client that half-closed is asked whether it is still there."""
