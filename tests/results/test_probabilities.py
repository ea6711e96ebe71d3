from pathlib import Path

import numpy as np
import pytest

from aurorapt.errors import ResultsError
from aurorapt.results.beside import probabilities_path
from aurorapt.results.probabilities import probabilities_text, read_probabilities

TIMES = np.array(["2020-02-18T00:52:00", "2020-02-18T00:52:03"], "datetime64[s]")


def test_they_stand_beside_the_csv_in_columns_by_class() -> None:
    path = probabilities_path(Path("a/20200218_fsmi_themis_classifications.txt"))
    assert path == Path("a/20200218_fsmi_themis_probabilities.csv")
    text = probabilities_text(TIMES, np.array([[0.25, 0.75], [1, 0]], np.float32), ("dark", "aurora"))
    assert text == "date,time,p_dark,p_aurora\n20200218,00:52:00,0.25,0.75\n20200218,00:52:03,1.0,0.0\n"


def test_every_float32_comes_back_the_same(tmp_path: Path) -> None:
    probabilities = np.random.default_rng(0).dirichlet(np.ones(4), 500).astype(np.float32)
    times = TIMES[0] + np.arange(500) * np.timedelta64(3, "s")
    path = tmp_path / "file.csv"
    path.write_text(probabilities_text(times, probabilities, ("a", "b", "c", "d")))
    found_times, found, classes = read_probabilities(path)
    np.testing.assert_array_equal(found_times, times)
    np.testing.assert_array_equal(found, probabilities)
    assert classes == ["a", "b", "c", "d"]


@pytest.mark.parametrize("classes", [("a", "b"), ("a",)])
def test_a_file_without_rows_reads_as_none(tmp_path: Path, classes: tuple[str, ...]) -> None:
    path = tmp_path / "file.csv"
    path.write_text(probabilities_text(TIMES[:0], np.empty((0, len(classes)), np.float32), classes))
    times, probabilities, names = read_probabilities(path)
    assert (len(times), probabilities.shape, names) == (0, (0, len(classes)), list(classes))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "date,time\n",
        "x,y\n1,2\n",
        "date,time,p_a\n20200218,00:52:00\n",
        "date,time,p_a\n20200218,25:00:00,0.5\n",
        "date,time,p_a\n20200218,00:52:00,1.5\n",
    ],
)
def test_what_is_no_such_file_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file.csv"
    path.write_text(text)
    with pytest.raises(ResultsError, match="is not a file of probabilities"):
        read_probabilities(path)
    with pytest.raises(ResultsError, match="cannot read"):
        read_probabilities(tmp_path / "nowhere.csv")
