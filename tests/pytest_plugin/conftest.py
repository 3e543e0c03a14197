"""A project in which the tests run pytest."""

from __future__ import annotations

from importlib import import_module

import pytest

from plugin_project import CASSETTE, DESK

# Imported here, once: pytester makes Python forget what an inner run imports, which costs time
# in the next one, and the classes of libyaml cannot be imported twice.
for module in ("live_replay", "core.explore.plot", "profiles", "store.cassette_file"):
    import_module(f"cometape.{module}")


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project with a cassette and a client."""
    folder = pytester.mkdir("cassettes")
    (folder / "pull_workitem.yaml").write_text(CASSETTE, encoding="utf-8")
    pytester.makepyfile(desk=DESK)
    pytester.syspathinsert()
    return pytester
