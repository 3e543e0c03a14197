"""Identifiers in the shapes that the API's samples show, all from one seeded generator."""

from __future__ import annotations

from random import Random
from uuid import UUID

_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


class Identifiers:
    """Issues ids; the same seed and the same order of calls give the same ids."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._sequence = 71051600 + random.randrange(1000)

    def session(self) -> str:
        """A `JSESSIONID` as Jetty makes them: `node0` and base 36."""
        return "node0" + self._base36(26) + ".node0"

    def uuid(self) -> str:
        """A version 4 UUID, lower case (CSRF tokens, device ids)."""
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def hexadecimal(self, digits: int) -> str:
        """Lower-case hexadecimal digits."""
        return f"{self._random.getrandbits(4 * digits):0{digits}x}"

    def client_id(self) -> str:
        """A Bayeux client id as CometD 3 for Java makes them: 25 to 28 characters of base 36."""
        return self._base36(27)

    def browser_id(self) -> str:
        """A `BAYEUX_BROWSER` cookie value."""
        return self._base36(16)

    def interaction(self) -> str:
        """16 upper-case characters: `02F0ASAK8EAFA00W`."""
        return "02F0A" + self._base36(8).upper() + "00" + self._base36(1).upper()

    def participant(self) -> str:
        """16 upper-case hexadecimal digits: `007352CE982D031B`."""
        return self.hexadecimal(16).upper()

    def sequence(self) -> int:
        """The next of Interaction Server's sequence numbers (`SubmitSeq`, `PlaceInQueueSeq`)."""
        self._sequence += 1 + self._random.randrange(20)
        return self._sequence

    def _base36(self, length: int) -> str:
        return "".join(self._random.choices(_BASE36, k=length))
