"""The rewritten graph computes what the faithful one computes; patterns are shown on small graphs."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import aurorapt.engine.engine
import aurorapt.engine.fused_layers
import aurorapt.engine.winograd
import aurorapt.engine.winograd_rows
from aurorapt.engine.engine import Engine
from aurorapt.engine.fused_layers import has_bfloat16
from aurorapt.engine.fusion import FUSED_CONVOLUTION, SUBSAMPLE, fuse
from aurorapt.engine.winograd import WinogradConvolution
from aurorapt.engine.winograd_rows import WinogradRows
from aurorapt.images.preprocess import RECIPE
from aurorapt.network.faithful import build_network
from aurorapt.weights.graph_builder import GraphBuilder
from aurorapt.weights.weights_file import Weights, check_weights
from tests.tiny_network import tiny_weights

TOLERANCE = 1e-5  # probabilities; float32 sums in another order differ by 1e-6
BFLOAT16_TOLERANCE = 0.05  # probabilities; bfloat16 keeps 8 bits
SIZE = 24
PLAIN_RELU = {"max_value": None, "negative_slope": 0.0, "threshold": 0.0}


class NetworkBuilder(GraphBuilder):
    """Builds small networks with random tensors, one node a call; each call returns the node's name."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__("image", (3, SIZE, SIZE))
        self.rng = np.random.default_rng(seed)

    def random(self, op: str, *inputs: str, **attributes: Any) -> str:
        tensors = {}
        for parameter, shape in self.parameters(op, inputs, attributes).items():
            values = self.rng.normal(0, 1 / np.sqrt(max(np.prod(shape[1:]), 1)), shape)
            if parameter == "running_var":
                values = self.rng.uniform(0.5, 2, shape)
            tensors[parameter] = values.astype(np.float32)
        return self.add(f"{op}_{len(self.nodes)}", op, inputs, attributes, tensors)

    def conv(self, source: str, out: int, kernel: int = 1, stride: int = 1, pad: int = 0, groups: int = 1) -> str:
        return self.random(
            "conv2d",
            source,
            in_channels=self.shapes[source][0],
            out_channels=out,
            kernel_size=(kernel, kernel),
            stride=(stride, stride),
            dilation=(1, 1),
            padding=(pad, pad, pad, pad),
            groups=groups,
            bias=True,
        )

    def norm(self, source: str) -> str:
        return self.random("batch_norm", source, channels=self.shapes[source][0], epsilon=1.001e-5)

    def relu(self, source: str, **changes: Any) -> str:
        return self.random("relu", source, **(PLAIN_RELU | changes))

    def weights(self, source: str) -> Weights:
        pooled = self.random("global_average_pool2d", source, keep_dimensions=False)
        dense = self.random("dense", pooled, in_features=self.shapes[pooled][0], out_features=4, bias=True)
        graph, tensors = self.finish(self.random("softmax", dense, axis=1))
        weights = Weights(
            name="built",
            kind="converted",
            classes=("a", "b", "c", "d"),
            input_shape=(3, SIZE, SIZE),
            preprocessing=RECIPE,
            graph=graph,
            tensors=tensors,
            elevation_mask=np.ones((256, 256), np.uint8),
            provenance={},
        )
        check_weights(weights)
        return weights


def bottleneck(build: NetworkBuilder, source: str, width: int, stride: int, narrow_here: bool) -> str:
    """Add a residual block as ResNet-50 has them; the shortcut is a convolution where the shape changes."""
    shortcut = source
    if narrow_here:
        shortcut = build.norm(build.conv(source, 4 * width, stride=stride))
    middle = build.relu(build.norm(build.conv(source, width, stride=stride)))
    middle = build.relu(build.norm(build.conv(middle, width, kernel=3, pad=1)))
    return build.relu(build.random("add", shortcut, build.norm(build.conv(middle, 4 * width))))


def residual_network() -> Weights:
    build = NetworkBuilder()
    padded = build.random("zero_pad2d", "image", padding=(3, 3, 3, 3))
    stem = build.relu(build.norm(build.conv(padded, 8, kernel=7, stride=2)))
    value = build.random(
        "max_pool2d",
        build.random("zero_pad2d", stem, padding=(1, 1, 1, 1)),
        kernel_size=(3, 3),
        stride=(2, 2),
        padding=(0, 0, 0, 0),
    )
    value = bottleneck(build, value, 4, 1, True)
    value = bottleneck(build, value, 4, 1, False)
    value = bottleneck(build, value, 8, 2, True)
    value = bottleneck(build, value, 8, 1, False)
    return build.weights(value)


