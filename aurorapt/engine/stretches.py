"""The stretches of a network, each with the number of frames that it computes fastest at once.

Large images fill the cache, small ones have weights that come from memory anew for each batch: what is early in a
network wants few frames at once, what is late many. A network is cut where a single value is alive; the results of
early stretches are gathered for the next.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

from aurorapt.engine.choices import DEFAULT_BATCH_SIZE
from aurorapt.engine.fusion import FUSED_CONVOLUTION, FusedGraph
from aurorapt.engine.winograd import WinogradConvolution
from aurorapt.network.faithful import Network, values_finished
from aurorapt.weights.graph import Graph, Node
from aurorapt.weights.operations import Shape

# With one, what Python does for each operation shows (20 microseconds); with more, memory grows and little is gained
FEWEST_FRAMES = 2
MOST_FRAMES = DEFAULT_BATCH_SIZE
# Bytes that the images of one operation may take of a cache. Milliseconds a frame by 4, 8, 16 and 32 frames on an Intel
# processor with AMX and 2 MiB of cache of its own, and what its operations read and write on the average, in bfloat16:
# ResNet-50's 56 x 56 (1.6 MB a frame) 1.79, 1.97, 2.08, 3.11; 28 x 28 (0.8 MB) 1.82, 1.57, 1.73, 1.72; 14 x 14 (0.4 MB)
# 2.87, 2.47, 2.19, 2.06; 7 x 7 (0.2 MB) 3.44, 3.06, 2.75, 2.45; in float32 4 were best for 56 x 56, 8 for 14 x 14
MOST_OF_CACHE = 8 * 2**20
# Values of which all noise is made, again and again: a prime number, so that no two frames or channels are alike
MOST_NOISE = 65521
# The proof that single frames get the same bits takes as long as one filling up, and 50 MiB
RESTS_FILLED_UP = 2


@dataclass(frozen=True)
class Plan:
    """A part of a graph that reads one value and makes one, and the number of frames that it computes at once."""

    graph: Graph
    frames: int


def plan_stretches(fused: FusedGraph, item_bytes: int, cache: int | None) -> list[Plan]:
    """Cut a network into stretches and give each its number of frames.

    Parameters
    ----------
    item_bytes : of one number, of images and of weights
    cache : bytes of one processor's cache, None where that is not known
    """
    pieces = list(_smallest_pieces(fused.graph))
    cache = MOST_OF_CACHE if cache is None else min(cache, MOST_OF_CACHE)
    frames = [_frames_at_once(fused, nodes, item_bytes, cache) for nodes in pieces]
    # of early stretches no more than of late ones, so that values are gathered and never dealt out
    for number in reversed(range(len(frames) - 1)):
        frames[number] = min(frames[number], frames[number + 1])
    plans: list[Plan] = []
    source = fused.graph.inputs[0]
    for nodes, count in zip(pieces, frames, strict=True):
        if plans and plans[-1].frames == count:
            before = plans.pop().graph
            plans.append(Plan(Graph(before.nodes + nodes, before.inputs, (nodes[-1].name,)), count))
        else:
            plans.append(Plan(Graph(nodes, (source,), (nodes[-1].name,)), count))
        source = nodes[-1].name
    return plans


def _smallest_pieces(graph: Graph) -> Iterator[tuple[Node, ...]]:
    """Cut a graph wherever nothing is alive but the value that was made last."""
    alive = set(graph.inputs)
    piece: list[Node] = []
    for node, finished in zip(graph.nodes, values_finished(graph), strict=True):
        piece.append(node)
        alive = (alive | {node.name}).difference(finished)
        if alive == {node.name}:
            yield tuple(piece)
            piece = []


def _frames_at_once(fused: FusedGraph, nodes: tuple[Node, ...], item_bytes: int, cache: int) -> int:
    """Take as many as the cache holds the images of, or more where weights are more to read than images are."""
    touched = sum(_touched(fused.shapes, node) for node in nodes) * item_bytes
    names = {node.name for node in nodes}
    weights = sum(
        item_bytes * tensor.size for name, tensor in fused.tensors.items() if name.rpartition("/")[0] in names
    )
    best = max(cache * len(nodes) / touched, weights / touched)
    return min(max(1 << int(math.log2(max(best, 1))), FEWEST_FRAMES), MOST_FRAMES)


def _touched(shapes: Mapping[str, Shape], node: Node) -> int:
    """Count the numbers of one frame that an operation reads and writes; what it adds to, it writes over."""
    values = node.inputs if node.attributes.get("residual") else (*node.inputs, node.name)
    return sum(math.prod(shapes[name]) for name in values)


class Stretch:
    """A part of a network that gives each frame the same result, bit for bit, whatever frames come with it.

    oneDNN may add in another order for another number of frames. So only one number of frames is ever computed at once,
    the rest of the frames being filled up, or computed one by one where that is proved to make no difference.

    Parameters
    ----------
    network : the part, of layers that give a frame the same bits wherever it lies among so many
    frames : that it computes at once
    shapes : of every value, without the batch axis
    dtype : of images within it
    """

    def __init__(self, network: Network, frames: int, shapes: Mapping[str, Shape], dtype: torch.dtype) -> None:
        self.network = network
        self.frames = frames
        self._shapes = shapes
        self._dtype = dtype
        # Winograd's convolution computes its own number of frames at once, whatever it is given
        filled_up = any(isinstance(layer, WinogradConvolution) for layer in network.layers)
        self._rests = 0
        self._most_alone = frames // 4 if filled_up else frames - 1

    def __call__(self, images: Tensor) -> Tensor:
        whole = len(images) // self.frames * self.frames
        results = [self.network(images[start : start + self.frames]) for start in range(0, whole, self.frames)]
        rest = images[whole:]
        self._rests += 0 < len(rest) <= self._most_alone
        if 0 < len(rest) <= self._most_alone and self._rests > RESTS_FILLED_UP and self.is_alike_alone:
            results += [self.network(rest[frame : frame + 1]) for frame in range(len(rest))]
        elif len(rest):
            sides = (*(0, 0) * (rest.ndim - 1), 0, self.frames - len(rest))
            filled = functional.pad(rest, sides)  # which keeps the order in memory, as sums may follow it
            results.append(self.network(filled)[: len(rest)])
        return results[0] if len(results) == 1 else torch.cat(results)

    @cached_property
    def is_alike_alone(self) -> bool:
        """Whether each convolution gives the same bits for one frame of noise alone as among others."""
        random = torch.Generator().manual_seed(0)
        seen = set()
        for node, layer in zip(self.network.graph.nodes, self.network.layers, strict=True):
            shapes = [self._shapes[name] for name in node.inputs]
            kind = (node.op, str(sorted(node.attributes.items())), str(shapes))
            if kind in seen or node.op != FUSED_CONVOLUTION or isinstance(layer, WinogradConvolution):
                continue
            seen.add(kind)
            noise = [self._noise(shape, random) for shape in shapes]
            ends = [layer(*(value[place].clone() for value in noise)) for place in (slice(1), slice(-1, None))]
            together = layer(*noise)
            if not torch.equal(torch.cat(ends), together[[0, -1]]):
                return False
        return True

    def _noise(self, shape: Shape, random: torch.Generator) -> Tensor:
        channels, *size = shape
        noise = torch.empty(self.frames, *size, channels, dtype=self._dtype)
        whole = noise.view(-1)
        known = torch.rand(min(MOST_NOISE, len(whole)), generator=random).sub_(0.5).to(self._dtype)
        for part in torch.split(whole, len(known)):
            part.copy_(known[: len(part)])
        return noise.movedim(-1, 1)


def run_stretches(stretches: Sequence[Stretch], images: Tensor) -> Tensor:
    """Run a network for any number of images, each stretch as soon as there are as many as it computes at once."""
    if not stretches:
        return images
    *earlier, last = stretches
    results = [last(run_stretches(earlier, some)) for some in torch.split(images, last.frames)]
    return results[0] if len(results) == 1 else torch.cat(results)
