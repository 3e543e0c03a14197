"""The server shell: HTTP/1.1 and WebSocket over asyncio, for any `core.service.Service`.

listener.py             a listening socket; `Listener`, `serve`, `BackgroundServer`
event_loop.py           uvloop, where there is one
service_host.py         between sockets and a service: ids, actions, the one timer
http_protocol.py        one connection that speaks HTTP/1.1 (parsed by httptools)
incoming.py             the request being received, held against the limits
probe.py                whether a client that sends no more is still there
familiar.py             requests received before, byte for byte
outgoing.py             a response as bytes
websocket_protocol.py   one connection that speaks WebSocket (framed by wsproto)
limits.py, problem.py   what a client may ask of us, and what it is told if it asks more
"""
