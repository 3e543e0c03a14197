"""Everything that decides, and no I/O: bytes or messages and the time go in, values come out.

No module here imports sockets, asyncio, threads, clocks, randomness, files, logging or mitmproxy;
`tests/core/test_no_io.py` enforces it. The shells around (`cometape.server`, `cometape.recorder`,
`cometape.store`, `cometape.cli`) do the I/O and nothing else.
"""
