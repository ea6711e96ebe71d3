"""The layers whose arithmetic is not plainly torch's, against sums written out by hand."""

import numpy as np
import pytest
import torch

from aurorapt.network.layers import LAYERS, build_layer
from aurorapt.weights.operations import OPERATIONS

TOLERANCE = 1e-6  # a few roundings of float32 of values around 1


def images(*shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(20140310).normal(size=shape).astype(np.float32))


def assert_close(found: torch.Tensor, expected: np.ndarray) -> None:
    assert tuple(found.shape) == expected.shape
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=0, atol=TOLERANCE)


def test_every_operation_has_its_layer() -> None:
    assert LAYERS.keys() == OPERATIONS.keys()


def test_convolution_pads_each_side_by_its_own_measure() -> None:
    layer = build_layer(
        "conv2d",
        {
            **{"in_channels": 1, "out_channels": 1, "kernel_size": (2, 2), "stride": (1, 1), "dilation": (1, 1)},
            **{"padding": (0, 1, 2, 0), "groups": 1, "bias": False},
        },
    )
    layer.load_state_dict({"weight": torch.tensor([[[[1.0, 10], [100, 1000]]]])})
    pixels = images(1, 1, 3, 4)
    padded = np.pad(pixels.numpy()[0, 0], ((0, 1), (2, 0)))
    expected = padded[:-1, :-1] + 10 * padded[:-1, 1:] + 100 * padded[1:, :-1] + 1000 * padded[1:, 1:]
    np.testing.assert_allclose(layer(pixels).detach()[0, 0], expected, rtol=1e-6, atol=1e-4)  # sums reach thousands


def test_average_pooling_does_not_count_padding() -> None:
    layer = build_layer("average_pool2d", {"kernel_size": (2, 2), "stride": (2, 2), "padding": (0, 1, 0, 1)})
    pixels = images(2, 3, 3, 3)
    image = pixels.numpy()
    expected = np.stack(
        [
            [image[:, :, :2, :2].mean((2, 3)), image[:, :, :2, 2:].mean((2, 3))],
            [image[:, :, 2:, :2].mean((2, 3)), image[:, :, 2:, 2:].mean((2, 3))],
        ]
    ).transpose(2, 3, 0, 1)
    assert_close(layer(pixels), expected)


def test_max_pooling_never_chooses_padding() -> None:
    layer = build_layer("max_pool2d", {"kernel_size": (2, 2), "stride": (2, 2), "padding": (0, 1, 0, 1)})
    pixels = -1 - images(1, 1, 3, 3).abs()
    image = pixels.numpy()[0, 0]
    expected = np.array([[image[:2, :2].max(), image[:2, 2].max()], [image[2, :2].max(), image[2, 2]]])
    assert_close(layer(pixels), expected[None, None])


@pytest.mark.parametrize("slope", [0.2, 1 / 6])
def test_hard_sigmoid_takes_its_slope_from_the_version_of_keras(slope: float) -> None:
    values = torch.tensor([-9.0, -2.7, -1, 0, 1, 2.7, 9])
    assert_close(build_layer("hard_sigmoid", {"slope": slope})(values), np.clip(slope * values.numpy() + 0.5, 0, 1))


def test_relu_with_all_options() -> None:
    values = torch.tensor([-2.0, 0, 0.4, 0.5, 1, 5])
    layer = build_layer("relu", {"max_value": 1.5, "negative_slope": 0.25, "threshold": 0.5})
    assert_close(layer(values), np.array([-0.625, -0.125, -0.025, 0, 1, 1.5]))


def test_batch_norm_works_on_any_number_of_axes() -> None:
    layer = build_layer("batch_norm", {"channels": 3, "epsilon": 0.1})
    state = {"weight": [1.0, 2, 3], "bias": [0.5, 0, -1], "running_mean": [0.1, 0.2, 0.3], "running_var": [1.0, 4, 9]}
    layer.load_state_dict({name: torch.tensor(values) for name, values in state.items()})
    for shape in ((4, 3), (4, 3, 5), (4, 3, 5, 2)):
        values = images(*shape)
        spread = (3, *(1,) * (len(shape) - 2))
        weight, bias, mean, variance = (np.array(numbers).reshape(spread) for numbers in state.values())
        assert_close(layer(values), weight * (values.numpy() - mean) / np.sqrt(variance + 0.1) + bias)


def test_global_average_pooling_keeps_dimensions_if_asked() -> None:
    pixels = images(2, 3, 4, 5)
    assert_close(build_layer("global_average_pool2d", {"keep_dimensions": False})(pixels), pixels.numpy().mean((2, 3)))
    kept = build_layer("global_average_pool2d", {"keep_dimensions": True})(pixels)
    assert_close(kept, pixels.numpy().mean((2, 3), keepdims=True))
