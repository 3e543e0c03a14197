"""Ids a server issues."""

from __future__ import annotations

from cometape.core.bayeux.client_id import issued_id


def test_an_id_depends_on_seed_kind_and_number_and_on_nothing_else() -> None:
    ids = [
        issued_id(seed, kind, number)
        for seed in (0, 1, "run")
        for kind in ("client", "browser")
        for number in range(50)
    ]
    assert len(set(ids)) == len(ids)
    assert all(len(found) == 28 and found.isalnum() for found in ids)
    assert issued_id(0, "client", 1) == "cu2xe15abue5c8i2y98znxe5otgy"
