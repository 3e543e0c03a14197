"""A cassette in, answers and events out: what a replay decides.

`replay_service` is what the server serves. `clients` and `seats` say who asks and which recorded
session of which run that is; a run (`player`) plays the `playbook`: `matching` and `relation`
choose the recording, `identity` and `rewriting` make it fresh, `delivery` brings the events.
What may be asked for again say `repeats`; what went wrong in the recording, `setbacks`. `explainer`
makes a `miss` of what nothing answers, from the `nearest` recordings, a `body_diff` and a `remedy`;
`leftovers` tell the other direction, the `journal` has all of it, `junit` writes it for CI systems.
"""
