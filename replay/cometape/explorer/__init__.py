"""Exploration as a user starts it: a client's test, run under one order after the other.

`trial`: one order, served to one run of the command · `search`: order by order, until one breaks
it · `findings`: what came of it, as text and for machines.
"""
