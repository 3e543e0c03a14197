"""Runs that a test governs from outside: what the control API decides, without I/O.

`served_run` is one run as the server serves it: a replay, its clock, what may be done to it.
`control_service` is the JSON API over many of them: a Service of its own. `access` says who may
call, `fields` reads what was sent, `problem` says what is wrong with it, `waiting` keeps calls that
wait for something. Listening sockets belong to the shell, which is told by `wishes`.
"""
