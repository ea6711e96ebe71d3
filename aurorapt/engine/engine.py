"""The network made fast on a CPU: fused convolutions on weights packed once, the same function as the faithful one."""

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from aurorapt.engine.choices import PRECISIONS
from aurorapt.engine.fused_layers import FusedConvolution, InFloat32, Subsample2d, has_bfloat16, has_fused_convolutions
from aurorapt.engine.fusion import FUSED_CONVOLUTION, SUBSAMPLE, FusedGraph, fuse
from aurorapt.engine.streams import one_thread
from aurorapt.engine.winograd import WinogradConvolution, gains_by_winograd, has_winograd
from aurorapt.errors import OptionError
from aurorapt.machine.processors import usable_processors
from aurorapt.network.faithful import Network, load_layer, values_finished
from aurorapt.weights.graph import Graph, Node
from aurorapt.weights.weights_file import Weights

# between the two largest probabilities in bfloat16; below it, labels may differ from float32's. With the simulated
# weights no probability differed by more than 0.03, so that no larger margin than 0.06 can turn.
CLOSE_CALL = 0.25
# of these, bfloat16 values are taken as they are; all others are computed in float32
BFLOAT16_OPERATIONS = (
    *("relu", "max_pool2d", "zero_pad2d", "crop2d", "concatenate", "flip"),
    *("flatten", "reshape", "permute", "add", "maximum", "minimum"),
)
# operations whose result may share memory with what they read
VIEWS = ("flatten", "reshape", "permute", "crop2d", "zero_pad2d", "upsample2d")


def _build(fused: FusedGraph, batch_size: int, dtype: torch.dtype) -> Network:
    layer = partial(_layer, fused, batch_size, dtype)
    # packed one after another, the weights of a ResNet-50 take 0.2 s more of start-up on 2 processors
    with ThreadPoolExecutor(usable_processors(), initializer=torch.set_num_threads, initargs=(1,)) as executor:
        layers = list(executor.map(layer, fused.graph.nodes, values_finished(fused.graph)))
    network = Network(fused.graph, layers)
    network.requires_grad_(False)
    return network.eval()


def _layer(fused: FusedGraph, batch_size: int, dtype: torch.dtype, node: Node, finished: Collection[str]) -> nn.Module:
    if node.op == FUSED_CONVOLUTION:
        in_place = node.attributes["residual"] and _may_be_overwritten(fused.graph, node, finished)
        return _convolution(node, fused.tensors, (batch_size, *fused.shapes[node.inputs[0]]), dtype, in_place)
    if node.op == SUBSAMPLE:
        return Subsample2d(**node.attributes)
    layer = load_layer(node, fused.tensors)
    return layer if dtype == torch.float32 or node.op in BFLOAT16_OPERATIONS else InFloat32(layer)


def _convolution(
    node: Node,
    tensors: Mapping[str, NDArray[np.float32]],
    input_shape: tuple[int, ...],
    dtype: torch.dtype,
    in_place: bool,
) -> nn.Module:
    weight = torch.from_numpy(tensors[f"{node.name}/weight"])
    bias = torch.from_numpy(tensors[f"{node.name}/bias"]) if f"{node.name}/bias" in tensors else None
    if dtype == torch.float32 and gains_by_winograd(node.attributes, input_shape):
        return WinogradConvolution(node.attributes, weight, bias, input_shape)
    bias = None if bias is None else bias.to(dtype)
    return FusedConvolution(node.attributes, weight.to(dtype), bias, input_shape, in_place)


def _may_be_overwritten(graph: Graph, node: Node, finished: Collection[str]) -> bool:
    """Tell whether a residual convolution is the last to see the memory of its second input."""
    other = node.inputs[1]
    producer = next((maker for maker in graph.nodes if maker.name == other), None)
    viewed = any(reader.op in VIEWS for reader in graph.nodes if other in reader.inputs)
    seen_while_written = other == node.inputs[0]
    return (
        other in finished
        and producer is not None
        and producer.op not in VIEWS
        and not viewed
        and not seen_while_written
    )


def describe_engine() -> str:
    """Say in words how networks are run with this torch on this processor."""
    convolutions = "oneDNN's fused convolutions" if has_fused_convolutions() else "plain torch convolutions"
    winograd = ", Winograd's for 3 by 3 of many channels" if has_winograd() else ""
    return f"{convolutions}{winograd}; {'fp32 and bf16' if has_bfloat16() else 'fp32 only'}"


class Engine:
    """Network inputs in, class probabilities out; each batch in one thread, as `Streams` runs it.

    Parameters
    ----------
    weights : the network to run
    precision : "fp32"; "bf16" for convolutions in bfloat16; "auto" for bfloat16, and float32 again for the frames whose
        two best classes are closer than `CLOSE_CALL` then
    batch_size : frames that `predict` is mostly given at once

    Raises
    ------
    OptionError
        If this processor does not compute in that precision.
    """

    def __init__(self, weights: Weights, precision: str, batch_size: int) -> None:
        self._dtypes: list[torch.dtype] = [getattr(torch, name) for name in PRECISIONS[precision]]
        if torch.bfloat16 in self._dtypes and not has_bfloat16():
            raise OptionError(f"--precision {precision}: this processor does not compute in bfloat16; use fp32")
        fused = fuse(weights.graph, weights.tensors, weights.input_shape)
        self._channels = fused.input_shape[0]
        # oneDNN packs weights for as many threads as it would use now; with another number, it packs them anew for each
        # batch: packed for 16 threads, a ResNet-50 in streams ran at 8 instead of 21 frames/s on 2 processors
        with one_thread():
            self._networks = [_build(fused, batch_size, dtype) for dtype in self._dtypes]

    def predict(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give the probabilities of each class for each frame.

        Parameters
        ----------
        inputs : (n, rows, columns) float32 [frame, y, x], 0 to 255, as `Preprocessor` gives them

        Returns
        -------
        (n, classes) float32, 0 to 1
        """
        probabilities = self._run(0, inputs)
        for number in range(1, len(self._networks)):
            second, best = np.partition(probabilities, -2, axis=1)[:, -2:].T
            close = best - second < CLOSE_CALL
            if close.any():
                probabilities[close] = self._run(number, inputs[close])
        return probabilities

    def _run(self, number: int, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        images = torch.from_numpy(inputs)[:, None].expand(-1, self._channels, -1, -1)
        with torch.inference_mode():
            probabilities: NDArray[np.float32] = self._networks[number](images.to(self._dtypes[number])).float().numpy()
        return probabilities
