"""How fast cassettes are written and read, against PyYAML's C dumper and loader in the same run.

    python benchmarks/cassette_io.py [ENTRIES]

Times of a shared machine jump; the ratios are what counts. Entries are typical for Workbins: an
operation of 0.6 kB, then its event with 40 fields of user data (1.4 kB).
"""

from __future__ import annotations

import gc
import json
import math
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from cometape.core.cassette import Cassette, Entry, Event, Exchange, Header
from cometape.core.exchange import Headers, Request, Response
from cometape.store.cassette_file import CassetteWriter
from cometape.store.yaml_emitter import dump, dump_entry, entry_document
from cometape.store.yaml_reader import load

ROUNDS = 5
HEADERS = Headers(
    [
        ("Host", "gws.example:8080"),
        ("Authorization", "Basic <credentials:1>"),
        ("Accept", "*/*"),
        ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)"),
        ("Cookie", "JSESSIONID=<session:1>"),
        ("Content-Type", "application/json"),
    ]
)


def operation(number: int) -> Exchange:
    """A pull and its answer."""
    sent = {"operationName": "PullWorkitem", "id": f"02F0XAMPLE{number:06}"}
    return Exchange(
        number=number,
        session="supervisor",
        at_s=number / 8,
        took_s=0.031,
        request=Request(
            method="POST",
            target="/api/v2/users/00025aA4V4DR00P5/workbins/3434543fafwe987",
            headers=HEADERS,
            body=json.dumps(sent).encode(),
        ),
        response=Response(
            status=200,
            headers=Headers([("Content-Type", "application/json;charset=UTF-8")]),
            body=b'{"statusCode":0,"referenceId":%d}' % number,
        ),
    )


def event(number: int) -> Event:
    """The state change that follows."""
    words = {f"RTargetField{index}": "?:2>1" if index % 3 else "" for index in range(20)}
    times = {f"PlacedAt{index}": f"2026-03-01T09:{index:02}:12Z" for index in range(12)}
    flags = {f"IsFlag{index}": index % 2 for index in range(8)}
    workitem = {"id": f"02F0XAMPLE{number:06}", "state": "Processing"}
    return Event(
        number=number,
        session="supervisor",
        at_s=number / 8 + 0.06,
        cause=number - 1,
        channel="/v2/me/workitems",
        data={
            "messageType": "WorkitemStateChangeMessage",
            "notificationType": "StatusChange",
            "referenceId": number - 1,
            "workitem": {**workitem, "userData": {**words, **times, **flags}},
        },
    )


def best_s(*jobs: Callable[[], object]) -> list[float]:
    """The best of some rounds for each job, in seconds; in every round each job has its turn."""
    best = [math.inf] * len(jobs)
    for _ in range(ROUNDS):
        for index, job in enumerate(jobs):
            gc.collect()
            began_s = time.perf_counter()
            job()
            best[index] = min(best[index], time.perf_counter() - began_s)
    return best


def compare(what: str, ours: Callable[[], object], theirs: Callable[[], object], size: int) -> None:
    """One line: our speed, theirs, and the ratio."""
    ours_s, theirs_s = best_s(ours, theirs)
    print(
        f"{what:<22} {size / ours_s / 1e6:7.1f} MB/s {1e6 * ours_s / COUNT:7.1f} µs per entry"
        f"   PyYAML {size / theirs_s / 1e6:6.1f} MB/s {1e6 * theirs_s / COUNT:7.1f} µs"
        f"   {theirs_s / ours_s:5.1f} times as fast"
    )


def append_all(cassette: Cassette, folder: Path) -> None:
    """Record the entries one by one."""
    with CassetteWriter(folder / "recording.yaml", cassette.header, overwrite=True) as writer:
        for entry in cassette.entries:
            writer.append(entry)


COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 2000


def main() -> None:
    """Print the table."""
    entries: list[Entry] = [
        operation(number) if number % 2 else event(number) for number in range(1, COUNT + 1)
    ]
    cassette = Cassette(Header(scenario="benchmark", profile="workbins"), tuple(entries))
    text = dump(cassette)
    data = text.encode()
    assert load(data) == cassette
    documents = [entry_document(entry) for entry in entries]
    print(f"{COUNT} entries, {len(data) / 1e6:.1f} MB; best of {ROUNDS}")
    compare(
        "dump",
        lambda: dump(cassette),
        lambda: yaml.dump_all(documents, Dumper=yaml.CSafeDumper, sort_keys=False),
        len(data),
    )
    exchanges = [entry for entry in entries if isinstance(entry, Exchange)]
    events = [entry for entry in entries if isinstance(entry, Event)]
    for name, some in (("  exchanges", exchanges), ("  events", events)):
        (took_s,) = best_s(lambda some=some: [dump_entry(entry) for entry in some])  # type: ignore[misc]
        print(f"{name:<22} {'':12} {1e6 * took_s / len(some):7.1f} µs per entry")
    compare(
        "load",
        lambda: load(data),
        lambda: list(yaml.load_all(data, Loader=yaml.CSafeLoader)),
        len(data),
    )
    with tempfile.TemporaryDirectory() as folder:
        (took_s,) = best_s(lambda: append_all(cassette, Path(folder)))
    print(f"{'record (append each)':<22} {'':12} {1e6 * took_s / COUNT:7.1f} µs per entry")


if __name__ == "__main__":
    main()
