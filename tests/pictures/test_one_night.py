"""A night as those who work in Python see it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import aurorapt
from aurorapt.errors import OptionError
from tests.pictures.example_frames import rows_of, write_night
from tests.pictures.test_night_data import write_companion
from tests.science.example_nights import blocks, write_file, write_nights


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    return write_night(tmp_path, rows_of(["pulsating"] * 30 + ["no_aurora"] * 10), (0, 1))


def test_a_night_gives_arrays(csv_file: Path) -> None:
    night = aurorapt.Night(csv_file)
    assert repr(night) == "Night(gill_themis, 2014-03-10: 40 frames)"
    assert len(night.times) == len(night.confidences) == 40
    assert night.labels.tolist() == ["pulsating"] * 30 + ["no_aurora"] * 10
    assert night.probability is not None and night.probability.shape == (40,)
    assert aurorapt.Night(csv_file, class_name="arc").probability is None


def test_a_night_plots_with_and_without_its_frames(csv_file: Path, tmp_path: Path) -> None:
    without = aurorapt.Night(csv_file).plot()
    whole = aurorapt.Night(csv_file, stream0=tmp_path / "stream0").plot()
    assert len(whole.axes) > len(without.axes) >= 3


def test_a_montage_and_a_movie_need_the_archive(csv_file: Path, tmp_path: Path, weights_file: Path) -> None:
    night = aurorapt.Night(csv_file)
    for draw in (night.montage, lambda: night.movie(tmp_path / "night.mp4")):
        with pytest.raises(OptionError, match=r"needs the archive that was classified; give Night\(.*stream0="):
            draw()
    night = aurorapt.Night(csv_file, stream0=tmp_path / "stream0", weights=weights_file)
    assert np.asarray(night.montage(per_class=2)).ndim == 3
    report = night.movie(tmp_path / "night.gif", start="06:00", end="06:00:30")
    assert (report.frames, (tmp_path / "night.gif").is_file()) == (10, True)


def test_a_notebook_shows_counts_events_and_origin_as_text(tmp_path: Path) -> None:
    rows = blocks("2020-02-18T06:00:00", (60, "no_aurora"), (90, "pulsating"), (60, "no_aurora"))
    (path,) = write_nights(tmp_path, "fsmi_themis", rows)
    write_companion(path, weights_name="<i>mine</i>", weights_kind="simulated")
    shown = aurorapt.Night(path)._repr_html_()
    assert "<tr><th>pulsating</th><td>1800 (43 %)</td></tr>" in shown
    assert "(doubtful)" in shown
    assert "weights &lt;i&gt;mine&lt;/i&gt; (simulated" in shown
    assert "<p>these weights were trained on simulated frames" in shown


def test_a_night_without_frames_is_a_night(tmp_path: Path) -> None:
    night = aurorapt.Night(write_file(tmp_path / "20200218_fsmi_themis_classifications.txt", []))
    assert night.labels.tolist() == []
    assert "<tr><th>frames</th><td>0</td></tr>" in night._repr_html_()


def test_opening_a_night_loads_neither_torch_nor_matplotlib(csv_file: Path) -> None:
    code = (
        "import sys, aurorapt\n"
        "aurorapt.Night(sys.argv[1])._repr_html_()\n"
        "assert not {'torch', 'matplotlib', 'imageio_ffmpeg', 'pandas'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code, csv_file], check=True)
