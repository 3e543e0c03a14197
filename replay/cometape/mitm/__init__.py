"""mitmproxy in process: what the recorder and the proxy in front of a replay have in common.

authority.py     the certificate authority that clients trust
embedding.py     mitmproxy with only the addons that are needed, from its start to its end
lean_master.py   its hooks at a third of their cost
replay_proxy.py  an HTTP(S) proxy in front of a replay server, which knows the recorded hosts alone
tls.py           certificates for a replay server that speaks TLS itself

Importing mitmproxy takes most of a second, so none of these is imported before it is needed.
"""
