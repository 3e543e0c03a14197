"""What must be fresh in every run: ids that a server issues, and dates.

`identity` binds a recorded id to a live one. On the way out a recorded answer or event is a
`template` with slots, compiled by `rewriting`; on the way in `live_ids` turns live ids back.
`created_ids` tells the ids an operation brought forth from those that were there before. `dates`
are the forms an API writes them in, `date_shift` the day it is in a replay.
"""
