"""The recipe against OpenCV, which is what the original program calls."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from aurorapt.images.preprocess import Preprocessor, equalize, visible_in_input
from tests.fake_camera import image

# counts of 255; float32 sums in another order differ by 2e-5; builds of OpenCV without the library of Intel, such as
# that of Debian, differ from those with it by 3e-3
RESIZE_TOLERANCE = 1e-4 if "Intel IPP" in cv2.getBuildInformation() else 4e-3


def opencv_equalize(frame: NDArray[np.uint16]) -> NDArray[np.uint8]:
    equalized = cv2.createCLAHE(clipLimit=3, tileGridSize=(8, 8)).apply(frame)
    return np.asarray(cv2.convertScaleAbs(equalized, alpha=255 / 65535))


def opencv_input(frame: NDArray[np.uint16], mask: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.float32]:
    masked = np.where(mask, opencv_equalize(frame), 0).astype(np.float32)
    return np.asarray(cv2.resize(masked, size[::-1], interpolation=cv2.INTER_LINEAR))


def disc() -> NDArray[np.uint8]:
    y, x = np.mgrid[:256, :256]
    return ((y - 130) ** 2 + (x - 120) ** 2 < 100**2).astype(np.uint8)


rng = np.random.default_rng(20140310)
HARD_IMAGES = {
    "zero": np.zeros((256, 256)),
    "saturated": np.full((256, 256), 65535),
    "one step": np.indices((256, 256))[0] // 128 * 65535,
    "uniform noise": rng.integers(0, 65536, (256, 256)),
    "every value once": rng.permutation(65536).reshape(256, 256),
    "ten values": rng.choice(rng.integers(0, 65536, 10), (256, 256)),
    "neighbouring values": rng.integers(65530, 65536, (256, 256)),
    "ramp": np.indices((256, 256)).sum(0) * 128,
    "sky": image(7),
}


@pytest.mark.parametrize("name", HARD_IMAGES)
def test_equalize_is_opencv_bit_for_bit_on_hard_images(name: str) -> None:
    frame = HARD_IMAGES[name].astype(np.uint16)
    equalized = equalize(frame[None])
    assert (equalized.shape, equalized.dtype) == ((1, 256, 256), np.uint8)
    np.testing.assert_array_equal(equalized[0], opencv_equalize(frame))


@st.composite
def frames(draw: st.DrawFn) -> NDArray[np.uint16]:
    """Images with few or many values in a narrow or a full range, with constant and saturated patches."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    low = draw(st.integers(0, 65535))
    high = draw(st.integers(low, 65535))
    values = generator.integers(low, high + 1, draw(st.integers(1, 5000)))
    frame = generator.choice(values, (256, 256))
    for _ in range(draw(st.integers(0, 3))):
        y, x, height, width = (draw(st.integers(0, 255)) for _ in range(4))
        frame[y : y + height, x : x + width] = draw(st.sampled_from([0, low, high, 65535]))
    return frame.astype(np.uint16)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(frames())
def test_equalize_is_opencv_bit_for_bit(frame: NDArray[np.uint16]) -> None:
    np.testing.assert_array_equal(equalize(frame[None])[0], opencv_equalize(frame))


@pytest.mark.parametrize("size", [(224, 224), (96, 128), (256, 256), (300, 331)])
@pytest.mark.parametrize("name", HARD_IMAGES)
def test_the_whole_recipe_is_opencvs(name: str, size: tuple[int, int]) -> None:
    frame = HARD_IMAGES[name].astype(np.uint16)
    prepared = Preprocessor(disc(), size)(frame[None])
    assert (prepared.shape, prepared.dtype) == ((1, *size), np.float32)
    np.testing.assert_allclose(prepared[0], opencv_input(frame, disc(), size), rtol=0, atol=RESIZE_TOLERANCE)


def test_frames_of_a_stack_do_not_touch_each_other() -> None:
    stack = np.stack([frame.astype(np.uint16) for frame in HARD_IMAGES.values()])
    preprocessor = Preprocessor(disc())
    together = preprocessor(stack)
    for number, frame in enumerate(stack):
        np.testing.assert_array_equal(together[number], preprocessor(frame[None])[0])
    assert preprocessor(stack[:0]).shape == (0, 224, 224)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((1, 256, 255), np.uint16),
        np.zeros((256, 256), np.uint16),
        np.zeros((1, 256, 256), np.float32),
        np.zeros((1, 256, 256), ">u2"),
    ],
)
def test_other_shapes_and_types_are_refused(images: NDArray[np.uint16]) -> None:
    with pytest.raises(ValueError, match="images must be"):
        equalize(images)
    with pytest.raises(ValueError, match="images must be"):
        Preprocessor(disc())(images)


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="elevation mask must be"):
        Preprocessor(np.ones((224, 224), np.uint8))


@pytest.mark.parametrize("size", [(224, 224), (97, 131), (256, 256), (300, 30)])
def test_what_does_not_see_the_sky_is_zero_in_every_frame(size: tuple[int, int]) -> None:
    mask = disc()
    visible = visible_in_input(mask, size)
    inputs = Preprocessor(mask, size)(np.random.default_rng(0).integers(0, 65536, (20, 256, 256)).astype(np.uint16))
    assert (visible.shape, visible.dtype) == (size, bool)
    seen = (inputs != 0).any(axis=0)
    assert not seen[~visible].any()
    assert seen[visible].mean() > 0.98, "of an edge, what the second pixel of two weighs may be nothing"
