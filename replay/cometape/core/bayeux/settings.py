"""What can be set about a Bayeux server; defaults are CometD's (CometD manual: server options)."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import ConfigurationError
from .application import ConnectionType
from .dialect import Dialect, dialect_named

LONGEST_S = 86_400
"""A day: of every time that a user can set, here and beside it, the longest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Times and limits. Raises ConfigurationError for a value that cannot work."""

    timeout_ms: int = 30_000
    """How long a connect is held; announced in the advice as it is used."""
    interval_ms: int = 0
    """How long a client shall wait between two connects."""
    max_interval_ms: int = 10_000
    """How long a session outlives the answer to its last connect."""
    sweep_ms: int = 997
    """Expired sessions are looked for this often; 0: at the very time."""
    multi_session_interval_ms: int = 2_000
    """The interval advised to a browser with too many held connects; 0: such are refused."""
    max_sessions_per_browser: int | None = None
    """Held connects allowed to one `BAYEUX_BROWSER` cookie; None: any number. CometD allows one."""
    duplicate_connect_status: int = 500
    """Status that ends an older held connect (408 before CometD 3.1)."""
    dialect: str = "cometd3"
    """Whose error strings; a name of `dialect.DIALECTS`."""
    connection_types: tuple[ConnectionType, ...] = ("websocket", "long-polling", "callback-polling")
    """What handshake replies offer, in the server's order."""
    ack: bool = True
    """Whether the acknowledgement extension is granted to clients that ask for it."""
    delivery_only: bool = False
    """Whether events travel on connect replies alone, for everybody."""
    max_queue: int | None = None
    """Events a session may leave unfetched before it is ended like an expired one; None: any."""
    wall_offset_s: float = 0.0
    """Added to `now_s`: seconds since 1970, which only the timesync extension tells clients."""

    def __post_init__(self) -> None:
        dialect_named(self.dialect)
        for name in ("timeout_ms", "interval_ms", "max_interval_ms", "sweep_ms"):
            if getattr(self, name) < 0:
                raise ConfigurationError(
                    f"{name} is {getattr(self, name)}",
                    hint="It must be zero or more milliseconds.",
                    reason="bad-option",
                )
        if not self.connection_types:
            raise ConfigurationError(
                "no connection type is offered",
                hint="Name at least one of websocket, long-polling, callback-polling.",
                reason="bad-option",
            )

    @property
    def words(self) -> Dialect:
        """The dialect itself."""
        return dialect_named(self.dialect)
