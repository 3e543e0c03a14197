"""A cassette made ready for replay, once, and shared by all its runs.

The `playbook` answers from its `playbook_index`, flat `columns` that `index_compiler` makes of the
entries (with `session_notes`); `recordings` is how the rest sees them. `matching` says which
recorded request a live one is (`wildcards`: recorded with placeholders), `difference` why it is
not, `relation` which recorded state a read shows (`lowest_sum`), `nearest` what comes close when
none is it.
"""
