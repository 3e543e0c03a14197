"""Large cassettes: how soon they are replayed, in how much memory, what a request costs then.

    python benchmarks/large_cassettes.py [--rounds N] [--megabytes 1,20,200]
                                         [--exchanges 10,1000,100000] [--folder FOLDER]

What the core takes for a request of each kind (no sockets, so that nothing else is measured), for
cassettes with more and more exchanges, in turns: is it flat, the longest against the shortest? And
what is paid once, by the first who asks: is it a moment?

And cassettes of several sizes, from the command `cometape replay FILE` to its first answer: cold,
when their index has yet to be made, and warm, when it is in the cache directory; with the memory
of the server after that answer, and its peak.
"""

from __future__ import annotations

import argparse
import base64
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cometape.core.cassette import Entry, Event, Exchange, Header
from cometape.core.exchange import Headers, Request, Response
from cometape.core.json_value import JsonObject
from cometape.core.replay.replay_service import ReplayService, ReplaySettings
from cometape.core.service import Respond
from cometape.profiles import load_profile
from cometape.store.index_cache import IndexCache
from cometape.store.playbook_file import open_playbook
from cometape.store.yaml_emitter import TERMINATOR, dump_entry, dump_header
from measuring.process import resident_kib

COMETAPE = Path(sys.executable).with_name("cometape")
FIRST_ANSWER_S = 1.0
"""What was promised for the first answer of a cassette of 200 MB with a warm index."""
FLAT = 2.5
"""How many times the cost in the shortest cassette still counts as flat in the longest: not 1, for
in ten exchanges there are fewer recordings than the dozens that a miss is compared with."""
ONCE_MS = 100
"""What may be paid once, at the first request, miss or read of a resource: it grows."""
WORKBINS = 20
WORDS = {f"RTargetField{index}": "?:2>1" if index % 3 else "" for index in range(20)}
TIMES = {f"PlacedAt{index}": f"2026-03-01T09:{index:02}:12Z" for index in range(12)}
LOGIN = "Basic " + base64.b64encode(b"agent7:secret").decode()
JSON = Headers([("Content-Type", "application/json")])
ASKED = Headers([*JSON, ("Host", "127.0.0.1:8090"), ("Authorization", LOGIN)])


def bin_of(step: int) -> str:
    """The workbin that a step is about."""
    return f"/api/v2/workbins/bin-{step % WORKBINS:04}-fafwe987"


def pull(step: int) -> Request:
    """The operation of a step."""
    sent = {"operationName": "PullWorkitem", "id": f"02F0XAMPLE{step:06}"}
    body = json.dumps(sent).encode()
    return Request(method="POST", target=bin_of(step), headers=ASKED, body=body)


def look(step: int) -> Request:
    """The read of a step: what is in the workbin now."""
    return Request(method="GET", target=bin_of(step), headers=ASKED)


def step_entries(step: int, data: JsonObject) -> Iterator[Entry]:
    """An operation on a workbin, the event that it causes, and what the workbin is then."""
    number, began_s = 3 * step + 1, step / 4
    item: JsonObject = {"id": f"02F0XAMPLE{step:06}", "state": "Processing", "userData": data}
    answers = (
        {"statusCode": 0, "referenceId": step + 1},
        {"statusCode": 0, "workitems": [{"id": item["id"]}], "total": step},
    )
    requests = [
        Exchange(
            number=number + place,
            session="agent7",
            at_s=began_s + place / 10,
            took_s=0.03,
            request=Request(method=r.method, target=r.target, headers=JSON, body=r.body),
            response=Response(status=200, headers=JSON, body=json.dumps(answer).encode()),
        )
        for place, r, answer in ((0, pull(step), answers[0]), (2, look(step), answers[1]))
    ]
    yield requests[0]
    yield Event(
        number=number + 1,
        session="agent7",
        at_s=began_s + 0.06,
        cause=number,
        channel="/v2/me/workitems",
        data={"messageType": "StateChange", "referenceId": step + 1, "workitem": item},
    )
    yield requests[1]


@dataclass(frozen=True, slots=True)
class Made:
    """A cassette file of a size."""

    path: Path
    entries: int
    size: int


