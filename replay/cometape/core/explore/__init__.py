"""Exploration: every order in which a client may meet the answers and events of a cassette.

`plot`: what can be ordered, and what every order must keep · `order`: one order as a value, with a
name · `enumeration`: all of them, those nearest to the recording first · `conductor`: an order
played, by holding answers and events until their turn.
"""
