"""What a network may cost: small files that ask for much are refused, soon and by name."""

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from aurorapt.errors import WeightsError
from aurorapt.weights.bounds import MOST_MULTIPLICATIONS, MOST_VALUES, VALUE_COST, check_bounds
from aurorapt.weights.graph import Graph, Node, check_graph
from aurorapt.weights.weights_file import write_weights
from tests.tiny_network import tiny_weights

HEAD = (
    Node("pooled", "global_average_pool2d", ("body",), {"keep_dimensions": False}),
    Node("softmax", "softmax", ("pooled",), {"axis": 1}),
)


def widened(*more: Node) -> tuple[Node, ...]:
    """Give a network that enlarges its (4, 2, 2) input to 2^26 numbers and does more before it ends."""
    return (Node("wide", "upsample2d", ("image",), {"factor": (2048, 2048), "mode": "nearest"}), *more, *HEAD)


def convolution(**changes: tuple[int, ...]) -> dict[str, object]:
    common = {"kernel_size": (1, 1), "stride": (1, 1), "dilation": (1, 1), "padding": (0, 0, 0, 0)}
    return {"in_channels": 4, "out_channels": 4, "groups": 1, "bias": False, **common, **changes}


def forty_values_alive() -> tuple[Node, ...]:
    """Give one value of 2^26 numbers, forty others made of it, and their sum."""
    copies = [Node(f"copy{number}", "tanh", ("wide",)) for number in range(40)]
    return widened(*copies, Node("body", "add", tuple(copy.name for copy in copies)))


def values_in_turn() -> tuple[Node, ...]:
    """Give a chain of values of 2^24 numbers, so long that it takes for ever."""
    names = ["wide", "half", *(f"step{number}" for number in range(9900)), "body"]
    steps = [Node(name, "tanh", (before,)) for before, name in pairwise(names[1:])]
    return widened(Node("half", "max_pool2d", ("wide",), {**WINDOW, "padding": (0, 0, 0, 0)}), *steps)


WINDOW = {"kernel_size": (1, 1), "stride": (1, 2)}


def large_kernel() -> tuple[Node, ...]:
    return widened(Node("body", "conv2d", ("wide",), convolution(kernel_size=(1024, 1024))))


def large_pooling() -> tuple[Node, ...]:
    pooling = {"kernel_size": (2000, 2000), "stride": (1, 1), "padding": (0, 0, 0, 0)}
    return widened(Node("body", "average_pool2d", ("wide",), pooling))


def uneven_padding() -> tuple[Node, ...]:
    """Pad to 2^32 numbers, of which a convolution with a wide stride leaves few."""
    wide = convolution(stride=(2**15, 2**15), padding=(2**15, 0, 2**15, 0))
    return (Node("body", "conv2d", ("image",), wide), *HEAD)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (forty_values_alive, f"node copy1 .* values for one image, more than {MOST_VALUES}"),
        (values_in_turn, f"multiplications for one image, more than {MOST_MULTIPLICATIONS}"),
        (large_kernel, "multiplications"),
        (large_pooling, "multiplications"),
        (uneven_padding, "node body .* values"),
    ],
)
def test_small_file_that_asks_for_much(make: Callable[[], tuple[Node, ...]], complaint: str) -> None:
    started = time.process_time()
    with pytest.raises(WeightsError, match=complaint):
        check_graph(Graph(make(), ("image",), ("softmax",)), (4, 2, 2), 4)
    assert time.process_time() - started < 5


def test_it_is_not_written(tmp_path: Path) -> None:
    weights = tiny_weights()
    wide = Node("wide", "upsample2d", ("image",), {"factor": (200, 200), "mode": "nearest"})
    twice = Node("twice", "tanh", ("wide",))
    small = Node("small", "crop2d", ("twice",), {"cropping": (6368, 0, 6368, 0)})
    nodes = (wide, twice, small, replace(weights.graph.nodes[0], inputs=("small",)), *weights.graph.nodes[1:])
    with pytest.raises(WeightsError, match=r"at node twice .* values"):
        write_weights(tmp_path / "wide", replace(weights, graph=replace(weights.graph, nodes=nodes)))


def test_values_are_let_go_after_their_last_reader() -> None:
    names = ["image", "a", "b", "c"]
    chain = [Node(name, "tanh", (before,)) for before, name in pairwise(names)]
    shapes = dict.fromkeys(names, (10,))
    assert check_bounds(chain, shapes, "c") == (20, 60 * VALUE_COST)
    kept = [*chain, Node("end", "add", ("c", "image"))]
    assert check_bounds(kept, shapes | {"end": (10,)}, "end") == (30, 90 * VALUE_COST)
