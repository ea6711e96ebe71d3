"""The packages of this field read the same minute files: their stacks are given the same probabilities as ours."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import aurorapt
from aurorapt.classified_frames import ClassifiedFrames
from tests.fake_camera import write_minute

MINUTE = datetime(2014, 3, 10, 6, 0)
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def classifier(weights_file: Path) -> aurorapt.Classifier:
    return aurorapt.Classifier(weights_file)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two minutes, in a flat folder as asilib keeps them."""
    folder = tmp_path_factory.mktemp("stream0")
    return [write_minute(folder, MINUTE + timedelta(minutes=number)) for number in range(2)]


@pytest.fixture(scope="module")
def expected(classifier: aurorapt.Classifier, paths: list[Path]) -> ClassifiedFrames:
    found = classifier.classify_files(paths)
    assert len(found) == 40
    return found


def same(found: ClassifiedFrames, expected: ClassifiedFrames, times: bool = True) -> None:
    np.testing.assert_array_equal(found.probabilities, expected.probabilities)
    assert found.labels.tolist() == expected.labels.tolist()
    if times:
        assert found.times is not None
        np.testing.assert_array_equal(found.times, expected.times)


def test_themis_imager_readfile(classifier: aurorapt.Classifier, paths: list[Path], expected: ClassifiedFrames) -> None:
    readfile = pytest.importorskip("themis_imager_readfile", reason="themis-imager-readfile is not installed")
    stack, _, _ = readfile.read([str(path) for path in paths], workers=1)
    same(classifier.classify(np.moveaxis(stack, 2, 0)), expected, times=False)


def pyucalgarysrs_reader() -> Any:
    package = pytest.importorskip("pyucalgarysrs", reason="PyUCalgarySRS is not installed")
    return package.PyUCalgarySRS().data.readers


def pyaurorax_reader() -> Any:
    package = pytest.importorskip("pyaurorax", reason="PyAuroraX is not installed")
    return package.PyAuroraX().data.ucalgary.readers


@pytest.mark.parametrize("reader", [pyucalgarysrs_reader, pyaurorax_reader])
def test_calgarys_packages(
    classifier: aurorapt.Classifier, paths: list[Path], expected: ClassifiedFrames, reader: Callable[[], Any]
) -> None:
    data = reader().read_themis([str(path) for path in paths])
    same(classifier.classify(data.data, layout="pyaurorax", times=data.timestamp), expected)
    np.testing.assert_array_equal(classifier.predict(data.data, layout="pyaurorax"), expected.probabilities)


class TestAsilib:
    @pytest.fixture
    def imager(self, paths: list[Path]) -> Callable[..., Any]:
        """Make asilib's imager of the files, as its own function does that also looks for them in the network."""
        asilib = pytest.importorskip("asilib", reason="asilib is not installed")
        themis = pytest.importorskip("asilib.asi.themis")

        def make(**when: Any) -> Any:
            starts = [MINUTE + timedelta(minutes=number) for number in range(len(paths))]
            ends = [start + timedelta(minutes=1) for start in starts]
            files = {"path": paths, "start_time": starts, "end_time": ends, "loader": themis._load_pgm, **when}
            meta = {"array": "THEMIS", "location": "GILL", "cadence": 3, "resolution": (256, 256)}
            meta |= {"lat": 56.4, "lon": -94.7, "alt": 0.0}
            grid = np.zeros((256, 256))
            skymap = {"lat": grid, "lon": grid, "alt": 110, "el": grid, "az": grid, "path": "none"}
            return asilib.Imager(files, meta, skymap)

        return make

    def test_all_its_ways_to_give_a_time_range(
        self, classifier: aurorapt.Classifier, expected: ClassifiedFrames, imager: Callable[..., Any]
    ) -> None:
        time_range = [MINUTE, MINUTE + timedelta(minutes=2)]
        asi = imager(time_range=time_range)
        same(classifier.classify(asi.iter_files(), layout="asilib"), expected)
        same(classifier.classify(asi, layout="asilib"), expected)
        assert asi.data.image.dtype == np.int64
        same(classifier.classify(asi.data, layout="asilib"), expected)
        same(classifier.classify(asi.data.image, layout="asilib", times=asi.data.time), expected)
        np.testing.assert_array_equal(classifier.predict(asi.data.image, layout="asilib"), expected.probabilities)
        with pytest.raises(ValueError, match="with layout='asilib' if asilib or PyAuroraX read them"):
            classifier.classify(asi.data.image)

    def test_a_part_of_a_minute_and_a_single_time(
        self, classifier: aurorapt.Classifier, expected: ClassifiedFrames, imager: Callable[..., Any]
    ) -> None:
        asi = imager(time_range=[MINUTE + timedelta(seconds=30), MINUTE + timedelta(seconds=75)])
        found = classifier.classify(asi.iter_files(), layout="asilib")
        assert found.times is not None and expected.times is not None
        np.testing.assert_array_equal(found.times, expected.times[10:25])
        assert found.labels.tolist() == expected.labels[10:25].tolist()
        one = classifier.classify(imager(time=MINUTE + timedelta(seconds=30)).data, layout="asilib")
        assert one.times is not None
        assert (one.times.tolist(), one.labels.tolist()) == ([expected.times[10].item()], [expected.labels[10]])
