"""Rewrite a network into fewer operations that compute the same function.

Patterns are recognised on the graph; what is not recognised stays as it is. Tensors are folded in float64, and what
comes of it is kept in float32.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aurorapt.weights.graph import Graph, Node
from aurorapt.weights.operations import Shape, infer_shapes

FUSED_CONVOLUTION = "fused_conv2d"  # conv2d, plus a second input where `residual`, then `activation`
SUBSAMPLE = "subsample2d"  # every `stride`-th row and column
# what may follow a convolution within one operation; relu is told apart by its attributes
ACTIVATIONS = ("silu", "hard_silu", "tanh", "sigmoid")
# operations that treat every channel alike, so that equal channels stay equal
CHANNELWISE = ("zero_pad2d", "crop2d", "relu", "max_pool2d", "average_pool2d", "upsample2d")

Tensors = Mapping[str, NDArray[Any]]


class _Plan:
    """A graph while it is rewritten; values keep their names and shapes."""

    def __init__(self, graph: Graph, tensors: Tensors, input_shape: Shape) -> None:
        self.input = graph.inputs[0]
        self.output = graph.outputs[0]
        self.nodes = {node.name: node for node in graph.nodes}
        self.tensors = dict(tensors)
        self.shapes: dict[str, Shape] = {self.input: input_shape}
        self.readers: dict[str, list[str]] = {self.input: []}
        for node in graph.nodes:
            self.shapes[node.name], _ = infer_shapes(node.op, node.attributes, [self.shapes[n] for n in node.inputs])
            self.readers[node.name] = []
            for name in node.inputs:
                self.readers[name].append(node.name)

    def only_reader(self, name: str) -> Node | None:
        """Give the one node that reads a value, or None where several do or the value is the network's output."""
        readers = self.readers[name]
        return self.nodes[readers[0]] if len(readers) == 1 and name != self.output else None

    def bypass(self, name: str) -> None:
        """Take out a node: whatever reads it reads its first input instead."""
        node = self.nodes.pop(name)
        source = node.inputs[0]
        for reader in self.readers.pop(name):
            inputs = tuple(source if value == name else value for value in self.nodes[reader].inputs)
            self.nodes[reader] = replace(self.nodes[reader], inputs=inputs)
            self.readers[source].append(reader)
        self.readers[source].remove(name)
        if self.output == name:
            self.output = source

    def insert_before(self, name: str, node: Node, shape: Shape) -> None:
        """Put in a node whose only reader is the node of that name, which then no longer reads the new one's input."""
        order = list(self.nodes.values())
        order.insert(list(self.nodes).index(name), node)
        self.nodes = {each.name: each for each in order}
        self.shapes[node.name] = shape
        readers = self.readers[node.inputs[0]]
        readers[readers.index(name)] = node.name
        self.readers[node.name] = [name]

    def change(self, name: str, **attributes: Any) -> None:
        self.nodes[name] = replace(self.nodes[name], attributes={**self.nodes[name].attributes, **attributes})


@dataclass(frozen=True)
class FusedGraph:
    """A rewritten network.

    Attributes
    ----------
    graph : of the operations of `aurorapt.weights.operations`, `FUSED_CONVOLUTION` and `SUBSAMPLE`
    tensors : ``node_name/parameter`` to float32 array
    shapes : of every value, without the batch axis
    input_shape : of the input, with one channel where all channels of an image may be fed as one
    """

    graph: Graph
    tensors: Mapping[str, NDArray[np.float32]]
    shapes: Mapping[str, Shape]

    @property
    def input_shape(self) -> Shape:
        return self.shapes[self.graph.inputs[0]]


def fuse(graph: Graph, tensors: Tensors, input_shape: Shape) -> FusedGraph:
    """Fold, sum and fuse what can be.

    Parameters
    ----------
    graph, tensors : as a weights file gives them
    input_shape : (channel, y, x); the channels of an image are taken to be equal, as preprocessing makes them
    """
    plan = _Plan(graph, tensors, input_shape)
    _fold_batch_norms(plan)
    _sum_equal_channels(plan)
    _absorb_padding(plan)
    _fuse_convolutions(plan)
    _skip_unread_pixels(plan)
    fused = Graph(tuple(plan.nodes.values()), (plan.input,), (plan.output,))
    named = {name.rpartition("/")[0] for name in plan.tensors} & plan.nodes.keys()
    kept = {name: tensor for name, tensor in plan.tensors.items() if name.rpartition("/")[0] in named}
    single = {name: tensor.astype(np.float32, copy=False) for name, tensor in kept.items()}
    return FusedGraph(fused, single, plan.shapes)


