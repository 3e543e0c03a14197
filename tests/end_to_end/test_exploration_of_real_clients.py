"""npm's `cometd` under one order after the other: it meets them all, over both transports.

The plan waits for the events of an operation before it goes on, which is told of the orders that it
cannot meet; nothing else may differ.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from node_client import Transport, Version
from running import cometape_once

ROOT = Path(__file__).parents[2]
DESK = """
import os, sys
sys.path.insert(0, sys.argv[1])
import workbins_desk as desk
from node_client import carry_out
steps = [
    *desk.start_session(), desk.subscribe_workbin().request, desk.look("look"),
    *desk.PULL_A.steps, desk.look("look again"), *desk.COMPLETE_A.steps, *desk.end_session(),
]
url = os.environ["COMETAPE_URL"]
seen = carry_out(sys.argv[2], url, steps, user=desk.AGENT_7, transport=sys.argv[3])
print(seen)
sys.exit(0 if seen.finished else 1)
"""


@pytest.mark.parametrize("transport", ["long-polling", "websocket"])
def test_a_client_that_is_right_passes_every_order_that_it_can_meet(
    version: Version, transport: Transport
) -> None:
    ended = cometape_once(
        *("explore", str(ROOT / "cassettes" / "pull_workitem.yaml"), "--json", "--max", "14"),
        *("--", sys.executable, "-c", DESK, str(ROOT / "tests" / "support"), version, transport),
        within_s=200,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found = {one["order"]: one["unrealised"] for one in json.loads(ended.stdout)["orders"]}
    assert list(found)[:4] == ["recorded", "7-before-5", "8-before-6", "11-before-10"]
    assert {name for name, unrealised in found.items() if unrealised} == {"13-before-12"}
