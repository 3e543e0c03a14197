"""The whole job in one terminal: simulate, record, inspect, replay to two clients at once.

    make demo

The client is `workbins_client.py`: aiohttp for REST, aiocometd-ng for CometD. It ends with code 1
if a replayed event came before its cause or carries an id of the recording.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.rule import Rule
from rich.table import Table

from workbins_client import Expected, Operation, Outcome, WorkbinsClient

COMETAPE = Path(sys.executable).with_name("cometape")
RACED = Path(__file__).resolve().parents[2] / "cassettes" / "pull_workitem.yaml"
LIMIT_S = 55
"""The demo ends within it, one way or the other."""

WORKBIN = "9c1d5f7a-2e64-4a0b-8f3c-71d2e0b4a522"
"""`in-progress`, which holds two workitems of agent7 in the simulated system."""

WORKITEMS = "/v2/me/workitems"
WORKBINS = "/v2/me/workbins"


def pull(item: str) -> Operation:
    """Take a workitem out of the workbin: one answer, two events on two channels."""
    return Operation(
        name=f"PullWorkitem …{item[-5:]}",
        target=f"/api/v2/workbins/{WORKBIN}",
        body={"operationName": "PullWorkitem", "id": item},
        causes=(
            Expected(channel=WORKITEMS, where={"notificationType": "StatusChange"}),
            Expected(channel=WORKBINS, where={"action": "ItemRemoved"}),
        ),
    )


SUBSCRIBE = Operation(
    name="Subscribe",
    target=f"/api/v2/me/workbins/{WORKBIN}",
    body={"operationName": "Subscribe"},
    causes=(Expected(channel=WORKBINS, where={"stateResource": "Subscribed"}, correlated=False),),
)
PULL_A = pull("02F0XAMPLE00001A")
PULL_B = pull("02F0XAMPLE00001B")
COMPLETE_A = Operation(
    name="Complete …0001A",
    target="/api/v2/me/workitems/02F0XAMPLE00001A",
    body={"operationName": "Complete"},
    causes=(Expected(channel=WORKITEMS, where={"notificationType": "StatusChange"}),),
)
RECORDED_ORDER = (SUBSCRIBE, PULL_A, PULL_B, COMPLETE_A)
OTHER_ORDER = (SUBSCRIBE, PULL_B, PULL_A, COMPLETE_A)

console = Console(width=None if sys.stdout.isatty() else 100, highlight=False)


def say(text: str) -> None:
    """A chapter of the demo."""
    console.print()
    console.print(Rule(f"[bold]{text}", align="left"))


@contextlib.contextmanager
def cometape(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A `cometape` command that serves; its URL, and the process."""
    console.print(f"[dim]$[/] [bold]cometape {' '.join(map(shown, arguments))}[/]")
    process = subprocess.Popen([COMETAPE, *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline().strip()
        console.print(f"[dim]{line}[/]")
        if not line.startswith("listening on "):
            raise RuntimeError(f"cometape {arguments[0]} did not start")
        yield line.removeprefix("listening on "), process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=15)
        if arguments[0] == "record" and rest:
            console.print(f"[dim]{rest.rstrip()}[/]", markup=True)


def print_of(*arguments: str) -> None:
    """What a `cometape` command prints, in colour where the demo itself may."""
    console.print(f"[dim]$[/] [bold]cometape {' '.join(map(shown, arguments))}[/]")
    colours = {"FORCE_COLOR": "1"} if console.is_terminal else {}
    environment = {**os.environ, **colours, "COLUMNS": str(console.width)}
    sys.stdout.flush()
    subprocess.run([COMETAPE, *arguments], check=True, env=environment)


def shown(argument: str) -> str:
    """A path as a user would type it here."""
    with contextlib.suppress(ValueError):
        return str(Path(argument).relative_to(Path.cwd()))
    return argument


async def session(
    base: str, user: str, operations: Sequence[Operation], pause_s: float
) -> tuple[str, dict[str, Outcome]]:
    """An agent's session; the client id it was given and what its operations brought."""
    client = WorkbinsClient(base, user, f"{user}-password", pause_s=pause_s)
    async with client:
        await client.get(f"/api/v2/me/workbins/{WORKBIN}?subresources=*")
        outcomes = await client.operate_all(operations)
        await client.get(f"/api/v2/me/workbins/{WORKBIN}?subresources=*")
    return client.client_id, {outcome.operation.name: outcome for outcome in outcomes}


async def record(cassette: Path) -> dict[str, Outcome]:
    """agent7's session against the simulated system, through the recorder."""
    with cometape("simulate") as (upstream, simulator):
        with cometape("record", upstream, "-o", str(cassette), "--overwrite") as (url, _):
            console.print("agent7 works through the recorder …")
            _, outcomes = await session(url, "agent7", RECORDED_ORDER, pause_s=0.05)
        console.print("[dim]the recorder has ended[/]")
        simulator.send_signal(signal.SIGINT)
        simulator.wait(10)
    console.print("the simulated system is stopped: from here on there is no live system")
    return outcomes


PARTS = (
    ("agent7, pause 0.4 s, B before A", "agent7", OTHER_ORDER, 0.4),
    ("agent42 (never recorded), no pause", "agent42", RECORDED_ORDER, 0.0),
)
Replayed = dict[str, tuple[str, dict[str, Outcome]]]


async def replay(cassette: Path) -> Replayed:
    """Two rounds of two clients at once against one replay server, by `round and client`."""
    replayed: Replayed = {}
    with cometape("replay", str(cassette), "--strict") as (url, server):
        for round_ in ("1st", "2nd"):
            console.print(f"{round_} round, at once: {'; '.join(part[0] for part in PARTS)} …")
            began_s = time.monotonic()
            results = await asyncio.gather(
                *(session(url, user, operations, pause) for _, user, operations, pause in PARTS)
            )
            console.print(f"[dim]done in {time.monotonic() - began_s:.1f} s[/]")
            for (_, user, _, _), result in zip(PARTS, results, strict=True):
                replayed[f"{round_} {user}"] = result
        server.send_signal(signal.SIGINT)
        code = server.wait(10)
        console.print(f"[dim]the replay has ended with code {code}: ", end="")
        console.print(
            "[dim]no miss, nothing left over[/]" if code == 0 else "[red]see its report[/]"
        )
    return replayed


def compared(recorded: dict[str, Outcome], replayed: Replayed) -> Table:
    """Per operation: its ids, the events it caused, and how long after the request each came."""
    table = Table(title="[bold]What came back, operation by operation", title_justify="left")
    table.add_column("operation")
    table.add_column("referenceId\nrecorded", justify="right", style="yellow")
    table.add_column("referenceId live,\nby round and client", justify="right", style="green")
    table.add_column("events it caused")
    table.add_column("after the\nrequest", justify="right")
    for operation in RECORDED_ORDER:
        live = {name: outcomes[operation.name] for name, (_, outcomes) in replayed.items()}
        table.add_row(
            operation.name,
            str(recorded[operation.name].reference_id),
            "\n".join(f"[default]{name}[/]  {one.reference_id}" for name, one in live.items()),
            "\n".join(
                f"{expected.channel.removeprefix('/v2/me/')} {kind(one.events[number].data)}"
                for one in [recorded[operation.name]]
                for number, expected in enumerate(operation.causes)
            ),
            "\n".join(
                lag([one.events[number].at_s - one.sent_s for one in live.values()])
                for number in range(len(operation.causes))
            ),
            end_section=True,
        )
    return table


def lag(seconds: Sequence[float]) -> str:
    """How long after the request, the soonest and the latest; red if one came before."""
    text = f"{1000 * min(seconds):.0f} to {1000 * max(seconds):.0f} ms"
    return text if min(seconds) > 0 else f"[red]{text}[/]"


def kind(data: object) -> str:
    """What an event is about, in a word."""
    assert isinstance(data, dict)
    return str(data.get("action") or data.get("stateResource") or data["workitem"]["state"])


def problems(recorded: dict[str, Outcome], replayed: Replayed) -> list[str]:
    """What the table must not show."""
    found = []
    old = {outcome.reference_id for outcome in recorded.values()}
    for name, (_, outcomes) in replayed.items():
        live = [outcome.reference_id for outcome in outcomes.values()]
        if old & set(live) or len(set(live)) < len(live):
            found.append(f"{name}: ids of the recording, or equal ones: {live}")
        if any(outcome.soonest_s <= 0 for outcome in outcomes.values()):
            found.append(f"{name}: an event came before its cause")
    if len({client_id for client_id, _ in replayed.values()}) < len(replayed):
        found.append("two clients were given one client id")
    return found


async def main(folder: Path) -> int:
    """Runs the demo; cassettes go to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    cassette = folder / "pull_workitem.yaml"
    say("1  Record an agent's session with the simulated Workbins system")
    recorded = await record(cassette)
    say("2  Look at the cassette")
    print_of("inspect", str(cassette))
    print_of("inspect", str(cassette), "--timeline")
    say("3  Replay it, twice, to two clients at once")
    replayed = await replay(cassette)
    console.print()
    console.print(compared(recorded, replayed))
    wrong = problems(recorded, replayed)
    if not wrong:
        console.print(
            "Every event came after the request that causes it, with that client's own id."
        )
    for problem in wrong:
        console.print(f"[red]{problem}")
    say("What next")
    command = shown(str(COMETAPE))
    console.print(f"The cassette is {shown(str(cassette))}: YAML, made to be read. Try:")
    race = f"-- {shown(sys.executable)} {shown(str(Path(__file__).with_name('race.py')))}"
    for line in (
        f"inspect {shown(str(cassette))} --timeline",
        f"show {shown(str(cassette))} 1",
        f"replay {shown(str(cassette))} --port 8090",
        f"explore {shown(str(RACED))} {race}",
    ):
        console.print(f"  {command} {line}", soft_wrap=True)
    console.print("The last finds the order of answers and events in which a client breaks.")
    return 1 if wrong else 0


if __name__ == "__main__":
    destination = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("build/demo")
    try:
        sys.exit(asyncio.run(asyncio.wait_for(main(destination), LIMIT_S)))
    except (RuntimeError, TimeoutError, KeyboardInterrupt) as reason:
        sys.exit(f"the demo ends early: {reason or type(reason).__name__}")
