"""A cassette in, answers and events out: what a replay decides.

`replay_service` is what the server serves. `clients` and `seats` say who asks and which recorded
session of which run that is; a run (`player`) plays the `playbook`: `matching` and `relation`
choose the recording, `identity` and `rewriting` make it fresh, `delivery` brings the events.
`miss`, `journal` and `leftovers` explain.
"""
