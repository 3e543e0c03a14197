"""Where a value stands, from a header down to JSON inside a text inside JSON.

`typed_path` is one step of the way, in JSON; `place` the whole way, as profiles write it. A value
is found and exchanged in a text (`inner_text`, `request_text`) with no other character changed, or
in JSON that is at hand (`inner_value`); `json_text` tells where the scalars of a JSON text stand.
"""
