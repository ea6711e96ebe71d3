"""Freed memory is used again without asking the system for it."""

import ctypes
import platform
import subprocess
import sys

import pytest

from aurorapt.machine.freed_memory import keep_freed_memory

PAGE_FAULTS = """
import resource
import numpy as np
from aurorapt.machine.freed_memory import keep_freed_memory

def page_faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        [np.ones(2**18) for _ in range(8)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

for _ in range(2):
    page_faults()
    print(page_faults())
    keep_freed_memory()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told to keep freed memory")
def test_blocks_are_used_again_without_page_faults() -> None:
    run = subprocess.run([sys.executable, "-c", PAGE_FAULTS], capture_output=True, text=True, check=True)
    by_default, kept = map(int, run.stdout.split())
    assert kept < by_default / 10


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    keep_freed_memory()
