"""Plots for the tests of exploration: small cassettes of any shape."""

from __future__ import annotations

from hypothesis import strategies as st

from cometape.core.explore.plot import Plot
from cometape.core.playbook.playbook import Playbook
from cometape.profiles import load_profile
from scripted import Script


def plot_of(script: Script) -> Plot:
    """The plot of a script."""
    return Plot.of(Playbook.of(script.cassette, load_profile(script.header.profile)))


@st.composite
def scripts(draw: st.DrawFn, most: int = 5) -> Script:
    """A cassette of one or two clients with so many answers and events at most."""
    script = Script()
    sessions = draw(st.sampled_from([["ada"], ["ada", "ben"]]))
    for session in sessions:
        script.listen(session, "/x/**")
    causes: list[int] = []
    is_event = st.booleans()
    for nth in range(draw(st.integers(1, most))):
        session = draw(st.sampled_from(sessions))
        if bool(causes) and draw(is_event):
            cause = draw(st.sampled_from(causes))
            number = script.event(
                session,
                draw(st.sampled_from(["/x/a", "/x/b"])),
                {"event": len(script.entries) + 1},
                cause=cause,
            )
            if draw(is_event):
                causes.append(number)
        elif draw(st.integers(0, 5)) == 0:
            script.ask(session, "GET", f"/read/{draw(st.integers(0, 1))}", None, {"n": nth})
        else:
            causes.append(script.ask(session, "POST", f"/do/{nth}", {"n": nth}, {"n": nth}))
    return script
