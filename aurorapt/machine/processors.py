"""The processors that this process may use."""

import os


def usable_processors() -> int:
    """Count the processors this process may use, which in a batch queue are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