def _fold_batch_norms(plan: _Plan) -> None:
    for node in [node for node in plan.nodes.values() if node.op == "batch_norm"]:
        source = plan.nodes.get(node.inputs[0])
        # a dense layer on an image gives its features on the last axis, where batch_norm does not look
        foldable = source is not None and (
            source.op == "conv2d" or (source.op == "dense" and len(plan.shapes[source.name]) == 1)
        )
        if source is None or not foldable or plan.only_reader(source.name) is not node:
            continue
        gain, mean, variance, offset = (
            plan.tensors[f"{node.name}/{name}"].astype(np.float64)
            for name in ("weight", "running_mean", "running_var", "bias")
        )
        gain = gain / np.sqrt(variance + node.attributes["epsilon"])
        weight = plan.tensors[f"{source.name}/weight"]
        bias = plan.tensors.get(f"{source.name}/bias", np.zeros(len(weight)))
        folded = np.empty(weight.shape, np.float32)  # filled piece by piece: all of it in float64 takes half a second
        gain_of_output = gain.reshape(-1, *[1] * (weight.ndim - 1))
        np.multiply(weight, gain_of_output, out=folded, dtype=np.float64, casting="same_kind")
        plan.tensors[f"{source.name}/weight"] = folded
        plan.tensors[f"{source.name}/bias"] = (bias - mean) * gain + offset
        plan.change(source.name, bias=True)
        plan.bypass(node.name)


def _sum_equal_channels(plan: _Plan) -> None:
    """Feed one channel instead of equal ones: the first convolutions' kernels are summed over them."""
    channels = plan.shapes[plan.input][0]
    equal = [plan.input]
    convolutions = []
    for name in equal:  # grows while it is walked
        for reader in plan.readers[name]:
            node = plan.nodes[reader]
            if node.op in CHANNELWISE:
                equal.append(reader)
            elif node.op == "conv2d" and node.attributes["groups"] == 1:
                convolutions.append(reader)
            else:
                return
    if channels == 1 or plan.output in equal:
        return
    for name in convolutions:
        weight = plan.tensors[f"{name}/weight"].astype(np.float64)
        plan.tensors[f"{name}/weight"] = weight.sum(axis=1, keepdims=True)
        plan.change(name, in_channels=1)
    for name in equal:
        plan.shapes[name] = (1, *plan.shapes[name][1:])


def _absorb_padding(plan: _Plan) -> None:
    for node in [node for node in plan.nodes.values() if node.op == "zero_pad2d"]:
        sides = node.attributes["padding"]
        merged: dict[str, tuple[int, ...]] = {}
        for reader in plan.readers[node.name]:
            target = plan.nodes[reader]
            if target.op == "conv2d" or (target.op == "max_pool2d" and _is_positive(plan, node.inputs[0])):
                merged[reader] = tuple(map(sum, zip(target.attributes["padding"], sides, strict=True)))
        top_to_bottom_alike = all(pad[0] == pad[1] and pad[2] == pad[3] for pad in merged.values())
        within_windows = all(
            plan.nodes[name].op == "conv2d"
            or all(
                2 * side <= size
                for side, size in zip(pad[::2], plan.nodes[name].attributes["kernel_size"], strict=True)
            )
            for name, pad in merged.items()
        )
        if node.name == plan.output or len(merged) < len(plan.readers[node.name]):
            continue
        if top_to_bottom_alike and within_windows:
            for name, pad in merged.items():
                plan.change(name, padding=pad)
            plan.bypass(node.name)


def _is_positive(plan: _Plan, name: str) -> bool:
    """Tell whether a value is never below zero, so that zeros around it win no maximum that it would not win."""
    node = plan.nodes.get(name)
    return node is not None and node.op == "relu" and _activation(node) is not None


