"""What it costs to explain a miss, in cassettes of 10, 1,000 and 100,000 exchanges.

    python benchmarks/misses.py [EXCHANGES]

A replay must answer a client that asks for the wrong thing as fast in a large cassette as in a
small one. Two cassettes: one path with many bodies, and many paths. The ratio of the time per miss
to that of the middle cassette is what counts; the first miss makes the index of paths, and is told
apart.
"""

from __future__ import annotations

import json
import sys
import time
from statistics import median

from cometape.core.cassette import Cassette, Exchange, Header
from cometape.core.exchange import Headers, Request, Response
from cometape.core.playbook.playbook import Playbook
from cometape.core.replay.replay_service import ReplayService
from cometape.profiles import load_profile

SIZES = (10, 1_000, 100_000)
MISSES = 60
JSON = Headers([("Content-Type", "application/json")])


def request(target: str, item: str) -> Request:
    """A pull of one item."""
    sent = {"operationName": "PullWorkitem", "id": item, "userData": {"n": item, "kind": "x" * 20}}
    return Request(method="POST", target=target, headers=JSON, body=json.dumps(sent).encode())


def target(number: int, *, many_paths: bool) -> str:
    """Where exchange `number` goes."""
    if not many_paths:
        return "/api/v2/workbins/3434543fafwe987"
    return f"/api/v2/users/U{number:06}/workbins/W{number % 97}"


def service(size: int, *, many_paths: bool) -> ReplayService:
    """A replay of so many operations."""
    entries = tuple(
        Exchange(
            number=number,
            session="supervisor",
            at_s=number / 8,
            took_s=0.03,
            request=request(target(number, many_paths=many_paths), f"02F0XAMPLE{number:06}"),
            response=Response(status=200, headers=JSON, body=b'{"referenceId":%d}' % number),
        )
        for number in range(1, size + 1)
    )
    cassette = Cassette(Header(profile="workbins"), entries)
    return ReplayService(Playbook.of(cassette, load_profile("workbins")))


def misses_s(replay: ReplayService, size: int, *, many_paths: bool) -> list[float]:
    """How long each of some misses took, seconds."""
    found = []
    for n in range(MISSES):
        number = 1 + (n * 7919) % size
        where = target(number, many_paths=many_paths).replace("U", "V" if n % 2 else "U")
        asked = request(where, f"never-{n}")
        began_s = time.perf_counter()
        (answer,) = replay.request(n + 1, 1, asked, float(n))
        found.append(time.perf_counter() - began_s)
        assert answer.response.status == 599  # type: ignore[union-attr]
    return found


def main() -> None:
    """Print the table."""
    sizes = (*SIZES[:-1], int(sys.argv[1])) if len(sys.argv) > 1 else SIZES
    print(f"{'cassette':28}{'first miss':>14}{'later ones':>14}{'ratio':>9}")
    for many_paths in (False, True):
        middle_s = 0.0
        for size in sizes:
            replay = service(size, many_paths=many_paths)
            first_s, *later_s = misses_s(replay, size, many_paths=many_paths)
            each_s = median(later_s)
            middle_s = each_s if size == SIZES[1] else middle_s
            ratio = f"{each_s / middle_s:9.2f}" if middle_s else f"{'':9}"
            name = f"{size:,} {'paths' if many_paths else 'bodies of one path'}"
            times = f"{1000 * first_s:11.1f} ms{1000 * each_s:11.2f} ms"
            print(f"{name:28}{times}{ratio}")


if __name__ == "__main__":
    main()
