"""A bound on the memory that a step may add, for libraries that ask for as much as a file says."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_STATISTICS = Path("/proc/self/statm")  # of Linux; its first number is the memory addressed, in pages


def can_bound_memory() -> bool:
    """Tell whether this system keeps to a bound."""
    return resource is not None and _STATISTICS.is_file()


@contextmanager
def bounded_memory(more: int) -> Iterator[None]:
    """Let the process address so many bytes more than it does now; what needs more fails as if there were none."""
    addressed = int(_STATISTICS.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    lowest = min([addressed + more, *(limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY)])
    resource.setrlimit(resource.RLIMIT_AS, (lowest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
