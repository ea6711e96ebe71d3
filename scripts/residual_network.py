"""The default classifier: a small residual network of one input channel, and its form as a weights file."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from training_data import INPUT_SIZE

from aurorapt.images.preprocess import RECIPE
from aurorapt.weights.graph_builder import GraphBuilder
from aurorapt.weights.weights_file import Weights

STEM_CHANNELS = 16
STAGES = ((16, 1), (32, 2), (64, 2), (128, 1))  # channels and blocks; every stage but the first halves the image
INPUT_MEAN, INPUT_SPREAD = 40.0, 40.0  # of equalised frames, 0 to 255


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut (He et al. 2016, CVPR)."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(channels_out)
        self.second = nn.Conv2d(channels_out, channels_out, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(channels_out)
        self.shortcut: nn.Conv2d | None = None
        if stride != 1 or channels_in != channels_out:
            self.shortcut = nn.Conv2d(channels_in, channels_out, 1, stride, bias=False)
            self.shortcut_norm = nn.BatchNorm2d(channels_out)

    def forward(self, images: Tensor) -> Tensor:
        inner = torch.relu(self.first_norm(self.first(images)))
        inner = self.second_norm(self.second(inner))
        beside = images if self.shortcut is None else self.shortcut_norm(self.shortcut(images))
        return torch.relu(inner + beside)


class ResidualNetwork(nn.Module):
    """A residual network from (n, 1, 224, 224) float32 images, 0 to 255, to (n, classes) logits."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, STEM_CHANNELS, 5, 2, 2, bias=False)
        self.stem_norm = nn.BatchNorm2d(STEM_CHANNELS)
        self.pool = nn.MaxPool2d(2)
        blocks: list[Block] = []
        channels = STEM_CHANNELS
        for stage, (width, depth) in enumerate(STAGES):
            for number in range(depth):
                blocks.append(Block(channels, width, stride=2 if stage and not number else 1))
                channels = width
        self.blocks = nn.ModuleList(blocks)
        self.dense = nn.Linear(channels, classes)

    def forward(self, images: Tensor) -> Tensor:
        values = self.stem((images - INPUT_MEAN) / INPUT_SPREAD)
        values = self.pool(torch.relu(self.stem_norm(values)))
        for block in self.blocks:
            values = block(values)
        return self.dense(values.mean((2, 3)))


def _array(values: Tensor) -> NDArray[np.float32]:
    return values.detach().float().contiguous().numpy().copy()


class _GraphWriter(GraphBuilder):
    """Adds the layers of a `ResidualNetwork`, one after another."""

    def convolution(self, name: str, source: str, layer: nn.Conv2d) -> str:
        vertical, horizontal = layer.padding
        attributes = {
            "in_channels": layer.in_channels,
            "out_channels": layer.out_channels,
            "kernel_size": tuple(layer.kernel_size),
            "stride": tuple(layer.stride),
            "dilation": (1, 1),
            "padding": (vertical, vertical, horizontal, horizontal),
            "groups": 1,
            "bias": False,
        }
        return self.add(name, "conv2d", [source], attributes, {"weight": _array(layer.weight)})

    def norm(self, name: str, source: str, layer: nn.BatchNorm2d) -> str:
        parts = ("weight", "bias", "running_mean", "running_var")
        tensors = {part: _array(getattr(layer, part)) for part in parts}
        return self.add(name, "batch_norm", [source], {"channels": layer.num_features, "epsilon": layer.eps}, tensors)

    def relu(self, name: str, source: str) -> str:
        return self.add(name, "relu", [source], {"max_value": None, "negative_slope": 0.0, "threshold": 0.0})

    def block(self, name: str, source: str, block: Block) -> str:
        inner = self.norm(
            f"{name}_first_norm", self.convolution(f"{name}_first", source, block.first), block.first_norm
        )
        inner = self.convolution(f"{name}_second", self.relu(f"{name}_first_relu", inner), block.second)
        inner = self.norm(f"{name}_second_norm", inner, block.second_norm)
        beside = source
        if block.shortcut is not None:
            beside = self.convolution(f"{name}_shortcut", source, block.shortcut)
            beside = self.norm(f"{name}_shortcut_norm", beside, block.shortcut_norm)
        return self.relu(f"{name}_relu", self.add(f"{name}_add", "add", [inner, beside]))


def to_weights(
    network: ResidualNetwork,
    temperature: float,
    classes: tuple[str, ...],
    elevation_mask: NDArray[np.uint8],
    provenance: Mapping[str, Any],
) -> Weights:
    """Return a trained network as weights; the temperature goes into the last layer."""
    writer = _GraphWriter("image", (1, INPUT_SIZE, INPUT_SIZE))
    numbers = {"scale": 1 / INPUT_SPREAD, "offset": -INPUT_MEAN / INPUT_SPREAD}
    value = writer.add(
        "scaled",
        "affine",
        ["image"],
        {"shape": (1, 1, 1), "scale": True, "offset": True},
        {name: np.full((1, 1, 1), number, np.float32) for name, number in numbers.items()},
    )
    value = writer.norm("stem_norm", writer.convolution("stem", value, network.stem), network.stem_norm)
    value = writer.relu("stem_relu", value)
    value = writer.add(
        "pool", "max_pool2d", [value], {"kernel_size": (2, 2), "stride": (2, 2), "padding": (0, 0, 0, 0)}
    )
    for number, block in enumerate(network.blocks):
        value = writer.block(f"block{number}", value, block)
    value = writer.add("mean", "global_average_pool2d", [value], {"keep_dimensions": False})
    dense = network.dense
    value = writer.add(
        "dense",
        "dense",
        [value],
        {"in_features": dense.in_features, "out_features": dense.out_features, "bias": True},
        {"weight": _array(dense.weight / temperature), "bias": _array(dense.bias / temperature)},
    )
    graph, tensors = writer.finish(writer.add("softmax", "softmax", [value], {"axis": 1}))
    return Weights(
        name="simulated",
        kind="simulated",
        classes=classes,
        input_shape=(1, INPUT_SIZE, INPUT_SIZE),
        preprocessing=RECIPE,
        graph=graph,
        tensors=tensors,
        elevation_mask=elevation_mask,
        provenance=provenance,
    )
