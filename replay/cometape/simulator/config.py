"""How a simulated Workbins system is set up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from .demo_data import DEMO_DATA
from .model import DataSet

DEFAULT_PUBLIC_URL = "http://gws.example:8090"
"""Not the address it listens on: Web Services builds `uri` fields from `externalApiUrlV2`."""

DEFAULT_START = datetime(2026, 3, 1, 9, 15, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkbinsConfig:
    """Everything that can be set before the simulator starts."""

    data: DataSet = DEMO_DATA
    public_url: str = DEFAULT_PUBLIC_URL
    """Scheme, host and port of every `uri` in a body."""
    start: datetime = DEFAULT_START
    """The simulated date at the first request (aware; its offset is the local time)."""
    min_delay_ms: float = 20
    max_delay_ms: float = 80
    """Between an answer and its event, and half as much between two events; from the seed."""
    first_reference_id: int | None = None
    """Where every `referenceId` counter starts; None: a low number from the seed."""
    csrf: bool = False
    """CSRF protection (`enableCsrfProtection`)."""
    load_balancer: bool = False
    """An `AWSELB` cookie is set and must come back with `JSESSIONID`."""
    http_statuses: Mapping[int, int] = field(default_factory=dict)
    """HTTP status by `statusCode`, where it is not that of `statuses.HTTP_STATUSES`."""
    switches: Mapping[str, str] = field(default_factory=dict)
    """Settings of `switches.SWITCHES`, where not the default."""
    invite_every_s: float | None = None
    """Each ready agent in session is invited to a new workitem after so many seconds, and again
    so many seconds after the last invitation was taken or refused; None: never."""
    revoke_after_s: float | None = None
    """An invitation not accepted within so many seconds is revoked; None: never."""
    http_session_idle_s: float = 1800
    """A `JSESSIONID` unused for so long is forgotten (the servlet container's usual 30 minutes)."""
    bayeux_timeout_s: float = 30
    """How long a connect is held (CometD's default)."""
    bayeux_max_interval_s: float = 60
    """How long a silent CometD session lives (`cometDSessionExpirationTimeout`, about 60 s)."""
    wall_offset_s: float = 0.0
    """Added to `now_s`: seconds since 1970, which only CometD's timesync extension tells."""
