"""Record what passes through mitmproxy to a cassette.

    mitmdump -s addons/record.py --set cometape_out=pull_workitem.yaml \
        --mode reverse:http://gws.example:8090 --set connection_strategy=lazy --set http2=false

Further options: cometape_scenario=TEXT, cometape_profile=NAME, cometape_overwrite=true,
cometape_include=FILTER, cometape_exclude=FILTER, cometape_pseudonyms=true.
"""

from cometape.recorder import Recorder
from cometape.recorder.reverse_view import reverse_view

addons = reverse_view(Recorder())