def activations_network() -> Weights:
    build = NetworkBuilder(1)
    value = build.conv("image", 8, kernel=3)
    for op in ("silu", "hard_silu", "tanh", "sigmoid"):
        value = build.random(op, build.conv(value, 8, kernel=3, pad=1))
    value = build.relu(build.conv(value, 8), max_value=6.0)
    value = build.relu(build.conv(value, 8), negative_slope=0.2)
    value = build.relu(build.conv(value, 8), threshold=0.1)
    value = build.norm(build.relu(build.conv(value, 8, kernel=3, groups=8)))
    return build.weights(build.norm(value))


def awkward_network() -> Weights:
    """Values that are read twice, added to themselves, overwritten too early if one is careless, or seen by views."""
    build = NetworkBuilder(2)
    first = build.conv("image", 6, kernel=3, stride=2)
    twice = build.random("add", first, first)
    branch = build.conv(twice, 6, kernel=3, pad=1)
    joined = build.random("add", twice, branch)
    later = build.random("add", joined, twice)
    two = build.random("add", build.conv(later, 6), build.conv(later, 6))
    cropped = build.random("crop2d", two, cropping=(1, 0, 0, 1))
    kept = build.random("add", two, build.conv(two, 6))
    narrow = build.conv(kept, 6, stride=2)
    other = build.conv(kept, 6, stride=2)
    value = build.random("add", narrow, build.relu(other))
    seen = build.random("global_average_pool2d", cropped, keep_dimensions=True)
    return build.weights(build.random("multiply", value, seen))


def odd_padding_network() -> Weights:
    build = NetworkBuilder(3)
    padded = build.random("zero_pad2d", "image", padding=(0, 1, 0, 1))
    value = build.conv(padded, 5, kernel=3, stride=2)
    padded = build.random("zero_pad2d", value, padding=(1, 1, 1, 1))
    value = build.random("max_pool2d", padded, kernel_size=(3, 3), stride=(1, 1), padding=(0, 0, 0, 0))
    padded = build.random("zero_pad2d", build.relu(value), padding=(2, 2, 2, 2))
    value = build.random("max_pool2d", padded, kernel_size=(3, 3), stride=(1, 1), padding=(0, 0, 0, 0))
    return build.weights(build.random("concatenate", value, build.random("tanh", value), axis=1))


def self_residual_network() -> Weights:
    """Add a convolution to the very value it reads, which nothing reads later."""
    build = NetworkBuilder(4)
    value = build.relu(build.conv("image", 8, kernel=3, stride=2))
    for _ in range(3):
        value = build.relu(build.random("add", value, build.norm(build.conv(value, 8, kernel=3, pad=1))))
    return build.weights(value)


def one_pixel_network() -> Weights:
    """Leave one pixel of an image after subsampling, which needs memory of its own all the same."""
    build = NetworkBuilder(5)
    value = build.conv("image", 8, kernel=3, stride=12)
    doubled = build.random("add", value, build.relu(value))
    kept = build.relu(doubled)
    narrowed = build.random("add", build.conv(value, 8), kept)
    first, second = build.conv(narrowed, 8, stride=2), build.conv(narrowed, 8, stride=2)
    joined = build.random("add", first, second)
    seen = build.random("global_average_pool2d", kept, keep_dimensions=True)
    return build.weights(build.random("add", joined, seen))


NETWORKS = {
    "self-residual": self_residual_network,
    "one pixel": one_pixel_network,
    "residual": residual_network,
    "activations": activations_network,
    "awkward": awkward_network,
    "odd padding": odd_padding_network,
}


def images(count: int = 5, size: int = SIZE) -> NDArray[np.float32]:
    return np.random.default_rng(9).uniform(0, 255, (count, size, size)).astype(np.float32)


