"""Records the cassettes in `cassettes/` anew, from the simulated Workbins system.

    make cassettes

Times differ a little with every recording; anything else in the diff is a change to look at.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from workbins_client import Expected, Operation, WorkbinsClient

COMETAPE = Path(sys.executable).with_name("cometape")
CASSETTES = Path(__file__).parents[2] / "cassettes"
DATE = "2026-03-01T09:15:00+00:00"
"""What the simulated system believes the date to be, so that recordings resemble each other."""

AGENT = "00025aA4V4DR00P5"
TEST_WORKBIN = "3434543fafwe987"
IN_PROGRESS = "9c1d5f7a-2e64-4a0b-8f3c-71d2e0b4a522"
WORKBINS, WORKITEMS = "/v2/me/workbins", "/v2/me/workitems"


@contextlib.contextmanager
def cometape(*arguments: str) -> Iterator[str]:
    """A `cometape` command that serves; its URL."""
    process = subprocess.Popen([COMETAPE, *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline().strip()
        if not line.startswith("listening on "):
            raise RuntimeError(f"cometape {arguments[0]} did not start")
        yield line.removeprefix("listening on ")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=15)


@contextlib.asynccontextmanager
async def recording(name: str, scenario: str, first_reference_id: int) -> AsyncIterator[str]:
    """The URL of a recorder that writes one of the cassettes."""
    system = ("--date", DATE, "--first-reference-id", str(first_reference_id))
    out = str(CASSETTES / name)
    with (
        cometape("simulate", *system) as upstream,
        cometape("record", upstream, "-o", out, "--overwrite", "--scenario", scenario) as url,
    ):
        yield url


def subscribe(target: str) -> Operation:
    """Ask for a workbin's events."""
    return Operation(
        name="Subscribe",
        target=target,
        body={"operationName": "Subscribe"},
        causes=(
            Expected(channel=WORKBINS, where={"stateResource": "Subscribed"}, correlated=False),
        ),
    )


def pull(target: str, item: str, *others: Expected) -> Operation:
    """Take a workitem out of a workbin."""
    taken = Expected(channel=WORKITEMS, where={"notificationType": "StatusChange"})
    return Operation(
        name="PullWorkitem",
        target=target,
        body={"operationName": "PullWorkitem", "id": item},
        causes=(taken, *others),
    )


async def pull_workitem() -> None:
    """agent7 pulls a workitem, works on it and completes it, looking at the workbin in between."""
    item = "02F0XAMPLE00001A"
    workbin = f"/api/v2/me/workbins/{IN_PROGRESS}"
    complete = Operation(
        name="Complete",
        target=f"/api/v2/me/workitems/{item}",
        body={"operationName": "Complete"},
        causes=(Expected(channel=WORKITEMS, where={"notificationType": "StatusChange"}),),
    )
    removed = Expected(channel=WORKBINS, where={"action": "ItemRemoved"})
    scenario = "an agent pulls a workitem from a workbin and completes it"
    async with (
        recording("pull_workitem.yaml", scenario, 11) as url,
        WorkbinsClient(url, "agent7", "agent7-password") as agent,
    ):
        await agent.operate(subscribe(workbin))
        await agent.get(f"{workbin}?subresources=*")
        await agent.operate(pull(f"/api/v2/workbins/{IN_PROGRESS}", item, removed))
        await agent.get(f"{workbin}?subresources=*")
        await agent.operate(complete)


async def supervisor_pull() -> None:
    """A supervisor pulls a workitem out of an agent's workbin; the agent sees it go.

    Source: docs.genesys.com, GWS 8.6.0, WorkbinSupPullIntFromWorkbin (the event, field by field).
    """
    theirs = f"/api/v2/users/{AGENT}/workbins/{TEST_WORKBIN}"
    scenario = "a supervisor pulls a workitem from an agent's workbin"
    async with (
        recording("supervisor_pull.yaml", scenario, 16) as url,
        WorkbinsClient(url, "MaratTest", "MaratTest-password") as agent,
        WorkbinsClient(url, "supervisor", "supervisor-password") as supervisor,
    ):
        await agent.operate(subscribe(f"/api/v2/me/workbins/{TEST_WORKBIN}"))
        await supervisor.operate(subscribe(theirs))
        await supervisor.operate(pull(theirs, "02F0ASAK8EAFA00W"))
        removed = Expected(channel=WORKBINS, where={"action": "ItemRemoved"}, correlated=False)
        await agent.expect(removed)


async def main() -> None:
    """Records them all."""
    CASSETTES.mkdir(exist_ok=True)
    for record in (pull_workitem, supervisor_pull):
        await asyncio.wait_for(record(), 30)
        print(f"recorded cassettes/{record.__name__}.yaml")


if __name__ == "__main__":
    asyncio.run(main())
