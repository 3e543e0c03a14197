"""One playing of a cassette, and who takes part in it.

A `player` is the state of one run: what was played, what comes next, which ids are live; a `play`
is one playing of one entry, a `schedule` the events that are on their way; `repeats` says what may
be played again, a `ready_repeat` is what is being played again and again. A `live_client` takes one
of the `seats`, the recorded sessions of a run, and may leave a `vacancy`; `clients` knows them all,
by what their requests say of them (`logins`, `cookies`), and which of several `tabs` is which.
"""
