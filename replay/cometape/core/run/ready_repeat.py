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

    __slots__ = (
        *("_client", "_delays", "_entry", "_fact", "_form"),
        *("_identities", "_renewed", "_run"),
    )

    def __init__(
        self, playbook: Playbook, playable: Playable, client: LiveClient, origin: str
    ) -> None:
        self._run: Run = client.run
        self._client = client
        self._entry = playable.exchange
        self._fact = playbook.fact(playable.number)
        caused = [one for one in playbook.followers(playable.number) if one.caused]
        self._delays = self._run.delays(caused)
        template = playbook.response(playable, dated=self._run.shift_s != 0)
        self._form = template.form(origin, self._run.shift_s)
        self._identities = template.identities
        minted = self._run.minted(playable.number)
        self._renewed = (
            [(one, (one.kind, one.recorded)) for one in dict.fromkeys(template.identities)]
            if all(one in minted for one in template.identities)
            else None
        )
        """Its ids with their keys, where every one of them is a new one each time: what mostly is,
        and needs no look at what is known."""

    def play(self, now_s: float) -> Response:
        """Play it once more: its response with live ids; the events it causes are on their way."""
        run, client = self._run, self._client
        play = run.play_again(self._entry, self._fact, client, now_s)
        issued = play.issued
        if self._renewed is None:
            run.issue(play, self._identities, run.minted(self._entry.number))
        else:
            for identity, key in self._renewed:
                issued[key] = run.live(identity, client, renew=True)
        response = self._form.fill(issued)
        run.set_off(play, self._delays)
        return response
