"""When the bytes of an answer came, in a bounded number of chunks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cometape.core.record.chunk_times import MAX_CHUNKS, TOGETHER_S, Chunk, ChunkTimes


def chunks(*came: Chunk) -> tuple[Chunk, ...]:
    times = ChunkTimes()
    for after_s, size in came:
        times.add(after_s, size)
    return times.chunks()


def test_what_comes_at_once_is_not_told() -> None:
    assert chunks() == ()
    assert chunks((0.01, 700)) == ()
    assert chunks((0.01, 65536), (0.0105, 65536), (0.013, 9)) == ()


def test_pauses_part_chunks() -> None:
    came = (0.01, 5), (0.011, 2), (0.4, 6), (2.5004, 1)
    assert chunks(*came) == ((0.01, 7), (0.4, 6), (2.5, 1))


def test_a_steady_stream_is_many_chunks_not_one() -> None:
    found = chunks(*((0.002 * number, 10) for number in range(100)))
    assert 20 <= len(found) <= 100


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(0, 9999)), max_size=900))
def test_no_byte_is_lost_and_no_stream_is_too_long(gaps: list[tuple[float, int]]) -> None:
    came, now_s = [], 0.0
    for gap_s, size in gaps:
        now_s += gap_s
        came.append((now_s, size))
    found = chunks(*came)
    assert len(found) <= MAX_CHUNKS
    if found:
        assert sum(size for _, size in found) == sum(size for _, size in came)
        assert [at_s for at_s, _ in found] == sorted(at_s for at_s, _ in found)
    elif came:
        assert came[-1][0] - came[0][0] < TOGETHER_S
