"""A server of the conformance checklist, in a process of its own."""

from __future__ import annotations

from dataclasses import dataclass

from wire_client import WireClient

TIMEOUT_S = 1.0
"""How long the servers of the checklist hold a connect."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where it listens."""

    url: str
    path: str

    def client(self, connection_type: str = "long-polling") -> WireClient:
        """A client of it that has not begun."""
        return WireClient(self.url, self.path, connection_type=connection_type)
