"""Faults: what goes wrong on purpose, as data; without I/O.

`fault_kind`: what can go wrong, and with which parameters · `parameter`: their values and units ·
`fault_rule`: one fault, where it applies, how often · `fault_reading`: rules from text, YAML and
JSON · `profile_fault`: the faults a profile declares · `fault_ledger`: which rule fires, counted.
What a firing does to a replay is decided in `core/replay/fault_injector.py`.
"""
