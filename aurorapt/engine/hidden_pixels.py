"""What a network need not compute anew for each frame: pixels that see nothing but the black beyond the sky.

Beyond the elevation mask every frame is black: nearly half of it, where the sky is taken to begin at 15 degrees. Pixels
of the first images that see only that are the same in every frame, and are computed once. Of the others, convolutions
of 1 by 1 compute a list; those of larger kernels need neighbours, and compute the rectangle around them.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aurorapt.engine.fusion import FUSED_CONVOLUTION, SUBSAMPLE
from aurorapt.engine.windows import Rectangle, around, hull, looked_at, rows_and_columns, spread
from aurorapt.weights.graph import Graph, Node
from aurorapt.weights.operations import Shape

GATHER = "gather"  # some pixels of an image, laid out as another image
# Multiplications that must be saved for each number that is moved from image to image. Moving one takes as long as 10
# to 20 of them on Zen 4, in either precision, and as long as more where a processor multiplies faster
MOVING = 32
WINDOWS = (FUSED_CONVOLUTION, "max_pool2d")  # operations whose results each look at a window of an image

Visible = NDArray[np.bool_]  # (y, x): whether a pixel may differ from frame to frame


@dataclass(frozen=True)
class Pixels:
    """Pixels of an image, laid out as an image of their own.

    Attributes
    ----------
    numbers : in the whole image, counted along its rows; those of the image that they make, along its rows
    size : rows and columns of the image that they make
    """

    numbers: NDArray[np.int64]
    size: tuple[int, int]


@dataclass(frozen=True)
class Gathering:
    """What a `GATHER` does.

    Attributes
    ----------
    value : that it reads
    there : pixels that there are of it
    wanted : pixels that are to be there
    seen : (y, x) of the whole value; the other pixels are the same in every frame
    """

    value: str
    there: Pixels
    wanted: Pixels
    seen: Visible


@dataclass(frozen=True)
class VisibleGraph:
    """A graph that computes what another does of the pixels that may differ from frame to frame.

    Attributes
    ----------
    graph : with the other's names of values, of which it has some pixels only, and the same result under another name
    shapes : of every value, without the batch axis
    gatherings : by name of the `GATHER`
    """

    graph: Graph
    shapes: Mapping[str, Shape]
    gatherings: Mapping[str, Gathering]


def leave_out_hidden(graph: Graph, shapes: Mapping[str, Shape], visible: Visible) -> VisibleGraph | None:
    """Rewrite the first part of a fused network so that it computes the pixels that may differ from frame to frame.

    Parameters
    ----------
    graph : reads images whose other pixels are 0
    shapes : of every value, without the batch axis
    visible : (y, x) of the input

    Returns
    -------
    None, if no time would be gained
    """
    if not visible.any():
        return None
    seen = _seen(graph, visible)
    lists = _lists(graph, shapes, seen)
    rectangles = _rectangles(graph, shapes, seen, lists)
    if not lists and not rectangles:
        return None
    rewriting = _Rewriting(dict(shapes), seen)
    for node in graph.nodes:
        if node.name in rectangles:
            rewriting.compute_rectangle(node, rectangles[node.name])
        elif node.name in lists:
            rewriting.compute_list(node, lists[node.name])
        elif node.op == SUBSAMPLE and node.inputs[0] in rewriting.there:
            rewriting.subsample(node)
        else:
            rewriting.compute_whole(node)
    result = rewriting.whole(graph.outputs[0])
    return VisibleGraph(Graph(tuple(rewriting.nodes), graph.inputs, (result,)), rewriting.shapes, rewriting.gatherings)


def _seen(graph: Graph, visible: Visible) -> dict[str, Visible]:
    """Tell of each value that is an image which of its pixels see visible ones; of what is not understood, nothing."""
    seen = {graph.inputs[0]: visible}
    known: dict[tuple[Any, ...], Visible] = {}  # of thousands of values, few differ
    for node in graph.nodes:
        if any(name not in seen for name in node.inputs):
            continue
        first, *others = (seen[name] for name in node.inputs)
        if node.op in WINDOWS:
            found = np.logical_or.reduce([spread(first, node.attributes), *others])
        elif node.op == SUBSAMPLE:
            y, x = node.attributes["stride"]
            found = first[::y, ::x]
        else:
            continue
        seen[node.name] = known.setdefault((found.shape, found.tobytes()), found)
    return seen


def _is_pointwise(node: Node) -> bool:
    attributes = node.attributes
    return (
        node.op == FUSED_CONVOLUTION
        and attributes["kernel_size"] == attributes["stride"] == (1, 1)
        and not any(attributes["padding"])
    )


def _multiplications(node: Node, shapes: Mapping[str, Shape]) -> int:
    """Count those of a frame, and what takes as long."""
    channels = node.attributes["in_channels"] // node.attributes["groups"] if node.op == FUSED_CONVOLUTION else 1
    return math.prod((*node.attributes["kernel_size"], channels, *shapes[node.name]))


def _lists(graph: Graph, shapes: Mapping[str, Shape], seen: Mapping[str, Visible]) -> dict[str, Pixels]:
    """Choose the convolutions of 1 by 1 that compute a list of pixels; those with a value in common have the same."""
    pointwise = {node.name: node for node in graph.nodes if _is_pointwise(node) and node.name in seen}
    readers = _readers(graph)
    lists = {}
    for group in (group & pointwise.keys() for group in _with_values_in_common(pointwise.values())):
        needed = np.logical_or.reduce(list({id(seen[name]): seen[name] for name in group}.values()))
        read = {value for name in group for value in pointwise[name].inputs} - group
        given = {name for name in group for reader in readers[name] if reader.name not in group}
        moved = sum(math.prod(shapes[name]) for name in read | given | (group & set(graph.outputs)))
        saved = (1 - needed.mean()) * sum(_multiplications(pointwise[name], shapes) for name in group)
        if saved > MOVING * moved:
            numbers = np.flatnonzero(needed)
            lists.update(dict.fromkeys(group, Pixels(numbers, (len(numbers), 1))))
    return lists


def _readers(graph: Graph) -> dict[str, list[Node]]:
    """Give for each value the nodes that read it."""
    readers: dict[str, list[Node]] = {name: [] for name in (*graph.inputs, *(node.name for node in graph.nodes))}
    for node in graph.nodes:
        for name in dict.fromkeys(node.inputs):
            readers[name].append(node)
    return readers


def _with_values_in_common(nodes: Iterable[Node]) -> list[set[str]]:
    """Give the values of nodes, together with those of all nodes that read or give one of them, and so on."""
    group_of: dict[str, set[str]] = {}
    for node in nodes:
        touched = {node.name, *node.inputs}
        joined = {id(group_of[name]): group_of[name] for name in touched if name in group_of}
        *smaller, largest = sorted(joined.values(), key=len) or [set()]
        largest.update(touched, *smaller)
        group_of.update(dict.fromkeys(touched.union(*smaller), largest))
    return list({id(group): group for group in group_of.values()}.values())


def _rectangles(
    graph: Graph, shapes: Mapping[str, Shape], seen: Mapping[str, Visible], lists: Mapping[str, Pixels]
) -> dict[str, Rectangle]:
    """Choose the operations on windows that compute a rectangle: what is seen, and what the next of them needs."""
    rectangles: dict[str, Rectangle] = {}
    all_readers = _readers(graph)
    for node in reversed(graph.nodes):
        if node.op not in WINDOWS or _is_pointwise(node) or node.name not in seen or not seen[node.name].any():
            continue
        readers = all_readers[node.name]
        wanted = [
            needed
            for reader in readers
            if reader.name in rectangles
            for needed in _needed(reader, node.name, rectangles[reader.name], shapes)
        ]
        others = [reader for reader in readers if reader.name not in rectangles]
        if others or node.name in graph.outputs:
            wanted.append(around(seen[node.name]))
        rectangle = hull(wanted)
        share = math.prod(rows_and_columns(rectangle)) / math.prod(shapes[node.name][1:])
        placed = node.name in graph.outputs or any(reader.name not in lists for reader in others)
        moved = math.prod(shapes[node.name]) if placed else 0
        if (1 - share) * _multiplications(node, shapes) > MOVING * moved:
            rectangles[node.name] = rectangle
    return rectangles


def _needed(reader: Node, name: str, rectangle: Rectangle, shapes: Mapping[str, Shape]) -> Iterator[Rectangle]:
    """Give the rectangles of a value that an operation on windows reads for a rectangle of its result."""
    if reader.inputs[0] == name:
        yield looked_at(rectangle, reader.attributes, shapes[name][1:])[0]
    if name in reader.inputs[1:]:
        yield rectangle


def _as_image(numbers: NDArray[np.int64]) -> Pixels:
    rows, columns = numbers.shape
    return Pixels(numbers.ravel(), (rows, columns))


@dataclass
class _Rewriting:
    """A graph while it is rewritten.

    Attributes
    ----------
    shapes : of every value
    seen : of every value that is an image
    there : pixels that there are, of values that are not whole
    """

    shapes: dict[str, Shape]
    seen: Mapping[str, Visible]
    there: dict[str, Pixels] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    gatherings: dict[str, Gathering] = field(default_factory=dict)

    def compute_rectangle(self, node: Node, rectangle: Rectangle) -> None:
        source, *others = node.inputs
        inside, padding = looked_at(rectangle, node.attributes, self.seen[source].shape)
        there = self._rectangle(node.name, rectangle)
        inputs = [self._gathered(source, self._rectangle(source, inside))]
        inputs += [self._gathered(other, there) for other in others]
        self._add(replace(node, inputs=tuple(inputs), attributes={**node.attributes, "padding": padding}), there)

    def compute_list(self, node: Node, there: Pixels) -> None:
        self._add(replace(node, inputs=tuple(self._gathered(name, there) for name in node.inputs)), there)

    def compute_whole(self, node: Node) -> None:
        self.nodes.append(replace(node, inputs=tuple(self.whole(name) for name in node.inputs)))

    def subsample(self, node: Node) -> None:
        """Gather what is left of a value that is not whole."""
        (source,) = node.inputs
        y, x = node.attributes["stride"]
        self._gather(node.name, source, _as_image(self._numbers(source)[::y, ::x]))

    def whole(self, name: str) -> str:
        """Name a value's whole image, which is gathered where it is not there."""
        return self._gathered(name, _as_image(self._numbers(name))) if name in self.there else name

    def _numbers(self, name: str) -> NDArray[np.int64]:
        return np.arange(self.seen[name].size).reshape(self.seen[name].shape)

    def _rectangle(self, name: str, rectangle: Rectangle) -> Pixels:
        top, bottom, left, right = rectangle
        return _as_image(self._numbers(name)[top:bottom, left:right])

    def _add(self, node: Node, there: Pixels) -> None:
        self.nodes.append(node)
        self.there[node.name] = there
        self.shapes[node.name] = (self.shapes[node.name][0], *there.size)

    def _gathered(self, name: str, wanted: Pixels) -> str:
        if _are_equal(self._pixels_there(name), wanted):
            return name
        for gatherer, known in self.gatherings.items():
            if known.value == name and _are_equal(known.wanted, wanted):
                return gatherer
        gatherer = f"{name}\n{len(self.gatherings)}"  # as no node of a file is named
        self._gather(gatherer, name, wanted)
        return gatherer

    def _gather(self, gatherer: str, name: str, wanted: Pixels) -> None:
        self.gatherings[gatherer] = Gathering(name, self._pixels_there(name), wanted, self.seen[name])
        self.nodes.append(Node(gatherer, GATHER, (name,)))
        self.shapes[gatherer] = (self.shapes[name][0], *wanted.size)

    def _pixels_there(self, name: str) -> Pixels:
        return self.there.get(name) or _as_image(self._numbers(name))


def _are_equal(one: Pixels, other: Pixels) -> bool:
    return one.size == other.size and np.array_equal(one.numbers, other.numbers)
