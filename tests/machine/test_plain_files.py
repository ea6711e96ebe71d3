"""Files read to their end or to a limit, whatever the system says of their size."""

import io
from pathlib import Path

import pytest

from aurorapt.machine.plain_files import read_at_most


@pytest.mark.parametrize(("size", "most"), [(0, 10), (9, 10), (10, 10), (11, 10), (10_000, 10), (10, 2**30), (5, 0)])
def test_as_much_as_there_is_or_as_is_wanted(tmp_path: Path, size: int, most: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 40)
    content = path.read_bytes()[:size]
    path.write_bytes(content)
    with path.open("rb") as file:
        assert read_at_most(file, most) == content[:most]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux has files that say no size")
def test_a_file_whose_size_is_not_told() -> None:
    with Path("/proc/self/status").open("rb") as file:
        assert b"VmPeak" in read_at_most(file, 2**20)
    with Path("/dev/zero").open("rb") as endless:
        assert read_at_most(endless, 1000) == bytes(1000)


def test_a_file_that_grows_meanwhile(tmp_path: Path) -> None:
    class GrowingFile(io.BufferedReader):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() == 0:
                with path.open("ab") as writer:
                    writer.write(b"more")
            return super().read(size)

    path = tmp_path / "file"
    path.write_bytes(b"some")
    with GrowingFile(io.FileIO(path)) as file:
        assert read_at_most(file, 100) == b"somemore"
