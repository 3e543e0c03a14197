"""A repeat made ready: what is the same whenever an operation is played again, looked up once."""

from __future__ import annotations

from cometape.core.exchange import Response
from cometape.core.playbook.playbook import Playbook
from cometape.core.playbook.recordings import Playable

from .live_client import LiveClient
from .player import Run


class ReadyRepeat:
    """An operation that one client of a run has played before, to be played again and again.

    It plays as `Run.answer` does, to the byte, as long as the client stays in that run and comes to
    the same origin.
    """

    __slots__ = ("_client", "_delays", "_entry", "_form", "_identities", "_run")

    def __init__(
        self, playbook: Playbook, playable: Playable, client: LiveClient, origin: str
    ) -> None:
        self._run: Run = client.run
        self._client = client
        self._entry = playable.exchange
        caused = [one for one in playbook.followers(playable.number) if one.caused]
        self._delays = self._run.delays(caused)
        template = playbook.response(playable, dated=self._run.shift_s != 0)
        self._identities = template.identities
        self._form = template.form(origin, self._run.shift_s)

    def play(self, now_s: float) -> Response:
        """Play it once more: its response with live ids; the events it causes are on their way."""
        run = self._run
        play = run.play_again(self._entry, self._client, self._identities, now_s)
        response = self._form.fill(play.issued)
        run.set_off(play, self._delays)
        return response
