import json
import os
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

import aurorapt
from aurorapt.archive.camera_nights import CameraNight
from aurorapt.errors import ResultsError
from aurorapt.machine.whole_files import remove_leftovers
from aurorapt.results import classifications
from aurorapt.results.companion import companion_path
from tests.example_results import CLASSES, GOLDEN, companion


def example_rows() -> NDArray[np.void]:
    rows, _ = classifications.one_row_per_second(
        [datetime(2020, 2, 18, 0, 52, 0, 63_119), datetime(2020, 2, 18, 0, 52, 3)],
        np.array([0, 3]),
        np.array([0.7492748, 1.0], np.float32),
        CLASSES,
    )
    return rows


def night(shares_site: bool = False) -> CameraNight:
    return CameraNight(date(2020, 2, 18), "fsmi", "themis10", Path("fsmi_themis10"), shares_site)


def test_the_csv_is_the_originals_byte_for_byte() -> None:
    assert classifications.csv_text(example_rows(), datetime(2023, 7, 5, 4, 30, 7)) == GOLDEN


def test_without_frames_there_is_a_header_row_only() -> None:
    rows, _ = classifications.one_row_per_second([], np.empty(0, int), np.empty(0, np.float32), CLASSES)
    assert classifications.csv_text(rows, datetime(2023, 7, 5, 4, 30, 7)) == "\n".join(GOLDEN.split("\n")[:4]) + "\n"


def test_rows_are_in_time_order_and_the_frame_read_last_has_its_second() -> None:
    """So does the original, which fills a dictionary by second in the order of reading."""
    times = [
        datetime(2020, 2, 18, 0, 0, second, micro) for second, micro in [(6, 0), (3, 900_000), (3, 100_000), (0, 1)]
    ]
    rows, without_row = classifications.one_row_per_second(
        times, np.array([0, 1, 2, 3]), np.array([0.5, 0.6, 0.7, 0.8], np.float32), CLASSES
    )
    assert rows["prediction"].tolist() == [3, 2, 0]
    assert rows["prediction_str"].tolist() == ["pulsating", "other_aurora", "bad_viewing"]
    assert without_row.tolist() == [1]
    np.testing.assert_array_equal(np.diff(rows["time"]), np.timedelta64(3, "s"))


def test_every_float32_confidence_comes_back_the_same(tmp_path: Path) -> None:
    confidences = np.random.default_rng(0).uniform(0.25, 1, 2000).astype(np.float32)
    start = np.datetime64("2020-02-18T00:00:00")
    times = [(start + np.timedelta64(3 * number, "s")).astype(datetime) for number in range(2000)]
    rows, _ = classifications.one_row_per_second(times, np.zeros(2000, int), confidences, CLASSES)
    path = tmp_path / "file.txt"
    path.write_text(classifications.csv_text(rows, datetime(2023, 7, 5)))
    np.testing.assert_array_equal(aurorapt.read_rows(path), rows)
    table = pd.read_csv(path, comment="#")
    assert list(table.columns) == ["date", "time", "prediction", "prediction_str", "confidence"]
    np.testing.assert_array_equal(table["confidence"].astype(np.float32), confidences)


def test_names_leave_the_device_out_unless_the_site_has_two(tmp_path: Path) -> None:
    folder = tmp_path / "2020/02/18"
    assert classifications.csv_path(tmp_path, night()) == folder / "20200218_fsmi_themis_classifications.txt"
    assert classifications.csv_path(tmp_path, night(True)) == folder / "20200218_fsmi_themis10_classifications.txt"
    assert companion_path(folder / "a_classifications.txt") == folder / "a_classifications.json"


def test_writes_both_files_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = classifications.csv_path(tmp_path, night())
    classifications.prepare_folder(path)
    classifications.write_results(path, GOLDEN, companion(GOLDEN))
    assert path.read_bytes() == GOLDEN.encode()
    assert json.loads(path.with_suffix(".json").read_text())["csv_sha256"] == classifications.sha256_of_text(GOLDEN)
    assert sorted(os.listdir(path.parent)) == sorted([path.name, path.with_suffix(".json").name])
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "a[1]_classifications.txt"
    for name in (path.name, companion_path(path).name, "other_classifications.txt"):
        (tmp_path / f".{name}.12345678.tmp").touch()
    path.touch()
    remove_leftovers((path, companion_path(path)))
    assert sorted(os.listdir(tmp_path)) == [".other_classifications.txt.12345678.tmp", path.name]


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "a_classifications.txt"
    path.mkdir()
    with pytest.raises(ResultsError, match=r"cannot write .*a_classifications\.txt"):
        classifications.write_results(path, GOLDEN, companion(GOLDEN))
    assert os.listdir(tmp_path) == [path.name]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "2020").write_text("in the way")
    with pytest.raises(ResultsError, match="cannot make folder"):
        classifications.prepare_folder(classifications.csv_path(tmp_path, night()))


@pytest.mark.parametrize(
    "line",
    [
        "20200218,00:52:00,0,bad_viewing",
        "20200230,00:52:00,0,bad_viewing,0.5",
        "20200218,24:00:00,0,bad_viewing,0.5",
        "020200218,00:52:00,0,bad_viewing,0.5",
        "2020021,00:52:00,0,bad_viewing,0.5",
        "20200218,00:52:000,0,bad_viewing,0.5",
        "20200218,00:52:00,1.0,bad_viewing,0.5",
        "20200218,00:52:00,-1,bad_viewing,0.5",
        "20200218,00:52:00,1270,bad_viewing,0.5",
        "20200218,00:52:00,zero,bad_viewing,0.5",
        "20200218,00:52:00,300,bad_viewing,0.5",
        "20200218,00:52:00,0,bad_viewing,nan",
        "20200218,00:52:00,0,bad_viewing,1.5",
        f"20200218,00:52:00,0,{'long' * 10},0.5",
    ],
)
def test_a_line_that_is_no_classification_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "file.txt"
    path.write_text(GOLDEN + line + "\n")
    with pytest.raises(ResultsError, match=r"file\.txt, line 7: expected date,time"):
        aurorapt.read_rows(path)


def test_what_is_no_text_or_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="cannot read"):
        aurorapt.read_rows(tmp_path / "nowhere.txt")
    (tmp_path / "binary").write_bytes(b"\xff\x00")
    with pytest.raises(ResultsError, match="not ASCII"):
        aurorapt.read_rows(tmp_path / "binary")


def test_a_file_without_a_header_row_reads_as_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("\n".join(GOLDEN.split("\n")[:3]) + "\n")
    assert len(aurorapt.read_rows(path)) == 0


def test_the_published_files_read_back(shared_folder: Path) -> None:
    paths = sorted((shared_folder / "published").iterdir())
    assert len(paths) >= 24
    for path in paths:
        rows = aurorapt.read_rows(path)
        lines = [line for line in path.read_text().splitlines() if line[:1].isdigit()]
        assert classifications.csv_text(rows, datetime(2023, 7, 5)).splitlines()[4:] == lines
