"""The Bayeux protocol (CometD semantics) as a state machine without I/O.

`message` parses and renders, `channel` names and matches, `states` is the table of session states,
`session` one session, `dialect` the error strings, `server` the machine that receives messages and
returns what to send, `endpoint` the same over the exchanges and sockets of a service.
"""
