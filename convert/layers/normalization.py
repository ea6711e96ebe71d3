"""Normalisation by recorded or by current means and variances."""

from math import prod

import numpy as np
from numpy.typing import NDArray

from ..builder import Value
from ..writer import FUSED_EPSILON
from .options import Options, flag, ignored, integer, number, one_axis, only
from .registry import LayerCall, Variable, converts

LARGEST_DOUBT = 1e-6  # of a result; what float32 rounds anyway


def _scale_and_center(options: Options) -> list[Variable]:
    return [
        *([Variable("gamma")] if options["scale"] else []),
        *([Variable("beta")] if options["center"] else []),
    ]


@converts(
    "BatchNormalization",
    "BatchNormalizationV1",
    "BatchNormalizationV2",
    "SyncBatchNormalization",
    options={
        "axis": one_axis(),
        "epsilon": number(0.001),
        "center": flag(True),
        "scale": flag(True),
        "renorm": only(False, None),
        "renorm_clipping": ignored("without renorm it does nothing"),
        "renorm_momentum": ignored("without renorm it does nothing"),
        "virtual_batch_size": only(None),
        "momentum": ignored("training only"),
        "synchronized": ignored("training only"),
        "fused": ignored("another way to the same result"),
    },
    variables=lambda options: [
        *_scale_and_center(options),
        Variable("moving_mean", trainable=False),
        Variable("moving_variance", trainable=False),
    ],
    refuses="an axis that is neither the last nor, of an image, the first after the batch",
)
def convert_batch_normalization(call: LayerCall) -> Value:
    value = _axis_first(call)
    channels = (value.shape[0],)
    tensors = {
        "weight": call.array("gamma", channels) if call.options["scale"] else np.ones(channels, np.float32),
        "bias": call.array("beta", channels) if call.options["center"] else np.zeros(channels, np.float32),
        "running_mean": call.array("moving_mean", channels),
        "running_var": call.array("moving_variance", channels),
    }
    attributes = {"channels": value.shape[0], "epsilon": _epsilon(call, tensors["running_var"])}
    result = call.graph.add(call.path, "batch_norm", [value], attributes, tensors)
    if len(value.shape) == 2:
        return call.graph.add(f"{call.path}/back", "permute", [result], {"axes": (2, 1)})
    return result


def _epsilon(call: LayerCall, variance: NDArray[np.float32]) -> float:
    """Find what the program that wrote the file adds to the variance, where that makes a difference."""
    epsilon, rank = float(call.options["epsilon"]), len(call.input.shape) + 1
    if call.layer.class_name == "SyncBatchNormalization" or call.options["synchronized"]:
        return epsilon
    first, *others = call.writer.batch_norm_epsilons(epsilon, rank, call.options["axis"] % rank == rank - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = [np.sqrt((variance + np.float64(other)) / (variance + np.float64(first))) for other in others]
    if any(np.abs(ratio - 1).max() > LARGEST_DOUBT for ratio in ratios):
        raise call.refusal(
            f"epsilon={epsilon:g} was raised to {FUSED_EPSILON:g} where TensorFlow saw a GPU, and the file does not "
            "tell; load and save it with Keras in TensorFlow 2.12 or later"
        )
    return first


def _axis_first(call: LayerCall) -> Value:
    """Give the input with the axis to be normalised right after the batch."""
    value, axis = call.input, call.options["axis"]
    axis = axis % (len(value.shape) + 1)
    is_last = axis == len(value.shape)
    if len(value.shape) == 3 and is_last:
        return call.graph.with_channels_first(value)
    if len(value.shape) == 3 and axis == 1:
        return call.graph.keras_order(value)
    if len(value.shape) == 2 and is_last:
        return call.graph.add(f"{call.path}/axis_first", "permute", [value], {"axes": (2, 1)})
    if len(value.shape) == 1 and is_last:
        return value
    raise call.refusal(f"axis={call.options['axis']} of {len(value.shape) + 1} axes cannot be converted")


@converts(
    "LayerNormalization",
    options={
        "axis": one_axis(),
        "epsilon": number(0.001),
        "center": flag(True),
        "scale": flag(True),
        "rms_scaling": only(False),
    },
    variables=_scale_and_center,
    refuses="any axis but the last",
)
def convert_layer_normalization(call: LayerCall) -> Value:
    value = call.graph.keras_order(call.input)
    if call.options["axis"] % (len(value.shape) + 1) != len(value.shape):
        raise call.refusal(f"axis={call.options['axis']} cannot be converted, only the last axis")
    features = (value.shape[-1],)
    tensors = {
        "weight": call.array("gamma", features) if call.options["scale"] else np.ones(features, np.float32),
        "bias": call.array("beta", features) if call.options["center"] else np.zeros(features, np.float32),
    }
    attributes = {"features": value.shape[-1], "epsilon": call.options["epsilon"]}
    return call.graph.add(call.path, "layer_norm", [value], attributes, tensors)


@converts(
    "GroupNormalization",
    options={
        "groups": integer(smallest=-1),
        "axis": one_axis(),
        "epsilon": number(0.001),
        "center": flag(True),
        "scale": flag(True),
    },
    variables=_scale_and_center,
    refuses="an axis that is neither the last nor, of an image, the first after the batch",
)
def convert_group_normalization(call: LayerCall) -> Value:
    value = _axis_first(call)
    channels = value.shape[0]
    groups = channels if call.options["groups"] == -1 else call.options["groups"]
    if groups < 1 or channels % groups:
        raise call.refusal(f"{groups} groups do not divide {channels} channels")
    features = prod(value.shape) // groups
    call.graph.require_room(2 * features)
    grouped = call.graph.add(f"{call.path}/groups", "reshape", [value], {"shape": (groups, features)})
    plain = {"weight": np.ones(features, np.float32), "bias": np.zeros(features, np.float32)}
    attributes = {"features": features, "epsilon": call.options["epsilon"]}
    normal = call.graph.add(f"{call.path}/normal", "layer_norm", [grouped], attributes, plain)
    result = call.graph.add(f"{call.path}/together", "reshape", [normal], {"shape": value.shape})
    result = _scaled(call, result, (channels, *(1 for _ in value.shape[1:])))
    if len(value.shape) == 2:
        return call.graph.add(f"{call.path}/back", "permute", [result], {"axes": (2, 1)})
    return result


def _scaled(call: LayerCall, value: Value, shape: tuple[int, ...]) -> Value:
    """Multiply by the layer's gamma and add its beta, one number for each channel, where it has them."""
    attributes = {"shape": shape, "scale": call.options["scale"], "offset": call.options["center"]}
    names = {"scale": "gamma", "offset": "beta"}
    tensors = {key: call.array(name, shape[:1]).reshape(shape) for key, name in names.items() if attributes[key]}
    return call.graph.add(call.path, "affine", [value], attributes, tensors) if tensors else value