def made(path: Path, *, megabytes: float = math.inf, exchanges: float = math.inf) -> Made:
    """Write a cassette of so many megabytes, or of so many exchanges (with less in its events)."""
    data: JsonObject = {} if exchanges < math.inf else {**WORDS, **TIMES}
    header = Header(scenario="large", profile="workbins", origin="https://gws.example")
    step = size = 0
    with path.open("w", encoding="utf-8") as file:
        file.write(dump_header(header))
        while size < megabytes * 1e6 and 2 * step < exchanges:
            text = "".join(map(dump_entry, step_entries(step, data)))
            file.write(text)
            step, size = step + 1, size + len(text)
        file.write(TERMINATOR)
    return Made(path, 3 * step, path.stat().st_size)


# ---------------------------------------------------------------- from the command to an answer


@dataclass(frozen=True, slots=True)
class Answered:
    """One start of a server."""

    seconds: float
    megabytes: float
    """Of its memory, after its first answer."""
    peak_megabytes: float


def first_answer(file: Path, environment: dict[str, str]) -> Answered:
    """From the command to the end of its first answer."""
    began_s = time.perf_counter()
    with subprocess.Popen(
        [COMETAPE, "replay", file, "--no-strict"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    ) as server:
        assert server.stdout is not None
        url = server.stdout.readline().removeprefix("listening on ").strip()
        request = urllib.request.Request(url + bin_of(0), headers={"Authorization": LOGIN})
        urllib.request.urlopen(request).close()
        took_s = time.perf_counter() - began_s
        status = Path(f"/proc/{server.pid}/status").read_text()
        peak_kib = next(int(x.split()[1]) for x in status.splitlines() if x.startswith("VmHWM"))
        found = Answered(took_s, resident_kib(server.pid) / 1024, peak_kib / 1024)
        server.kill()  # its report would list the whole cassette
    return found


def print_first_answers(folder: Path, megabytes: Sequence[int], rounds: int) -> bool:
    """Time to the first answer, cold and warm; whether what was promised is kept."""
    environment = {**os.environ, "COMETAPE_CACHE": str(folder / "cache")}
    environment |= {"PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    files = [made(folder / f"{size}.yaml", megabytes=size) for size in megabytes]
    small = made(folder / "small.yaml", exchanges=10)
    first_answer(small.path, environment)  # compiles the modules
    cold = {file: first_answer(file.path, environment) for file in files}
    warm: dict[Made, list[Answered]] = {file: [] for file in [small, *files]}
    for _ in range(rounds):
        for file, found in warm.items():
            found.append(first_answer(file.path, environment))
    print("\nfrom the command to the first answer, seconds")
    print(
        f"{'cassette':>20} {'entries':>9} {'cold':>8} {'warm':>7} {'best':>7}  memory, cold's peak"
    )
    kept = True
    for file, found in warm.items():
        warm_s = statistics.median(one.seconds for one in found)
        first = cold.get(file)
        print(
            f"{file.size / 1e6:17.3f} MB {file.entries:9,} "
            + (f"{first.seconds:8.2f}" if first else " " * 8)
            + f" {warm_s:7.2f} {min(one.seconds for one in found):7.2f}"
            + f"  {statistics.median(one.megabytes for one in found):4.0f} MB"
            + (f" {first.peak_megabytes:6.0f} MB" if first else "")
        )
        kept = kept and (file.size > 210e6 or warm_s < FIRST_ANSWER_S)
    print(f"first answer within {FIRST_ANSWER_S} s with a warm index: {'yes' if kept else 'no'}")
    return kept


# ---------------------------------------------------------------- what a request costs


class Asked:
    """A replay in memory, asked by one client."""

    def __init__(self, file: Made, cache: IndexCache) -> None:
        playbook = open_playbook(file.path, load_profile, cache=cache, small_bytes=0)
        self.service = ReplayService(playbook, ReplaySettings(strict=False))
        self.steps = file.entries // 3
        self.step = 0
        self.looked = 0
        self.number = 0
        self.now_s = 0.0

    def ask(self, request: Request, *statuses: int) -> None:
        """One request and its answer; then what is due."""
        self.number += 1
        self.now_s += 0.02
        actions = list(self.service.request(self.number, 1, request, self.now_s))
        self.service.tick(self.now_s)
        (answer,) = (one for one in actions if isinstance(one, Respond))
        assert answer.response.status in statuses, (request, answer)

    def operation(self) -> None:
        """The next recorded operation; there may be no more."""
        self.ask(pull(self.step % self.steps), 200, 599)
        self.step += 1

    def read(self) -> None:
        """A read that shows another state than before, since an operation came between."""
        self.ask(look(self.step), 200, 599)

    def next_read(self) -> None:
        """A read of the next resource."""
        self.looked += 1
        self.ask(look(self.looked), 200, 599)

    def same_read(self) -> None:
        """A read that nothing has happened since."""
        self.ask(look(0), 200)

    def miss(self) -> None:
        """A request that nobody recorded, but for an id."""
        target = f"/api/v2/workbins/bin-{self.number % 97:04}-other"
        self.ask(Request(method="GET", target=target, headers=ASKED), 599)


def us_per_call(call: Callable[[], None], times: int) -> float:
    """Processor time of one call, microseconds."""
    began_s = time.process_time()
    for _ in range(times):
        call()
    return 1e6 * (time.process_time() - began_s) / times


def print_costs(folder: Path, exchanges: Sequence[int], rounds: int) -> bool:
    """What each kind of request costs in cassettes of several lengths; whether that is flat."""
    cache = IndexCache(folder / "costs")
    files = [made(folder / f"x{count}.yaml", exchanges=count) for count in exchanges]
    costs: dict[str, list[list[float]]] = {}

    def note(kind: str, place: int, cost_us: float) -> None:
        costs.setdefault(kind, [[] for _ in files])[place].append(cost_us)

    for _ in range(rounds):
        for place, file in enumerate(files):
            asked = Asked(file, cache)
            resources = min(asked.steps, WORKBINS)
            few = max(1, min(asked.steps // 2, 200))
            note("once: the first request", place, us_per_call(asked.operation, 1))
            reads = [us_per_call(asked.next_read, 1) for _ in range(resources)]
            note("once: the first read of a resource", place, statistics.median(reads))
            note("an operation, first time", place, us_per_call(asked.operation, few))
            note("a read after an operation", place, _after_operations(asked, few))
            note("the same read again", place, us_per_call(asked.same_read, 400))
            note("once: the first miss", place, us_per_call(asked.miss, 1))
            note("a miss", place, us_per_call(asked.miss, 100))
    print("\nprocessor time of the core per request, µs, by exchanges in the cassette")
    print(f"{'':36}" + "".join(f"{count:>12,}" for count in exchanges) + "   last : first")
    flat, at_once = True, True
    for kind, by_file in costs.items():
        medians = [statistics.median(one) for one in by_file]
        ratio = medians[-1] / medians[0]
        if kind.startswith("once"):
            at_once = at_once and medians[-1] <= 1000 * ONCE_MS
        else:
            flat = flat and ratio <= FLAT
        print(f"{kind:36}" + "".join(f"{cost:12.0f}" for cost in medians) + f"   {ratio:6.1f}")
    print(f"flat (within {FLAT} times): {'yes' if flat else 'no'}")
    print(f"what is paid once within {ONCE_MS} ms: {'yes' if at_once else 'no'}")
    return flat and at_once


def _after_operations(asked: Asked, times: int) -> float:
    total = 0.0
    for _ in range(times):
        asked.operation()
        total += us_per_call(asked.read, 1)
    return total / times


@contextmanager
def folder_for(given: Path | None) -> Iterator[Path]:
    """A folder for the cassettes: the one given, or one that vanishes."""
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="cometape-large-") as name:
        yield Path(name)


def main() -> int:
    """Measures all; 1 if a promise is broken."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--megabytes", default="1,20,200")
    parser.add_argument("--exchanges", default="10,1000,100000")
    parser.add_argument("--folder", type=Path, help="keep the cassettes here")
    given = parser.parse_args()

    def numbers(text: str) -> list[int]:
        return [int(number) for number in text.split(",") if number]

    kept = True
    with folder_for(given.folder) as folder:
        if numbers(given.exchanges):
            kept = print_costs(folder, numbers(given.exchanges), given.rounds)
        if numbers(given.megabytes):
            kept = print_first_answers(folder, numbers(given.megabytes), given.rounds) and kept
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
