"""Frames get the same bits however they are gathered; networks are cut where one value is alive."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import aurorapt.engine.building
import aurorapt.engine.winograd
import aurorapt.engine.winograd_rows
from aurorapt.engine.engine import Engine
from aurorapt.engine.fused_layers import has_bfloat16
from aurorapt.engine.fusion import FUSED_CONVOLUTION, fuse
from aurorapt.engine.streams import Streams, one_thread
from aurorapt.engine.stretches import FEWEST_FRAMES, MOST_FRAMES, RESTS_FILLED_UP, Plan, Stretch, plan_stretches
from aurorapt.network.faithful import Network
from aurorapt.weights.graph import Graph, Node
from aurorapt.weights.weights_file import Weights
from tests.engine.test_fusion import NETWORKS, images, residual_network, scaled

FRAMES = 2 * MOST_FRAMES + 5
PRECISIONS = [
    "fp32",
    *(
        pytest.param(name, marks=pytest.mark.skipif(not has_bfloat16(), reason="this processor has no bfloat16"))
        for name in ("bf16", "auto")
    ),
]


@pytest.fixture(autouse=True)
def in_one_thread() -> Iterator[None]:
    """Compute as streams do."""
    with one_thread():
        yield


@pytest.fixture(params=[None, 20_000], ids=["of this machine", "small"])
def cache(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the caches of this machine, or caches so small that the test's networks have several stretches."""
    if request.param is not None:
        monkeypatch.setattr(aurorapt.engine.building, "cache_bytes", lambda: request.param)


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", NETWORKS)
def test_however_frames_are_gathered_their_bits_are_the_same(name: str, precision: str) -> None:
    engine = Engine(scaled(NETWORKS[name]()), precision)
    inputs = images(FRAMES)
    expected = engine.predict(inputs)
    assert len(np.unique(expected, axis=0)) > FRAMES // 2, "equal answers prove nothing"
    for size, threads in ((1, 2), (3, 1), (MOST_FRAMES - 1, 2), (MOST_FRAMES, 3), (FRAMES - 1, 1)):
        streams = Streams(engine.predict, threads)
        futures = [streams.submit(inputs[start : start + size]) for start in range(0, FRAMES, size)]
        found = np.concatenate([future.result() for future in futures])
        streams.close()
        np.testing.assert_array_equal(found, expected)


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("count", [1, 2, 5, MOST_FRAMES + 1])
def test_winograds_bits_are_the_same_too(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aurorapt.engine.winograd, "has_winograd", lambda: True)
    monkeypatch.setattr(aurorapt.engine.winograd, "FEWEST_CHANNELS", 1)
    monkeypatch.setattr(aurorapt.engine.winograd, "FEWEST_TILES", 1)
    engine = Engine(scaled(residual_network()), "fp32")
    inputs = images(FRAMES)
    np.testing.assert_array_equal(engine.predict(inputs[-count:]), engine.predict(inputs)[-count:])


@pytest.mark.skipif(not has_bfloat16(), reason="this processor has no bfloat16")
@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("count", [1, 2, 5, MOST_FRAMES + 1])
def test_those_of_winograds_rows_are_the_same_too(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aurorapt.engine.winograd_rows, "halves_wide_instructions", lambda: True)
    monkeypatch.setattr(aurorapt.engine.winograd_rows, "FEWEST_CHANNELS", 1)
    monkeypatch.setattr(aurorapt.engine.winograd_rows, "FEWEST_ROWS", 2)
    engine = Engine(scaled(residual_network()), "bf16")
    inputs = images(FRAMES)
    for _ in range(RESTS_FILLED_UP + 1):
        np.testing.assert_array_equal(engine.predict(inputs[-count:]), engine.predict(inputs)[-count:])


class DependsOnCompany(nn.Module):
    """Give another result for one frame than for several, as matrix products do."""

    def __init__(self, computed: list[int]) -> None:
        super().__init__()
        self.computed = computed

    def forward(self, values: Tensor) -> Tensor:
        self.computed.append(len(values))
        return values + len(values)


def stretch_of(layer: nn.Module, frames: int) -> Stretch:
    graph = Graph((Node("result", FUSED_CONVOLUTION, ("image",)),), ("image",), ("result",))
    return Stretch(Network(graph, [layer]), frames, {"image": (3, 2, 2), "result": (3, 2, 2)}, torch.float32)


def test_where_company_makes_a_difference_there_is_always_as_much() -> None:
    computed: list[int] = []
    stretch = stretch_of(DependsOnCompany(computed), 4)
    values = torch.rand(11, 3, 2, 2)
    assert not stretch.is_alike_alone
    computed.clear()
    assert torch.equal(stretch(values), values + 4)
    for _ in range(RESTS_FILLED_UP + 1):
        assert torch.equal(stretch(values[9:10]), values[9:10] + 4)
    assert set(computed) == {4}


def test_where_it_makes_none_single_frames_cost_no_more_than_they_must() -> None:
    computed: list[int] = []
    layer = nn.Identity()
    layer.register_forward_pre_hook(lambda _, inputs: computed.append(len(inputs[0])))
    stretch = stretch_of(layer, 4)
    values = torch.rand(6, 3, 2, 2)
    for _ in range(RESTS_FILLED_UP):
        assert torch.equal(stretch(values), values)
    assert set(computed) == {4}, "before there is a proof"
    assert stretch.is_alike_alone
    computed.clear()
    assert torch.equal(stretch(values), values)
    assert computed == [4, 1, 1]


def plans(weights: Weights, cache: int | None) -> list[Plan]:
    return plan_stretches(fuse(weights.graph, weights.tensors, weights.input_shape), 4, cache)


@pytest.mark.parametrize("cache", [None, 1, 20_000, 50_000, 100_000, 10**9])
@pytest.mark.parametrize("name", NETWORKS)
def test_stretches_are_the_whole_network_in_a_row(name: str, cache: int | None) -> None:
    weights = NETWORKS[name]()
    fused = fuse(weights.graph, weights.tensors, weights.input_shape).graph
    found = plans(weights, cache)
    assert tuple(node for plan in found for node in plan.graph.nodes) == fused.nodes
    source = fused.inputs
    for plan in found:
        assert plan.graph.inputs == source
        made = {*source, *(node.name for node in plan.graph.nodes)}
        assert all(name in made for node in plan.graph.nodes for name in node.inputs), "more than one value crosses"
        source = plan.graph.outputs
    assert source == fused.outputs


def test_large_images_come_in_small_batches_and_small_ones_in_large() -> None:
    frames = [plan.frames for plan in plans(residual_network(), 20_000)]
    assert frames == sorted(frames)
    assert (frames[0], frames[-1]) == (FEWEST_FRAMES, MOST_FRAMES)
    assert {plan.frames for plan in plans(residual_network(), None)} == {MOST_FRAMES}, "all of it fits in a cache"
