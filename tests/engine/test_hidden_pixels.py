"""What only sees black beyond the elevation mask is computed once, and nothing shows of it."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

import aurorapt.engine.building
import aurorapt.engine.hidden_pixels
from aurorapt.engine.engine import Engine
from aurorapt.engine.fused_layers import has_bfloat16
from aurorapt.engine.fusion import fuse
from aurorapt.engine.gathering import Gather
from aurorapt.engine.hidden_pixels import leave_out_hidden
from aurorapt.engine.streams import one_thread
from aurorapt.engine.stretches import MOST_FRAMES
from aurorapt.images.preprocess import visible_in_input
from aurorapt.weights.weights_file import Weights
from tests.engine.test_fusion import (
    BFLOAT16_TOLERANCE,
    NETWORKS,
    SIZE,
    TOLERANCE,
    NetworkBuilder,
    faithful,
    images,
    images_fed_to,
    random_network,
    residual_network,
    scaled,
)

y, x = np.mgrid[:256, :256]
MASKS = {
    "a disc": (y - 130) ** 2 + (x - 120) ** 2 < 80**2,
    "a disc that leaves the image": (y - 40) ** 2 + (x - 200) ** 2 < 90**2,
    "a wedge": (y > 100) & (x > y),
    "two pixels": np.isin(y * 256 + x, (60 * 256 + 60, 180 * 256 + 200)),
    "everything": y >= 0,
    "nothing": y < 0,
}


def branching_network() -> Weights:
    """Add values that see more, and that nothing else reads, to what convolutions give."""
    build = NetworkBuilder(6)
    stem = build.relu(build.conv("image", 8, kernel=3, pad=1))
    wide = build.relu(build.conv(stem, 8, kernel=5, pad=2))
    value = build.relu(build.random("add", build.conv(stem, 8), wide))
    other = build.conv(value, 8, kernel=3, pad=1)
    branch = build.relu(build.conv(value, 8))
    return build.weights(build.relu(build.random("add", build.conv(branch, 8, kernel=3, pad=1), other)))


MORE_NETWORKS = {**NETWORKS, "branching": branching_network}


@pytest.fixture(autouse=True)
def whatever_it_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what can be, though in networks this small it takes longer."""
    monkeypatch.setattr(aurorapt.engine.hidden_pixels, "MOVING", 0)


def masked(weights: Weights, mask: NDArray[np.bool_]) -> Weights:
    return replace(weights, elevation_mask=mask.astype(np.uint8))


def seen_through(mask: NDArray[np.bool_], inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Put black beyond the mask, as preprocessing does."""
    return inputs * visible_in_input(mask.astype(np.uint8), inputs.shape[1:])


def gathered(weights: Weights, monkeypatch: pytest.MonkeyPatch, inputs: NDArray[np.float32]) -> int:
    """Count how often pixels are gathered for these inputs, as they are where some are left out."""
    with monkeypatch.context() as patch:
        fed = images_fed_to(Gather, patch)
        Engine(weights, "fp32").predict(inputs)
    return len(fed)


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("name", MORE_NETWORKS)
def test_the_engine_is_the_faithful_network(name: str, mask: NDArray[np.bool_]) -> None:
    weights = masked(scaled(MORE_NETWORKS[name]()), mask)
    inputs = seen_through(mask, images())
    np.testing.assert_allclose(
        Engine(weights, "fp32").predict(inputs), faithful(weights, inputs), rtol=0, atol=TOLERANCE
    )


@pytest.mark.parametrize("seed", range(40))
def test_random_networks(seed: int) -> None:
    mask = list(MASKS.values())[seed % len(MASKS)]
    weights = masked(random_network(seed), mask)
    inputs = seen_through(mask, images(3))
    np.testing.assert_allclose(
        Engine(weights, "fp32").predict(inputs), faithful(weights, inputs), rtol=0, atol=TOLERANCE
    )


@pytest.mark.skipif(not has_bfloat16(), reason="this processor has no bfloat16")
@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_in_bfloat16_too(mask: NDArray[np.bool_]) -> None:
    weights = masked(scaled(residual_network()), mask)
    inputs = seen_through(mask, images())
    found = Engine(weights, "bf16").predict(inputs)
    np.testing.assert_allclose(found, faithful(weights, inputs), rtol=0, atol=BFLOAT16_TOLERANCE)


def test_pixels_are_left_out_where_frames_are_black(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = scaled(residual_network())
    disc = MASKS["a disc"]
    assert gathered(masked(weights, disc), monkeypatch, seen_through(disc, images())) > 0
    assert gathered(masked(weights, MASKS["everything"]), monkeypatch, images()) == 0


def test_frames_that_are_not_black_there_are_computed_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    disc = MASKS["a disc"]
    weights, inputs = masked(scaled(residual_network()), disc), images()
    assert gathered(weights, monkeypatch, inputs) == 0
    inputs[::2] = seen_through(disc, inputs[::2])
    assert gathered(weights, monkeypatch, inputs) > 0
    found = Engine(weights, "fp32").predict(inputs)
    np.testing.assert_allclose(found, faithful(weights, inputs), rtol=0, atol=TOLERANCE)
    assert np.ptp(found) > 0.01
    inputs[:] = 0
    inputs[1, 0, 0], inputs[3, -1, -1] = 200, -200
    found = Engine(weights, "fp32").predict(inputs)
    np.testing.assert_allclose(found, faithful(weights, inputs), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("precision", ["fp32", "bf16", "auto"] if has_bfloat16() else ["fp32"])
@pytest.mark.parametrize("cache", [None, 20_000], ids=["of this machine", "small"])
def test_however_frames_are_gathered_their_bits_are_the_same(
    precision: str, cache: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if cache:
        monkeypatch.setattr(aurorapt.engine.building, "cache_bytes", lambda: cache)
    disc = MASKS["a disc"]
    inputs = images(2 * MOST_FRAMES + 5)
    inputs[::3] = seen_through(disc, inputs[::3])
    with one_thread():
        engine = Engine(masked(scaled(residual_network()), disc), precision)
        expected = engine.predict(inputs)
        for size in (1, 3, MOST_FRAMES - 1):
            parts = [engine.predict(inputs[start : start + size]) for start in range(0, len(inputs), size)]
            np.testing.assert_array_equal(np.concatenate(parts), expected)


def test_a_network_stays_whole_where_moving_pixels_costs_more_than_it_saves() -> None:
    weights = residual_network()
    fused = fuse(weights.graph, weights.tensors, weights.input_shape)
    visible = visible_in_input(MASKS["a disc"].astype(np.uint8), (SIZE, SIZE))
    assert leave_out_hidden(fused.graph, fused.shapes, visible) is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aurorapt.engine.hidden_pixels, "MOVING", 10_000)
        assert leave_out_hidden(fused.graph, fused.shapes, visible) is None


def test_where_no_window_looks_at_a_visible_pixel_all_is_computed() -> None:
    build = NetworkBuilder()
    weights = build.weights(build.relu(build.conv("image", 8, stride=2)))
    fused = fuse(weights.graph, weights.tensors, weights.input_shape)
    visible = np.zeros((SIZE, SIZE), bool)
    visible[3, 5] = True
    assert leave_out_hidden(fused.graph, fused.shapes, visible) is None
