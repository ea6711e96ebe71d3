"""What Linux says of processors, and what is made of it where it says nothing."""

from pathlib import Path

import pytest

import aurorapt.machine.processors
from aurorapt.machine.processors import cache_bytes, halves_wide_instructions


def write_cache(folder: Path, number: int, level: int, kind: str, size: str, shared: str) -> None:
    cache = folder / "cache" / f"index{number}"
    cache.mkdir(parents=True)
    for name, value in (("level", level), ("type", kind), ("size", size), ("shared_cpu_list", shared)):
        (cache / name).write_text(f"{value}\n")


def test_a_shared_cache_counts_by_its_share(tmp_path: Path) -> None:
    write_cache(tmp_path, 0, 1, "Data", "32K", "0")
    write_cache(tmp_path, 1, 2, "Unified", "1024K", "0")
    write_cache(tmp_path, 2, 2, "Instruction", "1024K", "0")
    write_cache(tmp_path, 3, 3, "Unified", "32768K", "0-3,8-11")
    assert cache_bytes(tmp_path) == (1 + 32 // 8) * 2**20


def test_a_system_that_does_not_say(tmp_path: Path) -> None:
    assert cache_bytes(tmp_path / "nothing") is None
    write_cache(tmp_path, 0, 2, "Unified", "", "0")
    assert cache_bytes(tmp_path) is None


@pytest.mark.parametrize(
    ("vendor", "family", "flags", "expected"),
    [
        ("AuthenticAMD", "25", "fpu avx2 avx512f avx512_bf16", True),
        ("AuthenticAMD", "25", "fpu avx2", False),
        ("AuthenticAMD", "26", "fpu avx2 avx512f", False),
        ("GenuineIntel", "25", "fpu avx2 avx512f", False),
    ],
)
def test_which_processors_compute_wide_instructions_in_halves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vendor: str, family: str, flags: str, expected: bool
) -> None:
    description = tmp_path / "cpuinfo"
    lines = ("processor\t: 0", f"vendor_id\t: {vendor}", f"cpu family\t: {family}", f"flags\t\t: {flags}", "bugs\t\t:")
    description.write_text("\n".join(lines) + "\n\nprocessor\t: 1\ncpu family\t: 1\n")
    monkeypatch.setattr(aurorapt.machine.processors, "CPU_DESCRIPTION", description)
    assert halves_wide_instructions() == expected


def test_a_processor_that_is_not_described_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aurorapt.machine.processors, "CPU_DESCRIPTION", tmp_path / "nothing")
    assert not halves_wide_instructions()
