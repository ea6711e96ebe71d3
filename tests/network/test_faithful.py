"""The network of a weights file: the same numbers as the graph written out, and nothing kept that could change it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from aurorapt.network.faithful import build_network
from aurorapt.weights.weights_file import Graph, Node, Weights
from tests.tiny_network import tiny_weights


def residual_weights() -> Weights:
    """Weights whose graph reads one value three times, and one value late."""
    random = np.random.default_rng(20140310)
    dense = {"in_features": 4, "out_features": 4, "bias": True}
    nodes = (
        Node("pool", "global_average_pool2d", ("images",), {"keep_dimensions": False}),
        Node("wide", "dense", ("pool",), {"in_features": 3, "out_features": 4, "bias": False}),
        Node("one", "dense", ("wide",), dense),
        Node("two", "dense", ("one",), dense),
        Node("sum", "add", ("two", "wide", "wide"), {}),
        Node("probabilities", "softmax", ("sum",), {"axis": 1}),
    )
    shapes = {"wide/weight": (4, 3), "one/weight": (4, 4), "one/bias": (4,), "two/weight": (4, 4), "two/bias": (4,)}
    tensors = {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return replace(
        tiny_weights(),
        input_shape=(3, 6, 5),
        classes=("a", "b", "c", "d"),
        graph=Graph(nodes, ("images",), ("probabilities",)),
        tensors=tensors,
    )


def test_computes_the_graph() -> None:
    weights = residual_weights()
    images = np.random.default_rng(0).uniform(0, 1, (5, 3, 6, 5)).astype(np.float32)
    tensors = {name: tensor.astype(float) for name, tensor in weights.tensors.items()}
    wide = images.mean((2, 3)) @ tensors["wide/weight"].T
    one = wide @ tensors["one/weight"].T + tensors["one/bias"]
    total = one @ tensors["two/weight"].T + tensors["two/bias"] + 2 * wide
    expected = np.exp(total) / np.exp(total).sum(1, keepdims=True)
    found = build_network(weights)(torch.from_numpy(images))
    assert found.dtype == torch.float32
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=1e-6)  # float32 against float64


def test_is_ready_for_inference() -> None:
    network = build_network(tiny_weights())
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_shares_no_memory_with_the_weights() -> None:
    weights = residual_weights()
    network = build_network(weights)
    images = torch.ones(1, 3, 6, 5)
    before = network(images)
    for tensor in weights.tensors.values():
        tensor[:] = 0
    assert torch.equal(network(images), before)


def test_layers_stand_in_the_order_of_the_nodes() -> None:
    weights = residual_weights()
    network = build_network(weights)
    assert network.graph is weights.graph
    assert [type(layer).__name__ for layer in network.layers] == [
        *("GlobalAveragePool2d", "Dense", "Dense", "Dense", "Add", "Softmax")
    ]


@pytest.mark.parametrize("missing", ["one/bias", "wide/weight"])
def test_missing_tensor(missing: str) -> None:
    weights = residual_weights()
    tensors = {name: tensor for name, tensor in weights.tensors.items() if name != missing}
    with pytest.raises(KeyError, match=missing):
        build_network(replace(weights, tensors=tensors))


def test_tensor_of_another_shape() -> None:
    weights = residual_weights()
    tensors = {**weights.tensors, "one/bias": np.zeros(3, np.float32)}
    with pytest.raises(RuntimeError, match="bias"):
        build_network(replace(weights, tensors=tensors))
