"""Layers that bring images to another size.

Interpolation is a sum over pixels with recorded weights, and both ways are independent: two matrix products.
"""

import numpy as np
from numpy.typing import NDArray

from aurorapt.weights.weights_file import LARGEST_INPUT

from ..builder import Value
from .options import DATA_FORMAT, integer, one_of, only, pair
from .registry import LayerCall, converts

_CENTRED, _CORNERED = 0.5, 0.0  # where in a pixel its value stands


@converts(
    "UpSampling2D",
    options={
        "size": pair((2, 2)),
        "data_format": DATA_FORMAT,
        "interpolation": one_of("nearest", "bilinear", default="nearest"),
    },
)
def convert_upsampling(call: LayerCall) -> Value:
    image, factor = call.image, call.options["size"]
    if call.options["interpolation"] == "bilinear" and not call.writer.bilinear_is_centred():
        y, x = (size * times for size, times in zip(image.shape[1:], factor, strict=True))
        _require_bearable(call, image, (y, x))
        return _resize(call, image, (y, x), "bilinear", _CORNERED)
    attributes = {"factor": factor, "mode": call.options["interpolation"]}
    return call.graph.add(call.path, "upsample2d", [image], attributes)


@converts(
    "Resizing",
    options={
        "height": integer(),
        "width": integer(),
        "interpolation": one_of("nearest", "bilinear", default="bilinear"),
        "crop_to_aspect_ratio": only(False),
        "pad_to_aspect_ratio": only(False),
        "fill_mode": only("constant"),
        "fill_value": only(0.0),
        "antialias": only(False),
        "data_format": DATA_FORMAT,
    },
    training_by_default=True,
    refuses="nearest by a factor at which Keras on torch takes other pixels, where the file may be of torch",
)
def convert_resizing(call: LayerCall) -> Value:
    image, size = call.image, (call.options["height"], call.options["width"])
    interpolation = call.options["interpolation"]
    _require_bearable(call, image, size)
    if interpolation == "nearest" and call.writer.may_be_of("torch"):
        ways = [_nearest(old, new, at) for old, new in zip(image.shape[1:], size, strict=True) for at in (0.5, 0.0)]
        if not (np.array_equal(ways[0], ways[1]) and np.array_equal(ways[2], ways[3])):
            raise call.refusal(
                "interpolation='nearest' has another meaning on torch, and the file does not rule torch out"
            )
    return _resize(call, image, size, interpolation, _CENTRED)


def _require_bearable(call: LayerCall, image: Value, size: tuple[int, int]) -> None:
    _, y, x = image.shape
    if max(y, x, *size) > LARGEST_INPUT:
        raise call.refusal(f"{(y, x)} to {size} pixels are more than {LARGEST_INPUT} each way")
    call.graph.require_room(y * size[0] + x * size[1])


def _resize(call: LayerCall, image: Value, size: tuple[int, int], interpolation: str, at: float) -> Value:
    weights = {"nearest": _nearest, "bilinear": _bilinear}[interpolation]
    _, y, x = image.shape
    wide = _product(call, "x", image, weights(x, size[1], at))
    turned = call.graph.add(f"{call.path}/turned", "permute", [wide], {"axes": (1, 3, 2)})
    high = _product(call, "y", turned, weights(y, size[0], at))
    return call.graph.add(call.path, "permute", [high], {"axes": (1, 3, 2)})


def _product(call: LayerCall, part: str, value: Value, weights: NDArray[np.float32]) -> Value:
    new, old = weights.shape
    attributes = {"in_features": old, "out_features": new, "bias": False}
    return call.graph.add(f"{call.path}/{part}", "dense", [value], attributes, {"weight": weights})


def _positions(old: int, new: int, at: float) -> NDArray[np.float32]:
    """Find where new pixels stand among the old ones, in float32 as TensorFlow computes it."""
    scale = np.float32(old) / np.float32(new)
    return (np.arange(new, dtype=np.float32) + np.float32(at)) * scale


def _nearest(old: int, new: int, at: float) -> NDArray[np.float32]:
    """Give the weight of each old pixel in each new one, (new, old) float32, where one pixel is taken."""
    taken = np.minimum(np.floor(_positions(old, new, at)).astype(int), old - 1)
    weights: NDArray[np.float32] = np.eye(old, dtype=np.float32)[taken]
    return weights


def _bilinear(old: int, new: int, at: float) -> NDArray[np.float32]:
    """Give the weight of each old pixel in each new one, (new, old) float32, between neighbours."""
    position = _positions(old, new, at) - np.float32(at)
    below = np.floor(position)
    share = position - below
    pixels = np.eye(old, dtype=np.float32)
    first, second = (np.clip(below + step, 0, old - 1).astype(int) for step in (0, 1))
    weights: NDArray[np.float32] = pixels[first] * (1 - share)[:, None] + pixels[second] * share[:, None]
    return weights
