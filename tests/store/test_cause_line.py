"""The line that names an event's cause."""

from __future__ import annotations

from typing import Literal

import pytest

from cometape.store.cause_line import with_cause


@pytest.mark.parametrize("cause", [7, "spontaneous"])
def test_a_cause_is_one_line_of_a_document(cause: int | Literal["spontaneous"]) -> None:
    head, tail = b"---\nevent: 12\nsession: a b\nat_s: 1.5\n", b"channel: /c\ndata: 1\n"
    line = f"cause: {cause}\n".encode()
    assert with_cause(head + tail, cause) == head + line + tail
    assert with_cause(head + b"cause: 3\n" + tail, cause) == head + line + tail


def test_a_document_that_is_written_otherwise_is_left_to_others() -> None:
    assert with_cause(b"---\nevent: 1\nsession: |-\n  a\n  b\nchannel: /c\n", 7) is None
