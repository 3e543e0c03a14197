"""What is learnt of one recorded session while its entries go by."""

from __future__ import annotations

from dataclasses import dataclass, field

from .playbook_index import SessionIndex


@dataclass(slots=True)
class SessionNotes:
    """What is learnt of one recorded session."""

    name: str
    first: int
    last: int
    exchanges: int = 0
    comebacks: int = 0
    ended: int | None = None
    handshakes: list[int] = field(default_factory=list)
    subscribes: dict[str, list[int]] = field(default_factory=dict)
    operations: list[int] = field(default_factory=list)
    subscribed: set[str] = field(default_factory=set)
    """Channels whose subscription succeeded, ever."""
    open_channels: set[str] | None = None
    """Those it has at the moment; None before its first handshake and after a disconnect."""
    last_action: int = 0
    """Place plus 1 of the latest entry that a spontaneous event may hang on; 0: of none."""
    last_read: int = 0

    def index(self) -> SessionIndex:
        """What of it an index keeps."""
        return SessionIndex(
            name=self.name,
            first=self.first,
            last=self.last,
            exchanges=self.exchanges,
            comebacks=self.comebacks,
            ended=self.ended,
            handshakes=self.handshakes,
            subscribes={**self.subscribes},
            operations=self.operations,
        )
