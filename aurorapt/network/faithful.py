"""The network of a weights file as a torch module: one submodule a node, evaluated in the order of the graph."""

from collections.abc import Iterable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from aurorapt.network.layers import build_layer
from aurorapt.weights.graph import Graph, Node
from aurorapt.weights.weights_file import Weights


class Network(nn.Module):
    """A graph that can be run.

    Attributes
    ----------
    graph : the graph as the weights file gives it
    layers : one module a node, in the order of ``graph.nodes``; by default the faithful ones, not filled in
    """

    def __init__(self, graph: Graph, layers: Iterable[nn.Module] | None = None) -> None:
        super().__init__()
        self.graph = graph
        if layers is None:
            layers = (build_layer(node.op, node.attributes) for node in graph.nodes)
        self.layers = nn.ModuleList(layers)
        self._finished = values_finished(graph)

    def forward(self, images: Tensor) -> Tensor:
        """Give the class probabilities of images.

        Parameters
        ----------
        images : (n, channel, y, x) float32, 0 to 255

        Returns
        -------
        (n, classes) float32
        """
        values = {self.graph.inputs[0]: images}
        for node, layer, finished in zip(self.graph.nodes, self.layers, self._finished, strict=True):
            values[node.name] = layer(*(values[name] for name in node.inputs))
            for name in finished:
                del values[name]
        return values[self.graph.outputs[0]]


def build_network(weights: Weights) -> Network:
    """Build the network of a weights file, ready for inference.

    Returns
    -------
    the network in ``eval()`` mode, without gradients; its tensors are copies, so ``weights`` may be dropped
    """
    network = Network(weights.graph, [load_layer(node, weights.tensors) for node in weights.graph.nodes])
    network.requires_grad_(False)
    return network.eval()


def load_layer(node: Node, tensors: Mapping[str, NDArray[np.float32]]) -> nn.Module:
    """Build the faithful layer of one node, with copies of its tensors."""
    layer = build_layer(node.op, node.attributes)
    own = {name: torch.from_numpy(tensors[f"{node.name}/{name}"].copy()) for name in layer.state_dict()}
    layer.load_state_dict(own, strict=True, assign=True)
    return layer


def values_finished(graph: Graph) -> list[tuple[str, ...]]:
    """Give for each node the values that no later node reads, so that they need not be kept."""
    last_reader = dict.fromkeys((*graph.inputs, *(node.name for node in graph.nodes)), -1)
    for number, node in enumerate(graph.nodes):
        last_reader.update(dict.fromkeys(node.inputs, number))
    finished: list[list[str]] = [[] for _ in graph.nodes]
    for name, number in last_reader.items():
        if number >= 0 and name not in graph.outputs:
            finished[number].append(name)
    return [tuple(names) for names in finished]
