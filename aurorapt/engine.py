"""The network made fast on a CPU: fused convolutions on weights packed once, the same function as the faithful one."""

import functools
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from aurorapt.errors import OptionError
from aurorapt.fusion import FUSED_CONVOLUTION, SUBSAMPLE, FusedGraph, fuse
from aurorapt.graph import Graph, Node
from aurorapt.network import Network, load_layer, values_finished
from aurorapt.weights import Weights

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}
# of these, bfloat16 values are taken as they are; all others are computed in float32
BFLOAT16_OPERATIONS = (
    *("relu", "max_pool2d", "zero_pad2d", "crop2d", "concatenate", "flip"),
    *("flatten", "reshape", "permute", "add", "maximum", "minimum"),
)
# operations whose result may share memory with what they read
VIEWS = ("flatten", "reshape", "permute", "crop2d", "zero_pad2d", "upsample2d")
ONEDNN_NAMES = {"relu6": "hardtanh", "silu": "swish", "hard_silu": "hardswish"}
ONEDNN_SCALARS = {"relu6": [0.0, 6.0]}
ACTIVATIONS = {
    "relu": torch.relu_,
    "relu6": functional.relu6,
    "silu": functional.silu,
    "hard_silu": functional.hardswish,
    "tanh": torch.tanh_,
    "sigmoid": torch.sigmoid_,
}


class FusedConvolution(nn.Module):
    """Convolution, then the addition of a second input where there is one, then an activation.

    Parameters
    ----------
    attributes : of the node
    weight, bias : as of a convolution
    input_shape : (n, channel, y, x) that is expected; others work too
    in_place : whether the second input may be overwritten with the result
    """

    def __init__(
        self,
        attributes: Mapping[str, Any],
        weight: Tensor,
        bias: Tensor | None,
        input_shape: tuple[int, ...],
        in_place: bool,
    ) -> None:
        super().__init__()
        self.dtype = weight.dtype
        self.bias = bias
        self.stride, self.dilation, self.groups = (attributes[name] for name in ("stride", "dilation", "groups"))
        top, bottom, left, right = attributes["padding"]
        self.outside = (0, 0, 0, 0) if (top, left) == (bottom, right) else (left, right, top, bottom)
        self.padding = (0, 0) if any(self.outside) else (top, left)
        self.activation = attributes["activation"]
        self.in_place = in_place
        self.fused = has_fused_convolutions()
        self.weight = weight.contiguous(memory_format=torch.channels_last)
        if self.fused:
            n, channels, y, x = input_shape
            padded = [n, channels, y + sum(self.outside[2:]), x + sum(self.outside[:2])]
            self.weight = torch.ops.mkldnn._reorder_convolution_weight(
                self.weight, self.padding, self.stride, self.dilation, self.groups, padded
            )

    def forward(self, images: Tensor, other: Tensor | None = None) -> Tensor:
        images = images.to(self.dtype)
        if any(self.outside):
            images = functional.pad(images, self.outside)
        if not self.fused:
            return self._unfused(images, other)
        shape = (self.weight, self.bias, self.padding, self.stride, self.dilation, self.groups)
        name = ONEDNN_NAMES.get(self.activation, self.activation)
        if other is None:
            scalars = ONEDNN_SCALARS.get(self.activation, [])
            result: Tensor = torch.ops.mkldnn._convolution_pointwise(images, *shape, name or "none", scalars, "")
        elif self.in_place and other.dtype == self.dtype:
            result = torch.ops.mkldnn._convolution_pointwise_(other, images, *shape, "add", None, name, [], "")
        else:
            other = other.to(self.dtype)
            result = torch.ops.mkldnn._convolution_pointwise(images, other, *shape, "add", None, name, [], "")
        return result

    def _unfused(self, images: Tensor, other: Tensor | None) -> Tensor:
        result = functional.conv2d(
            images, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups
        )
        if other is not None:
            result = result.add_(other)
        return ACTIVATIONS[self.activation](result) if self.activation else result


class Subsample2d(nn.Module):
    """Every so many rows and columns of an image, in memory of its own."""

    def __init__(self, stride: tuple[int, int]) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, images: Tensor) -> Tensor:
        return images[:, :, :: self.stride[0], :: self.stride[1]].contiguous(memory_format=torch.channels_last)


