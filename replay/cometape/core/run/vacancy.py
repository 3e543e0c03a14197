"""A seat that is given up: whoever had it by guess was not the recorded client.

What that one asked for and did in Bayeux is still to come then, and the events that it was given
are for whoever takes the seat. So it makes no difference to that one that somebody else was here.
"""

from __future__ import annotations

from .live_client import LiveClient
from .play import Due
from .player import Run


def vacate(client: LiveClient, session: str) -> None:
    """A client leaves a seat of its run, with the events that are for whoever has it."""
    run = client.run
    del run.actors[session]
    take_back_bayeux(client, session)
    for matches in client.asked or ():
        if session in matches.by_session:
            run.take_back(matches.by_session[session])
    waiting = client.take_mailbox()
    given_up = [due for due in (*client.heard, *waiting) if _is_for(due, run, session)]
    client.post([due for due in waiting if not _is_for(due, run, session)])
    client.heard = tuple(due for due in client.heard if not _is_for(due, run, session))
    for due in given_up:
        if not _comes_again(due, session):  # of those heard
            run.wait(due)


def take_back_bayeux(client: LiveClient, session: str) -> None:
    """Handshakes and subscriptions of a client's session, and what follows them, are to come."""
    run = client.run
    recorded = run.playbook.sessions.get(session)
    for attempt in recorded.attempts if recorded is not None else ():
        run.played.pop(attempt.number, None)
    run.call_off([due for due in run.scheduled if _comes_again(due, session)])
    waiting = client.take_mailbox()
    client.post([due for due in waiting if due.run is not run or not _comes_again(due, session)])


def _is_for(due: Due, run: Run, session: str) -> bool:
    return due.run is run and due.session == session


def _comes_again(due: Due, session: str) -> bool:
    return due.session == session and due.follows_own_bayeux
