"""An advisory lock on an open file, so that two recorders never write into one cassette.

The lock belongs to the open descriptor: it ends with it, also when the process is killed.
"""

from __future__ import annotations

try:
    import fcntl
except ImportError:  # Windows: a file that is open for writing cannot be replaced there anyway
    fcntl = None  # type: ignore[assignment]


def try_lock(descriptor: int) -> bool:
    """Lock the file exclusively; False when another descriptor holds the lock."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks, such as some network ones
        return True
    return True