class InFloat32(nn.Module):
    """A layer that is fed float32, whatever its inputs are."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, *values: Tensor) -> Tensor:
        result: Tensor = self.layer(*(value.float() for value in values))
        return result


@functools.cache
def has_fused_convolutions() -> bool:
    """Whether this torch has oneDNN's fused convolutions, and they work on this processor."""
    image, weight = torch.ones(1, 1, 2, 2), torch.ones(1, 1, 1, 1)
    place = ((0, 0), (1, 1), (1, 1), 1)
    try:
        packed = torch.ops.mkldnn._reorder_convolution_weight(weight, *place, [1, 1, 2, 2])
        result = torch.ops.mkldnn._convolution_pointwise(image, packed, None, *place, "relu", [], "")
        result = torch.ops.mkldnn._convolution_pointwise_(
            result, image, packed, None, *place, "add", None, "relu", [], ""
        )
    except (AttributeError, RuntimeError):
        return False
    return bool((result == 2).all())


def has_bfloat16() -> bool:
    """Whether this processor computes in bfloat16."""
    try:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    except (AttributeError, RuntimeError):
        return False


def _build(fused: FusedGraph, batch_size: int, dtype: torch.dtype) -> Network:
    graph, tensors = fused.graph, fused.tensors
    layers: list[nn.Module] = []
    for node, finished in zip(graph.nodes, values_finished(graph), strict=True):
        if node.op == FUSED_CONVOLUTION:
            bias = tensors.get(f"{node.name}/bias")
            layers.append(
                FusedConvolution(
                    node.attributes,
                    torch.from_numpy(tensors[f"{node.name}/weight"]).to(dtype),
                    None if bias is None else torch.from_numpy(bias).to(dtype),
                    (batch_size, *fused.shapes[node.inputs[0]]),
                    in_place=node.attributes["residual"] and _may_be_overwritten(graph, node, finished),
                )
            )
        elif node.op == SUBSAMPLE:
            layers.append(Subsample2d(**node.attributes))
        else:
            layer = load_layer(node, tensors)
            layers.append(layer if dtype == torch.float32 or node.op in BFLOAT16_OPERATIONS else InFloat32(layer))
    network = Network(graph, layers)
    network.requires_grad_(False)
    return network.eval()


def _may_be_overwritten(graph: Graph, node: Node, finished: Collection[str]) -> bool:
    """Whether a residual convolution is the last to see the memory of its second input."""
    other = node.inputs[1]
    producer = next((maker for maker in graph.nodes if maker.name == other), None)
    viewed = any(reader.op in VIEWS for reader in graph.nodes if other in reader.inputs)
    return other in finished and producer is not None and producer.op not in VIEWS and not viewed


def describe_engine() -> str:
    """Say in words how networks are run with this torch on this processor."""
    convolutions = "oneDNN's fused convolutions" if has_fused_convolutions() else "plain torch convolutions"
    return f"{convolutions}; {'fp32 and bf16' if has_bfloat16() else 'fp32 only'}"


class Engine:
    """Network inputs in, class probabilities out.

    Parameters
    ----------
    weights : the network to run
    precision : "fp32", or "bf16" for convolutions in bfloat16
    batch_size : frames that `predict` is mostly given at once

    Raises
    ------
    OptionError
        If this processor does not compute in that precision.
    """

    def __init__(self, weights: Weights, precision: str, batch_size: int) -> None:
        if precision == "bf16" and not has_bfloat16():
            raise OptionError("--precision bf16: this processor does not compute in bfloat16; use fp32")
        fused = fuse(weights.graph, weights.tensors, weights.input_shape)
        self._channels = fused.input_shape[0]
        self._dtype = PRECISIONS[precision]
        self._network = _build(fused, batch_size, self._dtype)

    def predict(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities of each class for each frame.

        Parameters
        ----------
        inputs : (n, rows, columns) float32 [frame, y, x], 0 to 255, as `aurorapt.preprocess.Preprocessor` gives them

        Returns
        -------
        (n, classes) float32, 0 to 1
        """
        images = torch.from_numpy(inputs)[:, None].expand(-1, self._channels, -1, -1)
        with torch.inference_mode():
            probabilities: NDArray[np.float32] = self._network(images.to(self._dtype)).float().numpy()
        return probabilities
