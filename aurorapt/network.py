"""The network of a weights file as a torch module: one submodule a node, evaluated in the order of the graph."""

import torch
from torch import Tensor, nn

from aurorapt.layers import build_layer
from aurorapt.weights import Graph, Weights


class Network(nn.Module):
    """A graph that can be run.

    Attributes
    ----------
    graph : the graph as the weights file gives it
    layers : one module a node, in the order of ``graph.nodes``
    """

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.graph = graph
        self.layers = nn.ModuleList(build_layer(node.op, node.attributes) for node in graph.nodes)
        self._finished = _values_finished(graph)

    def forward(self, images: Tensor) -> Tensor:
        """Class probabilities of images.

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
    network = Network(weights.graph)
    for node, layer in zip(weights.graph.nodes, network.layers, strict=True):
        tensors = {name: torch.from_numpy(weights.tensors[f"{node.name}/{name}"].copy()) for name in layer.state_dict()}
        layer.load_state_dict(tensors, strict=True, assign=True)
    network.requires_grad_(False)
    return network.eval()


def _values_finished(graph: Graph) -> list[tuple[str, ...]]:
    """For each node, the values that no later node reads, so that they need not be kept."""
    last_reader = dict.fromkeys((*graph.inputs, *(node.name for node in graph.nodes)), -1)
    for number, node in enumerate(graph.nodes):
        last_reader.update(dict.fromkeys(node.inputs, number))
    finished: list[list[str]] = [[] for _ in graph.nodes]
    for name, number in last_reader.items():
        if number >= 0 and name not in graph.outputs:
            finished[number].append(name)
    return [tuple(names) for names in finished]
