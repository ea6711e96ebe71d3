"""Image stacks of every form through `Classifier.classify`, and minute files through `classify_files`."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import aurorapt
from aurorapt.errors import OptionError, WeightsError
from aurorapt.images.layouts import LAYOUTS
from aurorapt.weights.weights_file import write_weights
from tests.command_line import clean_environment
from tests.fake_camera import frame_times, image, minute_frames, write_minute
from tests.images.test_layouts import laid_out
from tests.tiny_network import tiny_weights

MINUTE = datetime(2014, 3, 10, 6, 0)
COUNT = 11
FRAMES = np.stack([image(number) for number in range(COUNT)])
TIMES = np.array([MINUTE + number * timedelta(seconds=3) for number in range(COUNT)], dtype="datetime64[us]")
EAST = timezone(timedelta(hours=5))


@pytest.fixture(scope="module")
def classifier(weights_file: Path) -> aurorapt.Classifier:
    return aurorapt.Classifier(weights_file, batch_size=4, threads=2)


@pytest.fixture(scope="module")
def expected(classifier: aurorapt.Classifier) -> np.ndarray:
    return classifier.predict(FRAMES)


def cut(frames: np.ndarray, *places: int) -> Iterator[np.ndarray]:
    return iter(np.split(frames, places))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_stack_gives_probabilities_labels_and_confidence(
    classifier: aurorapt.Classifier, expected: np.ndarray, layout: str
) -> None:
    found = classifier.classify(laid_out(FRAMES, layout), layout)
    np.testing.assert_array_equal(found.probabilities, expected)
    assert found.probabilities.dtype == found.confidence.dtype == np.float32
    assert found.classes == classifier.classes
    assert found.labels.tolist() == [found.classes[number] for number in expected.argmax(axis=1)]
    np.testing.assert_array_equal(found.confidence, expected.max(axis=1))
    assert (len(found), found.times, found.files, found.problems) == (COUNT, None, None, ())


@pytest.mark.parametrize(
    "pieces",
    [
        lambda: cut(FRAMES, 1, 2, 7),
        lambda: cut(FRAMES, 0, 0, 5, 11),
        lambda: list(cut(FRAMES, 3)),
        lambda: list(FRAMES),
        lambda: iter(FRAMES),
        lambda: tuple(FRAMES),
        lambda: tuple(cut(FRAMES, 6)),
        lambda: [FRAMES[0], FRAMES[1:4], FRAMES[4:]],
    ],
)
def test_the_length_of_the_pieces_changes_nothing(
    classifier: aurorapt.Classifier, expected: np.ndarray, pieces: Callable[[], Any]
) -> None:
    np.testing.assert_array_equal(classifier.classify(pieces()).probabilities, expected)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_pieces_of_every_layout(classifier: aurorapt.Classifier, expected: np.ndarray, layout: str) -> None:
    pieces = (laid_out(piece, layout) for piece in cut(FRAMES, 3, 4))
    np.testing.assert_array_equal(classifier.classify(pieces, layout).probabilities, expected)
    singles = (frame[::-1] if LAYOUTS[layout].flipped else frame for frame in FRAMES)
    np.testing.assert_array_equal(classifier.classify(singles, layout).probabilities, expected)


def test_a_generator_may_use_its_memory_again(classifier: aurorapt.Classifier, expected: np.ndarray) -> None:
    def reusing() -> Iterator[np.ndarray]:
        memory = np.empty((3, 256, 256), np.uint16)
        for start in range(0, COUNT, 3):
            piece = memory[: len(FRAMES[start : start + 3])]
            piece[:] = FRAMES[start : start + 3]
            yield piece
            memory[:] = 0

    np.testing.assert_array_equal(classifier.classify(reusing()).probabilities, expected)


def test_nothing_gives_nothing(classifier: aurorapt.Classifier) -> None:
    for images in (FRAMES[:0], [], iter([]), [FRAMES[:0]]):
        found = classifier.classify(images)
        assert (len(found), found.probabilities.shape, found.confidence.shape, list(found)) == (0, (0, 4), (0,), [])
    assert classifier.classify_files([]).times is not None


@pytest.mark.parametrize(
    ("times", "pieces"),
    [
        (None, lambda: (TIMES, FRAMES)),
        (None, lambda: (TIMES.tolist(), FRAMES)),
        (None, lambda: [(TIMES[:3].astype(object), FRAMES[:3]), (TIMES[3:], FRAMES[3:])]),
        (None, lambda: zip(TIMES.tolist(), FRAMES, strict=True)),
        (TIMES, lambda: FRAMES),
        (TIMES.tolist(), lambda: cut(FRAMES, 5)),
        ([time.replace(tzinfo=timezone.utc) for time in TIMES.tolist()], lambda: FRAMES),
        ([time.replace(tzinfo=timezone.utc).astimezone(EAST) for time in TIMES.tolist()], lambda: FRAMES),
    ],
)
def test_times_stay_with_their_frames(
    classifier: aurorapt.Classifier, expected: np.ndarray, times: Any, pieces: Callable[[], Any]
) -> None:
    found = classifier.classify(pieces(), times=times)
    np.testing.assert_array_equal(found.times, TIMES)
    np.testing.assert_array_equal(found.probabilities, expected)
    first = next(iter(found))
    assert (first.label, first.confidence, first.time) == (found.labels[0], found.confidence[0], TIMES[0])


@pytest.mark.parametrize(
    ("images", "times", "message"),
    [
        (FRAMES, TIMES[:-1], "there are more frames than the 10 times"),
        (FRAMES[:-1], TIMES, "there are 11 of 10 frames"),
        ([FRAMES[:5]], TIMES, "there are 11 of 5 frames"),
        ((TIMES[:4], FRAMES), None, "more frames than the 4 times"),
        ([(TIMES[0], FRAMES[0]), FRAMES[1]], None, "some chunks come with times and others without"),
        ((TIMES, FRAMES), TIMES, "the images come with times of their own"),
        (FRAMES, np.arange(COUNT), "times must be one datetime, or datetime64, a frame"),
        (FRAMES, ["2014-03-10"] * COUNT, "times must be one datetime"),
        (FRAMES, np.full(COUNT, np.datetime64("NaT", "us")), "times must be one datetime"),
        ([FRAMES, FRAMES[:, :128]], None, r"images must be .* not \(11, 128, 256\) uint16; pass full frames"),
        ([FRAMES[:, ::2, ::2]], None, "pass full frames"),
        (FRAMES[0], None, r"pass images\[None\] of a single frame"),
        ("minute.pgm.gz", None, "give files to Classifier.classify_files"),
        (["minute.pgm.gz"], None, "give files to Classifier.classify_files"),
        ({"images": FRAMES}, None, "pass the NumPy array itself"),
        (7, None, "pass the NumPy array itself"),
        ([FRAMES / 2], None, "neither scaled nor"),
    ],
)
def test_what_is_refused_says_why(classifier: aurorapt.Classifier, images: Any, times: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        classifier.classify(images, times=times)


def test_an_unknown_layout_is_refused(classifier: aurorapt.Classifier) -> None:
    with pytest.raises(OptionError, match="layout 'fits' is unknown"):
        classifier.classify(iter([]), layout="fits")


class TestNamedAxes:
    @pytest.mark.parametrize("names", [("time", "y", "x"), ("frame", "row", "column")])
    @pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_axes_are_known_by_their_names(
        self,
        classifier: aurorapt.Classifier,
        expected: np.ndarray,
        layout: str,
        order: tuple[int, ...],
        names: tuple[str, ...],
    ) -> None:
        xarray = pytest.importorskip("xarray")
        rows = FRAMES[:, ::-1] if LAYOUTS[layout].flipped else FRAMES
        images = xarray.DataArray(rows, dims=names, coords={names[0]: TIMES.astype("datetime64[ns]")})
        found = classifier.classify(images.transpose(*(names[place] for place in order)), layout)
        np.testing.assert_array_equal(found.probabilities, expected)
        np.testing.assert_array_equal(found.times, TIMES)

    @pytest.mark.parametrize(
        "dims", [("time", "dim_1", "dim_2"), ("time", "x", "column"), ("time", "frame", "y"), ("Time", "Y", "X")]
    )
    def test_other_names_are_refused(self, classifier: aurorapt.Classifier, dims: tuple[str, ...]) -> None:
        xarray = pytest.importorskip("xarray")
        with pytest.raises(ValueError, match=r"three axes, named time or frame, y or row, x or column, not \('"):
            classifier.classify(xarray.DataArray(FRAMES, dims=dims))

    def test_frames_of_a_data_array_one_by_one(self, classifier: aurorapt.Classifier, expected: np.ndarray) -> None:
        xarray = pytest.importorskip("xarray")
        images = xarray.DataArray(FRAMES, dims=("time", "y", "x"), coords={"time": TIMES.astype("datetime64[ns]")})
        found = classifier.classify(images[place].transpose("x", "y") for place in range(COUNT))
        np.testing.assert_array_equal(found.probabilities, expected)
        np.testing.assert_array_equal(found.times, TIMES)
        bare = classifier.classify(list(images.drop_vars("time")))
        np.testing.assert_array_equal(bare.probabilities, expected)
        assert bare.times is None

    def test_a_dataset_is_refused(self, classifier: aurorapt.Classifier) -> None:
        xarray = pytest.importorskip("xarray")
        with pytest.raises(ValueError, match="a Dataset"):
            classifier.classify(xarray.Dataset({"images": (("time", "y", "x"), FRAMES)}))


class TestDask:
    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_chunks_are_computed_one_by_one(
        self, classifier: aurorapt.Classifier, expected: np.ndarray, layout: str
    ) -> None:
        dask_array = pytest.importorskip("dask.array")
        stack = laid_out(FRAMES, layout)
        lengths = tuple((2, 5, 4) if length == COUNT else (200, 56) for length in stack.shape)
        images = dask_array.from_array(stack, chunks=lengths)
        np.testing.assert_array_equal(classifier.classify(images, layout).probabilities, expected)
        pair = classifier.classify((TIMES, images), layout)
        np.testing.assert_array_equal(pair.times, TIMES)

    def test_a_wrong_shape_is_refused_before_anything_is_computed(self, classifier: aurorapt.Classifier) -> None:
        dask_array = pytest.importorskip("dask.array")
        images = dask_array.map_blocks(lambda: 1 / 0, chunks=((1, 1), (256,), (128,)), dtype=np.uint16)
        with pytest.raises(ValueError, match=r"not \(2, 256, 128\) uint16; pass full frames"):
            classifier.classify(images)

    def test_within_a_data_array(self, classifier: aurorapt.Classifier, expected: np.ndarray) -> None:
        xarray = pytest.importorskip("xarray")
        images = xarray.DataArray(FRAMES, dims=("time", "y", "x"), coords={"time": TIMES.astype("datetime64[ns]")})
        pytest.importorskip("dask.array")
        found = classifier.classify(images.chunk(time=4))
        np.testing.assert_array_equal(found.probabilities, expected)
        np.testing.assert_array_equal(found.times, TIMES)


class TestFiles:
    def test_frames_have_their_own_times_cameras_and_files(
        self, classifier: aurorapt.Classifier, tmp_path: Path
    ) -> None:
        later = write_minute(tmp_path, MINUTE + timedelta(minutes=1), 3)
        first = write_minute(tmp_path, MINUTE, 5)
        other = write_minute(tmp_path, datetime(2014, 3, 11), 2, site="fsim", device="themis05")
        found = classifier.classify_files([first, later, str(other)])
        times = frame_times(MINUTE, 5) + frame_times(MINUTE + timedelta(minutes=1), 3)
        assert found.times is not None and found.cameras is not None and found.files is not None
        assert found.times.tolist() == times + frame_times(datetime(2014, 3, 11), 2)
        assert found.cameras.tolist() == ["gill_themis19"] * 8 + ["fsim_themis05"] * 2
        assert found.files.tolist() == [str(first)] * 5 + [str(later)] * 3 + [str(other)] * 2
        alone = classifier.classify_files(first).probabilities  # in batches of other lengths
        np.testing.assert_allclose(found.probabilities[:5], alone, rtol=1e-5)

    def test_what_is_damaged_is_reported_and_has_no_row(self, classifier: aurorapt.Classifier, tmp_path: Path) -> None:
        good = write_minute(tmp_path, MINUTE, 3)
        cut_short = write_minute(tmp_path, MINUTE + timedelta(minutes=1), 3)
        cut_short.write_bytes(cut_short.read_bytes()[:-9000])
        wrong_site = minute_frames(MINUTE + timedelta(minutes=2), 3)
        wrong_site[1] = wrong_site[1].replace(b'"Site unique ID" gill', b'"Site unique ID" fsim')
        mixed = write_minute(tmp_path, MINUTE + timedelta(minutes=2), wrong_site)
        missing = good.with_name("20140310_0630_gill_themis19_full.pgm.gz")
        with pytest.warns(UserWarning, match="3 problems, see .problems; the first: .*0601_gill"):
            found = classifier.classify_files([good, cut_short, mixed, missing])
        assert found.files is not None
        assert found.files.tolist() == [str(good)] * 3 + [str(mixed)] * 2
        assert [problem.file for problem in found.problems] == [str(cut_short), str(mixed), str(missing)]
        assert "the header says site 'fsim'" in found.problems[1].reason
        assert found.problems[2].may_pass
        assert repr(found).endswith("; 3 problems>")

    def test_problems_and_rows_are_those_of_a_run(
        self, classifier: aurorapt.Classifier, weights_file: Path, tmp_path: Path
    ) -> None:
        paths = [write_minute(tmp_path / "stream0", MINUTE + timedelta(minutes=number), 4) for number in range(3)]
        paths[1].write_bytes(paths[1].read_bytes()[:-2000])
        options = {"stream0": tmp_path / "stream0", "output": tmp_path / "out", "weights": weights_file, "workers": 0}
        aurorapt.classify("2014-03-10", "2014-03-10", **options)
        (result,) = (tmp_path / "out").rglob("*_classifications.txt")
        rows = aurorapt.read_rows(result)
        with pytest.warns(UserWarning, match="1 problem"):
            found = classifier.classify_files(paths)
        assert found.times is not None
        assert rows["time"].tolist() == found.times.astype("datetime64[s]").tolist()
        assert rows["prediction_str"].tolist() == found.labels.tolist()
        np.testing.assert_array_equal(rows["confidence"], found.confidence)
        (problem,) = found.problems
        assert problem.reason in result.with_suffix(".json").read_text()

    def test_of_copies_one_is_read(self, classifier: aurorapt.Classifier, tmp_path: Path) -> None:
        packed = write_minute(tmp_path, MINUTE, 3)
        plain = write_minute(tmp_path, MINUTE, 3, ending=".pgm")
        packed.write_bytes(b"spoiled")
        with pytest.warns(UserWarning, match="1 problem"):
            found = classifier.classify_files([packed, plain, packed])
        assert found.files is not None
        assert found.files.tolist() == [str(plain)] * 3

    @pytest.mark.parametrize(
        "name",
        ["notes.txt", "20140310_0600_gill_themis19_full-average.pgm", "20140231_0600_gill_themis19_full.pgm", ""],
    )
    def test_another_name_is_refused_before_anything_is_read(self, classifier: aurorapt.Classifier, name: str) -> None:
        with pytest.raises(OptionError, match=r"is no minute file by its name; give files such as 2014.*\.pgm\.gz$"):
            classifier.classify_files([Path("20140310_0601_gill_themis19_full.pgm.gz"), Path(name)])


@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_a_network_that_gives_no_numbers_is_said(tmp_path: Path) -> None:
    weights = tiny_weights()
    name = next(name for name in weights.tensors if name.endswith("weight"))
    tensors = {**weights.tensors, name: np.full_like(weights.tensors[name], 3e38)}
    write_weights(tmp_path / "huge.safetensors", replace(weights, tensors=tensors))
    classifier = aurorapt.Classifier(tmp_path / "huge.safetensors")
    with pytest.raises(WeightsError, match=f"NaN or infinity for {COUNT} frames"):
        classifier.classify(FRAMES)
    with pytest.warns(UserWarning, match="NaN or infinity for 4 frames"):
        found = classifier.classify_files(write_minute(tmp_path, MINUTE, 4))
    assert len(found) == 0


def test_a_table_has_the_columns_of_read_classifications(classifier: aurorapt.Classifier, tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    path = write_minute(tmp_path, MINUTE, 3)
    table = classifier.classify_files(path).to_dataframe()
    classes = [f"p_{name}" for name in classifier.classes]
    assert list(table.columns) == ["site", "camera", "time", "class", "confidence", "file", *classes]
    assert table["site"].tolist() == ["gill"] * 3
    assert list(table["class"].cat.categories) == list(classifier.classes)
    assert table[classes].to_numpy(np.float32).max(axis=1).tolist() == table["confidence"].tolist()
    assert list(classifier.classify(FRAMES).to_dataframe().columns) == ["class", "confidence", *classes]


def test_without_pandas_it_says_what_to_install(
    classifier: aurorapt.Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(OptionError, match=r"pip install 'aurorapt\[science\]'"):
        classifier.classify(FRAMES[:1]).to_dataframe()


def test_a_long_generator_takes_no_more_memory_than_a_short_one(weights_file: Path) -> None:
    """2000 frames, 250 MiB of them, within 60 MiB."""
    code = (
        "import resource, sys, numpy as np, aurorapt\n"
        "classifier = aurorapt.Classifier(sys.argv[1], threads=2)\n"
        "def chunks(count):\n"
        "    for number in range(count):\n"
        "        yield np.full((20, 256, 256), number, np.uint16)\n"
        "classifier.classify(chunks(5))\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "assert len(classifier.classify(chunks(100))) == 2000\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(weights_file)],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert float(done.stdout) < 60
