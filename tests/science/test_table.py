from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import aurorapt
from aurorapt.errors import OptionError, ResultsError
from tests.science.example_nights import blocks, write_file, write_nights


def test_a_table_is_sorted_and_has_one_row_a_second(tmp_path: Path) -> None:
    rows = blocks("2020-02-18T23:59:00", (2, "pulsating"))
    shuffled = [rows[place] for place in np.random.default_rng(0).permutation(len(rows))]
    twice = [rows[3].replace("0.75", "0.5"), *shuffled]
    first, second = write_nights(tmp_path, "gill_themis", twice)
    write_nights(tmp_path, "fsmi_themis", blocks("2020-02-19T05:00:00", (1, "no_aurora")))
    write_file(tmp_path / "20200220_fsmi_themis_classifications.txt", [])
    table = aurorapt.read_classifications(tmp_path)
    assert list(table.columns) == ["site", "camera", "time", "class", "confidence", "file"]
    assert table["site"].tolist() == ["fsmi"] * 20 + ["gill"] * 40
    assert table["camera"].unique().tolist() == ["fsmi_themis", "gill_themis"]
    gill = table[table["site"] == "gill"]
    times = pd.date_range("2020-02-18T23:59:00", periods=40, freq="3s")
    np.testing.assert_array_equal(gill["time"].to_numpy(), times.to_numpy())
    assert (gill["confidence"] == np.float32(0.75)).all()
    assert gill["file"].tolist() == [str(first)] * 20 + [str(second)] * 20
    assert list(table["class"].cat.categories) == ["bad_viewing", "no_aurora", "other_aurora", "pulsating"]
    assert table["confidence"].dtype == np.float32


def test_camera_nights_come_one_at_a_time(tmp_path: Path) -> None:
    write_nights(tmp_path, "gill_themis", blocks("2020-02-18T23:59:00", (2, "pulsating")))
    write_file(tmp_path / "20200220_gill_themis_classifications.txt", [])
    tables = list(aurorapt.iter_classifications(tmp_path))
    assert [len(table) for table in tables] == [20, 20, 0]
    assert all(list(table.columns) == list(tables[0].columns) for table in tables)


def test_one_file_whatever_it_is_called_is_a_table_too(tmp_path: Path) -> None:
    path = write_file(tmp_path / "file.txt", blocks("2020-02-18T23:59:00", (1, "pulsating")))
    assert aurorapt.read_classifications(path)["site"].unique().tolist() == ["unknown"]


def test_what_cannot_be_read_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="is not there; name a classification file or a folder"):
        aurorapt.read_classifications(tmp_path / "nowhere")
    with pytest.raises(OptionError, match="holds no results"):
        aurorapt.read_classifications(tmp_path)
    (tmp_path / "20200218_gill_themis_classifications.txt").write_text("nonsense\n")
    with pytest.raises(ResultsError, match="line 1: expected date,time"):
        aurorapt.read_classifications(tmp_path)


def test_all_published_files_are_one_table(shared_folder: Path) -> None:
    table = aurorapt.read_classifications(shared_folder / "published")
    assert len(table) == 451_418
    assert table["file"].nunique() == 34  # one has no rows
    assert not table.duplicated(["camera", "time"]).any()
