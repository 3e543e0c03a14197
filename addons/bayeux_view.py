"""Show CometD traffic in mitmweb and mitmproxy as Bayeux messages, a line each, without secrets.

    mitmweb -s addons/record.py -s addons/bayeux_view.py --set cometape_out=pull_workitem.yaml \
        --mode reverse:http://gws.example:8090 --set connection_strategy=lazy --set http2=false

It works without the recorder, too; with it, it must come second.
"""

from cometape.recorder.content_view import BayeuxViewer

addons = [BayeuxViewer()]
