from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from aurorapt.archive.camera_nights import CameraNight
from aurorapt.cluster.admission import probe, versions
from aurorapt.errors import AuroraptError
from tests.cluster.conftest import left_behind


@pytest.fixture
def night(stream0: Path) -> CameraNight:
    return CameraNight(date(2014, 3, 10), "gill", "themis19", stream0 / "2014/03/10/gill_themis19")


def test_a_process_that_sees_the_same_is_taken_and_nothing_stays(night: CameraNight, tmp_path: Path) -> None:
    with probe(tmp_path / "new" / "output", night) as sample:
        assert sample.why_refused() is None
    assert not left_behind(tmp_path)


@pytest.mark.parametrize("name", ["aurorapt", "torch"])
def test_another_version_is_refused_with_both_named(night: CameraNight, tmp_path: Path, name: str) -> None:
    with probe(tmp_path, night) as sample:
        refusal = replace(sample, versions={**versions(), name: "9.9.9"}).why_refused()
    assert refusal is not None
    assert refusal.startswith(f"has {name} {versions()[name]}, and this machine 9.9.9")


def test_an_output_that_is_not_there_is_another_or_read_only(night: CameraNight, tmp_path: Path) -> None:
    with probe(tmp_path / "output", night) as sample:
        elsewhere = tmp_path / "elsewhere"
        assert "does not see the output folder" in str(replace(sample, file=elsewhere / "probe").why_refused())
        elsewhere.mkdir()
        assert "sees another output folder" in str(replace(sample, file=elsewhere / "probe").why_refused())
        (elsewhere / "probe").write_text("of another run")
        assert "sees another output folder" in str(replace(sample, file=elsewhere / "probe").why_refused())
        system = Path("/proc/sys/kernel/ostype")  # in a folder in which nobody can make a file
        unwritable = replace(sample, file=system, token=system.read_text())
        assert "cannot use the output folder" in str(unwritable.why_refused())


def test_an_archive_that_is_not_there_or_another(night: CameraNight, tmp_path: Path) -> None:
    with probe(tmp_path, night) as sample:
        missing = replace(sample, night=replace(night, folder=tmp_path / "none"))
        assert str(missing.why_refused()).startswith("does not see the archive: ")
        other = replace(sample, night=replace(night, folder=night.folder.with_name("fsim_themis05")))
        assert str(other.why_refused()).startswith("sees other files in ")


def test_an_output_that_cannot_be_written_is_one_line(night: CameraNight, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(AuroraptError, match=r"--output .*file/output cannot be written"),
        probe(tmp_path / "file" / "output", night),
    ):
        pass