def _activation(node: Node) -> str | None:
    """Give the name of an activation that can follow a convolution within one operation."""
    if node.op == "relu" and not node.attributes["negative_slope"] and not node.attributes["threshold"]:
        return {None: "relu", 6.0: "relu6"}.get(node.attributes["max_value"])
    return node.op if node.op in ACTIVATIONS else None


def _fuse_convolutions(plan: _Plan) -> None:
    for name in [node.name for node in plan.nodes.values() if node.op == "conv2d"]:
        node = plan.nodes[name]
        plan.nodes[name] = replace(node, op=FUSED_CONVOLUTION)
        plan.change(name, activation=None, residual=False)
    for node in [node for node in plan.nodes.values() if node.op == "add"]:
        _fuse_addition(plan, node.name)
    for name in [node.name for node in plan.nodes.values() if node.op == FUSED_CONVOLUTION]:
        reader = plan.only_reader(name)
        activation = _activation(reader) if reader is not None else None
        # oneDNN follows an addition with no other activation
        if reader is not None and activation and (activation == "relu" or not plan.nodes[name].attributes["residual"]):
            plan.change(name, activation=activation)
            plan.bypass(reader.name)


def _fuse_addition(plan: _Plan, name: str) -> None:
    """Let a convolution add what is added to it; it then stands where the addition stood."""
    inputs = plan.nodes[name].inputs
    if len(inputs) != 2 or len({plan.shapes[value] for value in inputs}) != 1:
        return
    for source, other in (inputs, inputs[::-1]):
        convolution = plan.nodes.get(source)
        if convolution is None or convolution.op != FUSED_CONVOLUTION or convolution.attributes["residual"]:
            continue
        if plan.only_reader(source) is None:
            continue
        for parameter in ("weight", "bias"):
            if f"{source}/{parameter}" in plan.tensors:
                plan.tensors[f"{name}/{parameter}"] = plan.tensors.pop(f"{source}/{parameter}")
        attributes = {**convolution.attributes, "residual": True}
        plan.nodes[name] = Node(name, FUSED_CONVOLUTION, (convolution.inputs[0], other), attributes)
        del plan.nodes[source], plan.readers[source]
        readers = plan.readers[convolution.inputs[0]]
        readers[readers.index(source)] = name
        return


def _skip_unread_pixels(plan: _Plan) -> None:
    """Compute an image only where it is read, if 1 by 1 convolutions with a stride are all that reads it.

    The last block before each narrowing of a ResNet is so; the readers then go without a stride.
    """
    for name in [node.name for node in reversed(plan.nodes.values()) if node.op == FUSED_CONVOLUTION]:
        strides = {_pointwise_stride(plan.nodes[reader]) for reader in plan.readers[name]}
        if len(strides) != 1 or name == plan.output:
            continue
        (stride,) = strides
        if stride is None or stride == (1, 1):
            continue
        # a value that is added to a convolution's result is read everywhere
        if all(plan.nodes[reader].inputs[1:] != (name,) for reader in plan.readers[name]):
            _narrow(plan, name, stride)


def _pointwise_stride(node: Node) -> tuple[int, int] | None:
    attributes = node.attributes
    if node.op != FUSED_CONVOLUTION or attributes["kernel_size"] != (1, 1) or any(attributes["padding"]):
        return None
    stride: tuple[int, int] = attributes["stride"]
    return stride


def _narrow(plan: _Plan, name: str, stride: tuple[int, int]) -> None:
    for reader in plan.readers[name]:
        plan.change(reader, stride=(1, 1))
    node = plan.nodes[name]
    y, x = node.attributes["stride"]
    plan.change(name, stride=(y * stride[0], x * stride[1]))
    channels, *size = plan.shapes[name]
    plan.shapes[name] = (channels, *(-(-length // step) for length, step in zip(size, stride, strict=True)))
    if node.attributes["residual"]:
        image, other = node.inputs
        narrowed = f"{name}/subsampled"
        plan.insert_before(name, Node(narrowed, SUBSAMPLE, (other,), {"stride": stride}), plan.shapes[name])
        plan.nodes[name] = replace(plan.nodes[name], inputs=(image, narrowed))
