"""Runs over asilib's copy of the archive: the same results as from the archive's own tree."""

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import aurorapt
from aurorapt.errors import OptionError
from aurorapt.results.verify import verify
from aurorapt.run.options import check_archive
from aurorapt.run.run_summary import Summary
from tests.fake_camera import write_minute

MINUTE = datetime(2014, 3, 10, 23, 58)


@pytest.fixture
def stream0(tmp_path: Path) -> Path:
    """Make four minutes of three cameras around a midnight, two of them at one site, with a damaged file and a twin."""
    stream0 = tmp_path / "stream0"
    for site, device in (("gill", "themis19"), ("fsim", "themis05"), ("fsim", "themis07")):
        for number in range(4):
            path = write_minute(stream0, MINUTE + timedelta(minutes=number), 4, site=site, device=device)
        path.write_bytes(path.read_bytes()[:-3000])
    write_minute(stream0, MINUTE, 4, ending=".pgm")
    return stream0


@pytest.fixture
def flat(stream0: Path, tmp_path: Path) -> Path:
    """Give the same files as asilib keeps them."""
    for path in stream0.rglob("*.pgm*"):
        folder = tmp_path / "asilib-data/themis/images" / path.name.split("_")[2]
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, folder / path.name)
    return tmp_path / "asilib-data"


@pytest.fixture
def run(weights_file: Path, tmp_path: Path) -> Any:
    def run(stream0: Path, output: str, **options: Any) -> Summary:
        given = {"weights": weights_file, "workers": 0, **options}
        return aurorapt.classify("2014-03-10", "2014-03-11", stream0=stream0, output=tmp_path / output, **given)

    return run


def results(output: Path) -> dict[str, Any]:
    """Give what lies in a tree of results, but for when and where from it was made."""
    found: dict[str, Any] = {}
    for path in sorted(path for path in output.rglob("*") if path.is_file()):
        name = path.relative_to(output).as_posix()
        if path.suffix == ".json":
            companion = json.loads(path.read_text())
            for changing in ("seconds", "fingerprint", "csv_sha256"):
                del companion[changing]
            for problem in companion["problems"]:
                problem["file"] = Path(problem["file"]).name
            found[name] = companion
        else:
            found[name] = path.read_text().splitlines()[1:]
    return found


@pytest.mark.parametrize("workers", [0, 1])
def test_the_results_are_those_of_the_archives_tree(
    stream0: Path, flat: Path, run: Any, tmp_path: Path, workers: int
) -> None:
    first = run(stream0, "from_tree", probabilities=True)
    second = run(flat, "from_flat", probabilities=True, workers=workers)
    assert (first.camera_nights, first.written, first.failed, first.problems) == (6, 6, 0, 3)
    assert (second.camera_nights, second.written, second.failed, second.problems) == (6, 6, 0, 3)
    assert second.rows == first.rows > 0
    expected = results(tmp_path / "from_tree")
    assert "2014/03/10/20140310_fsim_themis07_classifications.txt" in expected
    assert "2014/03/11/20140311_gill_themis_classifications.txt" in expected
    assert results(tmp_path / "from_flat") == expected


def test_what_is_current_is_skipped_and_what_changed_is_redone(flat: Path, run: Any) -> None:
    run(flat, "out")
    assert (run(flat, "out").current, run(flat / "themis/images", "out").current) == (6, 6)
    shutil.copy2(
        flat / "themis/images/gill/20140310_2358_gill_themis19_full.pgm.gz",
        flat / "themis/images/gill/20140310_2357_gill_themis19_full.pgm.gz",
    )
    again = run(flat, "out")
    assert (again.current, again.written, again.redone) == (5, 1, {"data changed": 1})


def test_sites_are_chosen_and_missing_ones_said(flat: Path, run: Any) -> None:
    assert run(flat, "out", sites="gill").written == 2
    with pytest.raises(OptionError, match="no camera folder of atha on these dates; sites there: fsim, gill"):
        run(flat, "out", sites="atha")


def test_verify_compares_with_it(flat: Path, run: Any, tmp_path: Path) -> None:
    run(flat, "out")
    archive = check_archive(flat)
    assert verify(tmp_path / "out", archive).faults == []
    images = flat / "themis/images"
    (images / "gill/20140310_2359_gill_themis19_full.pgm.gz").unlink()
    shutil.copy2(
        images / "fsim/20140310_2358_fsim_themis05_full.pgm.gz", images / "fsim/20140310_2358_fsim_themis_full.pgm.gz"
    )
    kinds = [(fault.kind, Path(fault.file).name) for fault in verify(tmp_path / "out", archive).faults]
    assert kinds == [
        ("stale", "20140310_gill_themis_classifications.txt"),
        ("missing", "20140310_fsim_themis_classifications.txt"),
    ]


def test_the_folder_of_one_site_is_no_archive(flat: Path, stream0: Path) -> None:
    images = flat / "themis/images"
    with pytest.raises(
        OptionError, match=f"gill is the folder of one site; name the folder that holds the sites: {images}$"
    ):
        check_archive(images / "gill")
    with pytest.raises(OptionError, match=f"lies inside an archive; name the folder that holds the years: {stream0}$"):
        check_archive(stream0 / "2014/03/10/gill_themis19/ut23")
    (flat / "themis/images").rename(flat / "themis/2014")
    assert check_archive(flat / "themis/2014") == flat / "themis/2014"
