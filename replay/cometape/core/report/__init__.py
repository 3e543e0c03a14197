"""What a replay tells about itself.

The `chronicle` writes the `journal`, which ends in a report (`junit` writes it for CI systems).
What nothing answers is a `miss`, made by the `explainer` with a `body_diff` and a `remedy`;
`leftovers` tell the other direction: what was not played, and what it would have taken;
`left_over` says quickly whether there is anything. `past_runs` sum up runs of long ago.
"""
