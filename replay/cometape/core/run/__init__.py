"""One playing of a cassette, and who takes part in it.

A `player` is the state of one run: what was played, what comes next, which ids are live; `repeats`
says what may be played again. A `live_client` takes one of the `seats`, the recorded sessions of a
run; `clients` knows them all, by what their requests say of them.
"""
