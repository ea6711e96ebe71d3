"""Layers that multiply by and add recorded numbers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..builder import Value
from .options import Option, Options, flag, ignored, integer, numbers
from .registry import LayerCall, Variable, converts

SMALLEST_DEVIATION = 1e-7  # keras.backend.epsilon(), below which Normalization divides by this instead


@converts("Rescaling", options={"scale": numbers(), "offset": numbers(0.0)})
def convert_rescaling(call: LayerCall) -> Value:
    scale, offset = (call.graph.over_last_axes(call.input, call.options[name]) for name in ("scale", "offset"))
    return call.graph.affine(call.path, call.input, scale, offset)


def _kept_axes(value: Any) -> tuple[int, ...]:
    if value is None:
        return ()
    items = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    if not all(isinstance(item, int) for item in items):
        raise ValueError
    return items


def _recorded(options: Options) -> list[Variable]:
    if options["mean"] is not None:
        return []
    return [Variable(name, trainable=False) for name in ("mean", "variance", "count")]


@converts(
    "Normalization",
    options={
        "axis": Option("one axis, several in rising order, or none", _kept_axes, -1),
        "mean": numbers(None),
        "variance": numbers(None),
        "invert": flag(False),
    },
    variables=_recorded,
)
def convert_normalization(call: LayerCall) -> Value:
    shape = call.input.keras_shape
    rank = len(shape) + 1
    kept = [axis % rank for axis in call.options["axis"]]
    if kept != sorted(set(kept)) or 0 in kept:
        raise call.refusal(f"axis={call.options['axis']} cannot be converted")
    sizes = tuple(shape[axis - 1] for axis in kept)
    spread = tuple(size if axis in kept else 1 for axis, size in enumerate(shape, start=1))
    if call.options["mean"] is None:
        mean, variance = call.array("mean", sizes), call.array("variance", sizes)
    else:
        mean, variance = (_filled(call, name, sizes) for name in ("mean", "variance"))
    deviation = np.maximum(np.sqrt(variance), np.float32(SMALLEST_DEVIATION)).reshape(spread)
    mean = mean.reshape(spread)
    if call.options["invert"]:
        return call.graph.affine(call.path, call.input, deviation, mean)
    centred = call.graph.affine(f"{call.path}/centre", call.input, None, -mean)
    return call.graph.affine(call.path, centred, 1 / deviation, None)


def _filled(call: LayerCall, name: str, sizes: tuple[int, ...]) -> NDArray[np.float32]:
    try:
        array = np.array(call.options[name], np.float32)
        return np.broadcast_to(array.reshape(sizes) if array.size == np.prod(sizes) else array, sizes)
    except (ValueError, TypeError):
        raise call.refusal(f"{name}={call.options[name]!r:.80} does not fit its axes") from None


@converts(
    "LayerScale",
    options={"projection_dim": integer(), "init_values": ignored("training only")},
    variables=lambda options: [Variable("gamma", unnamed=True)],
)
def convert_layer_scale(call: LayerCall) -> Value:
    gamma = call.array("gamma", (call.options["projection_dim"],))
    return call.graph.affine(call.path, call.input, call.graph.over_last_axes(call.input, gamma), None)
