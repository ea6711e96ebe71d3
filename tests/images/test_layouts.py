"""Image stacks of other readers, looked at as frames."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aurorapt.errors import OptionError
from aurorapt.images.layouts import LAYOUTS, as_counts, as_frames


def numbered(count: int) -> np.ndarray:
    """(n, 256, 256) uint16 [frame, y, x], no two pixels of a frame and no two frames alike."""
    return np.arange(256**2, dtype=np.uint16).reshape(256, 256) + np.arange(count, dtype=np.uint16)[:, None, None]


def laid_out(images: np.ndarray, layout: str) -> np.ndarray:
    """Lay (n, 256, 256) [frame, y, x] frames out as that reader does."""
    if layout == "readfile":
        return images
    flipped = images[:, ::-1]
    return np.ascontiguousarray(np.moveaxis(flipped, 0, 2) if layout == "pyaurorax" else flipped)


@pytest.mark.parametrize("count", [0, 1, 20])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_a_view_of_the_same_frames(layout: str, count: int) -> None:
    stack = laid_out(numbered(count), layout)
    frames = as_frames(stack, layout)
    np.testing.assert_array_equal(frames, numbered(count))
    assert count == 0 or np.shares_memory(frames, stack)


def test_a_file_mapped_into_memory_is_an_array_like_any_other(tmp_path: Path) -> None:
    numbered(2).tofile(tmp_path / "frames")
    mapped = np.memmap(tmp_path / "frames", np.uint16, "r", shape=(2, 256, 256))
    np.testing.assert_array_equal(as_frames(mapped, "readfile"), numbered(2))
    with pytest.raises(ValueError, match=r"not \(2, 128, 256\) uint16; "):
        as_frames(mapped[:, :128], "readfile")


def test_256_frames_are_what_the_layout_says() -> None:
    cube = numbered(256)
    np.testing.assert_array_equal(as_frames(cube, "readfile"), cube)
    np.testing.assert_array_equal(as_frames(cube, "asilib")[7], cube[7, ::-1])
    np.testing.assert_array_equal(as_frames(cube, "pyaurorax")[7], cube[::-1, :, 7])


IF_FLIPPED = "with layout='asilib' if asilib or PyAuroraX read them"
FRAME_LAST_ADVICE = r"layout='pyaurorax' if PyAuroraX .* np.moveaxis\(images, 2, 0\) with layout='readfile'"


@pytest.mark.parametrize(
    ("layout", "images", "found", "advice"),
    [
        ("readfile", np.moveaxis(numbered(20), 0, 2), r"\(256, 256, 20\) uint16", FRAME_LAST_ADVICE),
        ("asilib", np.moveaxis(numbered(20), 0, 2), r"\(256, 256, 20\) uint16", FRAME_LAST_ADVICE),
        ("pyaurorax", numbered(20), r"\(20, 256, 256\) uint16", "layout='asilib' if .* or 'readfile' if"),
        ("readfile", numbered(1)[0], r"\(256, 256\) uint16", rf"images\[None\] of a single frame, {IF_FLIPPED}"),
        ("asilib", numbered(1)[0], r"\(256, 256\) uint16", r"images\[None\] of a single frame$"),
        ("pyaurorax", numbered(1)[0], r"\(256, 256\) uint16", r"images\[\.\.\., None\]"),
        ("readfile", list(numbered(2)), "a list", rf"np\.stack\(images\) of a list of frames, {IF_FLIPPED}"),
        ("pyaurorax", list(numbered(2)), "a list", r"np\.stack\(images, axis=2\) of a list of frames$"),
        ("readfile", tuple(numbered(2)), "a tuple", r"np\.stack\(images\)"),
        ("readfile", iter(numbered(2)), "a iterator", "the NumPy array itself"),
        ("readfile", None, "a NoneType", "the NumPy array itself"),
        ("readfile", np.ma.masked_greater(numbered(2), 9), "a MaskedArray", "leave out frames .* or fill them"),
        ("readfile", numbered(2).astype(float), "float64", "neither scaled nor background-subtracted"),
        ("readfile", numbered(2) > 9, "bool", "neither scaled nor"),
        ("readfile", numbered(2).astype(np.int64), "int64", rf"astype\(np\.uint16\), {IF_FLIPPED}"),
        ("readfile", numbered(2).astype(np.int16), "int16", r"if they are raw counts.*astype\(np\.uint16\)"),
        ("asilib", numbered(2).astype(np.uint8), "uint8", "not images scaled to 8 bits"),
        ("asilib", numbered(2).astype(float), "float64", "neither scaled nor background-subtracted"),
        ("readfile", "minute.pgm.gz", "a str", "give files to Classifier.classify_files"),
        ("readfile", numbered(2).astype(np.uint8), "uint8", "not images scaled to 8 bits"),
        ("readfile", numbered(2)[:, :128], r"\(2, 128, 256\) uint16", "neither cut out nor resized"),
        ("readfile", np.zeros((2, 512, 512), np.uint16), r"\(2, 512, 512\) uint16", "neither cut out nor resized"),
        ("readfile", np.zeros((2, 256, 256, 3), np.uint16), r"\(2, 256, 256, 3\) uint16", "frames of one channel"),
        ("readfile", np.array([]), r"\(0,\) float64", "no image in it"),
        ("pyaurorax", np.empty((0, 0, 0), np.uint16), r"\(0, 0, 0\) uint16", "no image in it"),
    ],
)
def test_what_is_refused_is_told_what_to_do(layout: str, images: Any, found: str, advice: str) -> None:
    with pytest.raises(ValueError, match=f"^images must be .*layout='{layout}', not .*{found}; .*{advice}") as refusal:
        as_frames(images, layout)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("layout", ["ReadFile", "", None, ["readfile"]])
def test_an_unknown_layout_is_refused_with_the_names_of_all(layout: Any) -> None:
    with pytest.raises(OptionError, match=r"is unknown; give 'readfile' or 'pyaurorax' or 'asilib'$"):
        as_frames(numbered(1), layout)


@pytest.mark.parametrize(
    ("layout", "kind"),
    [("readfile", ">u2"), ("asilib", ">u2"), ("asilib", np.int64), ("asilib", np.uint32), ("pyaurorax", np.int32)],
)
def test_whole_numbers_that_are_counts_are_counts(layout: str, kind: Any) -> None:
    counts = as_counts(as_frames(laid_out(numbered(3), layout).astype(kind), layout))
    assert counts.dtype == np.uint16
    np.testing.assert_array_equal(counts, numbered(3))


@pytest.mark.parametrize("value", [-1, 65536, np.iinfo(np.int64).min])
def test_a_number_that_is_no_count_is_refused(value: int) -> None:
    images = laid_out(numbered(3), "asilib").astype(np.int64)
    images[1, 17, 4] = value
    with pytest.raises(ValueError, match=f"from 0 to 65535, and there is a value of {value}; "):
        as_counts(as_frames(images, "asilib"))
