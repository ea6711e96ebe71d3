"""The processors that this process may use, and what Linux says of them."""

import os
import re
from pathlib import Path

CPU_FOLDER = Path("/sys/devices/system/cpu/cpu0")
CPU_DESCRIPTION = Path("/proc/cpuinfo")
ZEN_4 = "25"  # "cpu family" of Zen 3, which has no AVX-512, and of Zen 4


def usable_processors() -> int:
    """Count the processors this process may use, which in a batch queue are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cache_bytes(folder: Path = CPU_FOLDER) -> int | None:
    """Give the bytes of cache behind the first level that are one processor's, its share where several have one.

    Parameters
    ----------
    folder : where Linux describes a processor

    Returns
    -------
    None where the system does not say
    """
    found: dict[int, int] = {}
    try:
        for cache in folder.glob("cache/index*"):
            level, kind, size, shared = (
                (cache / name).read_text().strip() for name in ("level", "type", "size", "shared_cpu_list")
            )
            if kind != "Instruction" and int(level) > 1:
                found[int(level)] = int(size.removesuffix("K")) * 1024 // _count_listed(shared)
    except (OSError, ValueError):
        return None
    return sum(found.values()) or None


def _count_listed(processors: str) -> int:
    """Count what a list such as 0-3,8 names."""
    ends = [part.partition("-")[::2] for part in processors.split(",")]
    return sum(int(last or first) - int(first) + 1 for first, last in ends)


def halves_wide_instructions() -> bool:
    """Tell whether this processor has AVX-512 and computes it in halves, as AMD's Zen 4 does: no faster than AVX2."""
    try:
        description = CPU_DESCRIPTION.read_text().partition("\n\n")[0]
    except OSError:
        return False
    facts = dict(re.findall(r"^(\w[^\t:]*)\t*: ?(.*)$", description, re.MULTILINE))
    return (
        facts.get("vendor_id") == "AuthenticAMD"
        and facts.get("cpu family") == ZEN_4
        and "avx512f" in facts.get("flags", "").split()
    )
