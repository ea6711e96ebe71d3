"""From a fused graph to the stretches that compute it: each layer in its fastest form, its weights packed once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from aurorapt.engine.fused_layers import FusedConvolution, InFloat32, Subsample2d
from aurorapt.engine.fusion import FUSED_CONVOLUTION, SUBSAMPLE, FusedGraph
from aurorapt.engine.gathering import Gather
from aurorapt.engine.hidden_pixels import GATHER, leave_out_hidden
from aurorapt.engine.pooling import MaxPool2d, pools_by_axis, relu_clears_signs
from aurorapt.engine.steady_layers import STEADY_OPERATIONS, OneByOne, steady_product
from aurorapt.engine.stretches import MOST_FRAMES, Plan, Stretch, plan_stretches
from aurorapt.engine.winograd import WinogradConvolution, gains_by_winograd
from aurorapt.engine.winograd_rows import WinogradRows, gains_by_rows
from aurorapt.machine.processors import cache_bytes, usable_processors
from aurorapt.network.faithful import Network, load_layer, values_finished
from aurorapt.weights.graph import Graph, Node

# of these, bfloat16 values are taken as they are; all others are computed in float32
BFLOAT16_OPERATIONS = (
    *("relu", "max_pool2d", "zero_pad2d", "crop2d", "concatenate", "flip"),
    *("flatten", "reshape", "permute", "add", "maximum", "minimum"),
)
# operations whose result may share memory with what they read
VIEWS = ("flatten", "reshape", "permute", "crop2d", "zero_pad2d", "upsample2d")


def build_stretches(fused: FusedGraph, dtype: torch.dtype) -> list[Stretch]:
    """Build the stretches of a network, to be run one after another by one thread each.

    Parameters
    ----------
    dtype : of convolutions, torch.float32 or torch.bfloat16
    """
    plans = plan_stretches(fused, dtype.itemsize, cache_bytes())
    # packed one after another, the weights of a ResNet-50 take 0.2 s more of start-up on 2 processors
    with ThreadPoolExecutor(usable_processors(), initializer=torch.set_num_threads, initargs=(1,)) as executor:
        parts = [
            executor.map(partial(_layer, fused, plan, dtype), plan.graph.nodes, values_finished(plan.graph))
            for plan in plans
        ]
        return [_stretch(fused, plan, dtype, layers) for plan, layers in zip(plans, parts, strict=True)]


def _stretch(fused: FusedGraph, plan: Plan, dtype: torch.dtype, layers: Iterable[nn.Module]) -> Stretch:
    network = Network(plan.graph, layers).requires_grad_(False).eval()
    return Stretch(network, plan.frames, fused.shapes, dtype)


def leave_out_of_stretches(
    stretches: Sequence[Stretch], fused: FusedGraph, visible: NDArray[np.bool_], dtype: torch.dtype
) -> list[Stretch]:
    """Build stretches that compute, of the first images, only the pixels that may differ from frame to frame.

    Parameters
    ----------
    stretches : as `build_stretches` gives them; those that have nothing to leave out are shared
    visible : (y, x) pixels of the network's input that may be other than 0
    dtype : of convolutions
    """
    found = leave_out_hidden(stretches[0].network.graph, fused.shapes, visible) if stretches else None
    if found is None:
        return list(stretches)
    first, *later = stretches
    black = _values_of_black(first, fused, dtype, {gathering.value for gathering in found.gatherings.values()})
    gather = {name: Gather(gathering, black[gathering.value]) for name, gathering in found.gatherings.items()}
    part = FusedGraph(found.graph, fused.tensors, found.shapes)
    plan = Plan(found.graph, first.frames)
    layers = (
        gather[node.name] if node.op == GATHER else _layer(part, plan, dtype, node, finished)
        for node, finished in zip(plan.graph.nodes, values_finished(plan.graph), strict=True)
    )
    return [_stretch(part, plan, dtype, layers), *later]


def _values_of_black(
    stretch: Stretch, fused: FusedGraph, dtype: torch.dtype, wanted: Collection[str]
) -> dict[str, Tensor]:
    """Give values of a stretch where a frame is black, (channel, y, x)."""
    graph = stretch.network.graph
    values = {graph.inputs[0]: torch.zeros(1, *fused.input_shape, dtype=dtype)}
    found = {name: value[0] for name, value in values.items() if name in wanted}
    with torch.inference_mode():
        for node, layer, finished in zip(graph.nodes, stretch.network.layers, values_finished(graph), strict=True):
            values[node.name] = layer(*(values[name] for name in node.inputs))
            if node.name in wanted:
                found[node.name] = values[node.name][0].clone()  # which may be written over later
            for name in finished:
                del values[name]
    return found


def _layer(fused: FusedGraph, plan: Plan, dtype: torch.dtype, node: Node, finished: Collection[str]) -> nn.Module:
    if node.op == FUSED_CONVOLUTION:
        in_place = node.attributes["residual"] and _may_be_overwritten(plan.graph, node, finished)
        return _convolution(node, fused.tensors, (plan.frames, *fused.shapes[node.inputs[0]]), dtype, in_place)
    if node.op == SUBSAMPLE:
        return Subsample2d(**node.attributes)
    if node.op == "max_pool2d" and pools_by_axis(node.attributes["kernel_size"], node.attributes["padding"]):
        as_integers = dtype == torch.bfloat16 and _is_rectified(fused.graph, node.inputs[0]) and relu_clears_signs()
        return MaxPool2d(**node.attributes, as_integers=as_integers)
    layer = load_layer(node, fused.tensors)
    if node.op == "dense" and len(fused.shapes[node.inputs[0]]) == 1:
        layer = steady_product(layer, node.attributes["in_features"], MOST_FRAMES)
    elif node.op not in STEADY_OPERATIONS:
        layer = OneByOne(layer)
    return layer if dtype == torch.float32 or node.op in BFLOAT16_OPERATIONS else InFloat32(layer)


def _is_rectified(graph: Graph, name: str) -> bool:
    """Tell whether a value is what a fused ReLU gives."""
    return any(
        node.name == name and node.op == FUSED_CONVOLUTION and node.attributes["activation"] == "relu"
        for node in graph.nodes
    )


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
    if dtype == torch.bfloat16 and gains_by_rows(node.attributes, input_shape):
        return WinogradRows(node.attributes, weight, bias, input_shape, dtype)
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