def faithful(weights: Weights, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    with torch.inference_mode():
        return np.asarray(build_network(weights)(torch.from_numpy(inputs)[:, None].expand(-1, 3, -1, -1)))


def assert_same(weights: Weights, inputs: NDArray[np.float32], precision: str, tolerance: float) -> None:
    expected = faithful(weights, inputs)
    found = Engine(weights, precision).predict(inputs)
    assert found.shape == expected.shape
    assert found.dtype == np.float32
    assert np.ptp(expected) > 10 * tolerance, "the answers vary too little to prove anything"
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_engine_is_the_faithful_network(name: str) -> None:
    assert_same(scaled(NETWORKS[name]()), images(), "fp32", TOLERANCE)


@pytest.mark.parametrize("frames", [1, 2])
@pytest.mark.parametrize("name", NETWORKS)
def test_few_frames_are_no_exception(name: str, frames: int) -> None:
    weights, inputs = scaled(NETWORKS[name]()), images()[:frames]
    found = Engine(weights, "fp32").predict(inputs)
    expected = faithful(weights, inputs)
    assert expected.max(axis=1).min() < 0.999, "a saturated softmax hides every fault"
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("seed", range(40))
def test_random_networks(seed: int) -> None:
    """Residuals, strides, paddings, views and shared values in any order."""
    weights = random_network(seed)
    inputs = images(3)
    expected = faithful(weights, inputs)
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(Engine(weights, "fp32").predict(inputs), expected, rtol=0, atol=TOLERANCE)


def random_network(seed: int) -> Weights:
    build = NetworkBuilder(seed)
    rng = np.random.default_rng(1000 + seed)
    values = [build.conv("image", 6, kernel=3, stride=int(rng.integers(1, 4)), pad=1)]
    build.tensors[f"{values[0]}/weight"] /= 100
    for _ in range(rng.integers(6, 16)):
        source = str(rng.choice(values))
        alike = [value for value in values if build.shapes[value] == build.shapes[source]]
        other = str(rng.choice(alike))
        values.append(_random_step(build, rng, source, other))
    ends = [build.random("global_average_pool2d", value, keep_dimensions=True) for value in _unread(build)]
    joined = build.random("concatenate", *ends, axis=1) if len(ends) > 1 else ends[0]
    return build.weights(joined)


def _unread(build: NetworkBuilder) -> list[str]:
    read = {value for node in build.nodes for value in node.inputs}
    return [node.name for node in build.nodes if node.name not in read]


def _random_step(build: NetworkBuilder, rng: np.random.Generator, source: str, other: str) -> str:
    size = build.shapes[source][1]
    steps = {
        "residual": lambda: build.random("add", build.conv(source, 6, kernel=3, pad=1), other),
        "pointwise": lambda: build.random("add", other, build.conv(source, 6)),
        "strided": lambda: build.conv(source, 6, stride=2),
        "norm": lambda: build.relu(build.norm(build.conv(source, 6, kernel=3, pad=1))),
        "depthwise": lambda: build.random("silu", build.conv(source, 6, kernel=3, pad=1, groups=6)),
        "padded": lambda: build.conv(build.random("zero_pad2d", source, padding=(1, 1, 1, 1)), 6, kernel=3),
        "cropped": lambda: build.random("crop2d", source, cropping=(0, 1, 1, 0)) if size > 1 else build.relu(source),
        "sum": lambda: build.relu(build.random("add", source, other)),
        "shuffled": lambda: build.random("permute", source, axes=(1, 3, 2)),
        "activated": lambda: build.random("tanh", source),
    }
    return steps[str(rng.choice(list(steps)))]()


@pytest.mark.parametrize("name", NETWORKS)
def test_without_fused_convolutions_too(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aurorapt.engine.fused_layers, "has_fused_convolutions", lambda: False)
    assert_same(scaled(NETWORKS[name]()), images(), "fp32", TOLERANCE)


def images_fed_to(layer: type[nn.Module], monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """Note what layers of a kind are fed from now on."""
    fed: list[Tensor] = []
    forward = layer.forward
    monkeypatch.setattr(layer, "forward", lambda self, images: (fed.append(images), forward(self, images))[1])
    return fed


@pytest.fixture
def winograd_everywhere(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """Compute each 3 by 3 convolution as on a processor and in a network where that gains; the images it was fed."""
    monkeypatch.setattr(aurorapt.engine.winograd, "has_winograd", lambda: True)
    monkeypatch.setattr(aurorapt.engine.winograd, "FEWEST_CHANNELS", 1)
    monkeypatch.setattr(aurorapt.engine.winograd, "FEWEST_TILES", 1)
    return images_fed_to(WinogradConvolution, monkeypatch)


def test_winograd_is_used_in_float32_alone(winograd_everywhere: list[Tensor]) -> None:
    weights, inputs = scaled(residual_network()), images()
    Engine(weights, "fp32").predict(inputs)
    assert {image.dtype for image in winograd_everywhere} == {torch.float32}
    winograd_everywhere.clear()
    if has_bfloat16():
        Engine(weights, "bf16").predict(inputs)
        assert winograd_everywhere == []


@pytest.mark.usefixtures("winograd_everywhere")
@pytest.mark.parametrize("name", NETWORKS)
def test_with_winograd_too(name: str) -> None:
    assert_same(scaled(NETWORKS[name]()), images(), "fp32", TOLERANCE)


@pytest.mark.usefixtures("winograd_everywhere")
@pytest.mark.parametrize("seed", range(40))
def test_random_networks_with_winograd_too(seed: int) -> None:
    test_random_networks(seed)


@pytest.fixture
def winograd_rows_everywhere(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """Compute each 3 by 3 convolution in bfloat16 as where that gains; the images it was fed."""
    monkeypatch.setattr(aurorapt.engine.winograd_rows, "halves_wide_instructions", lambda: True)
    monkeypatch.setattr(aurorapt.engine.winograd_rows, "FEWEST_CHANNELS", 1)
    monkeypatch.setattr(aurorapt.engine.winograd_rows, "FEWEST_ROWS", 2)
    return images_fed_to(WinogradRows, monkeypatch)


def test_winograds_rows_are_used_in_bfloat16_alone(winograd_rows_everywhere: list[Tensor]) -> None:
    weights, inputs = scaled(residual_network()), images()
    Engine(weights, "fp32").predict(inputs)
    assert winograd_rows_everywhere == []
    if has_bfloat16():
        Engine(weights, "bf16").predict(inputs)
        assert {image.dtype for image in winograd_rows_everywhere} == {torch.bfloat16}


@pytest.mark.usefixtures("winograd_rows_everywhere")
@pytest.mark.skipif(not has_bfloat16(), reason="this processor does not compute in bfloat16")
@pytest.mark.parametrize("name", NETWORKS)
def test_bfloat16_with_winograds_rows_is_close(name: str) -> None:
    test_bfloat16_is_close(name)


@pytest.mark.skipif(not has_bfloat16(), reason="this processor does not compute in bfloat16")
@pytest.mark.parametrize("name", NETWORKS)
def test_bfloat16_is_close(name: str) -> None:
    assert_same(scaled(NETWORKS[name]()), images(), "bf16", BFLOAT16_TOLERANCE)


def scaled(weights: Weights) -> Weights:
    """Bring the first kernel down to images of 0 to 255, so that the softmax does not saturate."""
    first = next(node.name for node in weights.graph.nodes if node.op == "conv2d")
    weights.tensors[f"{first}/weight"][:] /= 100  # type: ignore[index]
    return weights


def test_a_tiny_network_too() -> None:
    assert_same(tiny_weights(), images(size=32), "fp32", TOLERANCE)


def operations(weights: Weights) -> list[str]:
    fused = fuse(weights.graph, weights.tensors, weights.input_shape)
    return [node.op for node in fused.graph.nodes]


def test_a_residual_network_becomes_convolutions_alone() -> None:
    ops = operations(residual_network())
    assert set(ops) == {FUSED_CONVOLUTION, "max_pool2d", SUBSAMPLE, "global_average_pool2d", "dense", "softmax"}
    assert ops.count(FUSED_CONVOLUTION) == 1 + 4 + 3 + 4 + 3
    assert ops.count(SUBSAMPLE) == 1


def test_equal_channels_are_fed_as_one() -> None:
    weights = residual_network()
    assert fuse(weights.graph, weights.tensors, weights.input_shape).input_shape == (1, SIZE, SIZE)


def test_the_padding_that_a_maximum_must_see_stays() -> None:
    assert operations(odd_padding_network()).count("zero_pad2d") == 3, "sides differ; below zero; wider than the window"


def test_the_input_is_not_changed() -> None:
    weights, inputs = residual_network(), images()
    before = inputs.copy(), {name: tensor.copy() for name, tensor in weights.tensors.items()}
    Engine(weights, "fp32").predict(inputs)
    np.testing.assert_array_equal(inputs, before[0])
    for name, tensor in weights.tensors.items():
        np.testing.assert_array_equal(tensor, before[1][name])


@pytest.mark.skipif(not has_bfloat16(), reason="this processor does not compute in bfloat16")
def test_close_calls_are_float32s_and_the_others_bfloat16s(monkeypatch: pytest.MonkeyPatch) -> None:
    weights, inputs = scaled(residual_network()), images(40)
    exact, quick = (Engine(weights, name).predict(inputs) for name in ("fp32", "bf16"))
    ordered = np.sort(quick, axis=1)
    margins = ordered[:, -1] - ordered[:, -2]
    monkeypatch.setattr(aurorapt.engine.engine, "CLOSE_CALL", np.median(margins))
    both = Engine(weights, "auto").predict(inputs)
    close = margins < np.median(margins)
    assert 0 < close.sum() < len(close)
    np.testing.assert_allclose(both[close], exact[close], rtol=0, atol=TOLERANCE)
    np.testing.assert_array_equal(both[~close], quick[~close])
