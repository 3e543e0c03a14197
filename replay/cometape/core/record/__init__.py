"""Captured traffic in, cassette entries out; and a cassette back as the traffic it came from.

`capture` and `traffic` are what was seen on the wire, `observer` turns it into entries, each in its
client's session (`client_sessions`), Bayeux as what it means (`bayeux_observer`). `live_tally`,
`closing_warnings` and `message_lines` are for people who watch; `rendering` is the way back.
"""
