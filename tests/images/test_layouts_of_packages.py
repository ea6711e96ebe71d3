"""The layouts against the packages whose stacks they are named after, where these are installed."""

import importlib
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import themis_imager_readfile

import aurorapt
from aurorapt.images.layouts import as_frames
from tests.fake_camera import write_minute

MINUTE = datetime(2014, 3, 10, 6, 0)
REASON = "the real {0} is not installed (pip install {0})"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the folders that these packages make out of the real home."""
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def minute_file(tmp_path: Path) -> Path:
    return write_minute(tmp_path / "stream0", MINUTE, frames=7)


@pytest.fixture
def as_readfile(minute_file: Path) -> np.ndarray:
    """(n, 256, 256) uint16 [frame, y, x], of the reader whose rows the network was trained on."""
    stack = themis_imager_readfile.read(str(minute_file))[0]
    assert (stack.shape, stack.dtype) == ((256, 256, 7), np.uint16)
    return np.moveaxis(stack, 2, 0)


def assert_same(weights_file: Path, stack: np.ndarray, layout: str, expected: np.ndarray) -> None:
    assert np.array_equal(as_frames(stack, layout), expected)
    classifier = aurorapt.Classifier(weights_file)
    assert np.array_equal(classifier.predict(stack, layout=layout), classifier.predict(expected))


@pytest.mark.parametrize(("package", "name"), [("pyucalgarysrs", "PyUCalgarySRS"), ("pyaurorax", "PyAuroraX")])
def test_pyaurorax_and_its_reader(
    package: str, name: str, tmp_path: Path, minute_file: Path, as_readfile: np.ndarray, weights_file: Path
) -> None:
    module = pytest.importorskip(package, reason=REASON.format(package))
    services = getattr(module, name)(download_output_root_path=str(tmp_path), read_tar_temp_path=str(tmp_path / "tar"))
    data = services.data.ucalgary if package == "pyaurorax" else services.data
    stack = data.readers.read_themis(str(minute_file)).data
    assert (stack.shape, stack.dtype) == ((256, 256, 7), np.uint16)
    assert_same(weights_file, stack, "pyaurorax", as_readfile)


def test_asilib(
    tmp_path: Path, minute_file: Path, as_readfile: np.ndarray, weights_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("asilib", reason=REASON.format("aurora-asi-lib"))
    themis = importlib.import_module("asilib.asi.themis")
    monkeypatch.setattr(themis, "local_base_dir", tmp_path)
    monkeypatch.setattr(themis, "themis_skymap", lambda *_: no_skymap())  # else it is downloaded
    (tmp_path / "images/gill").mkdir(parents=True)
    minute_file.rename(tmp_path / "images/gill" / minute_file.name)
    imager = themis.themis("GILL", time_range=("2014-03-10T06:00", "2014-03-10T06:00:59"))
    ((_, stack),) = imager.iter_files()
    assert (stack.shape, stack.dtype) == ((7, 256, 256), np.uint16)
    assert_same(weights_file, stack, "asilib", as_readfile)
    assert imager.data.image.dtype == np.int64
    with pytest.raises(ValueError, match=r"int64; .* pass images.astype\(np.uint16\)"):
        as_frames(imager.data.image, "asilib")
    assert_same(weights_file, imager.data.image.astype(np.uint16), "asilib", as_readfile)


def no_skymap() -> dict[str, object]:
    nowhere = np.full((256, 256), np.nan)
    return {
        "FULL_MAP_ALTITUDE": np.array([110_000.0]),
        "FULL_MAP_LATITUDE": nowhere[None],
        "FULL_MAP_LONGITUDE": nowhere[None],
        "FULL_ELEVATION": nowhere,
        "FULL_AZIMUTH": nowhere,
        "SITE_MAP_LATITUDE": 56.4,
        "SITE_MAP_LONGITUDE": -94.6,
        "SITE_MAP_ALTITUDE": 0.0,
        "PATH": "",
    }
