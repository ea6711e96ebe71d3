"""Dense layers: kernels are (in, out) in Keras and (out, in) in torch."""

from ..builder import Value
from .activation import activate
from .options import activation, flag, integer
from .registry import LayerCall, Variable, converts


@converts(
    "Dense",
    options={"units": integer(), "activation": activation(), "use_bias": flag(True)},
    variables=lambda options: [Variable("kernel"), *([Variable("bias")] if options["use_bias"] else [])],
)
def convert_dense(call: LayerCall) -> Value:
    value, units, biased = call.graph.keras_order(call.input), call.options["units"], call.options["use_bias"]
    features = value.shape[-1]
    tensors = {"weight": call.array("kernel", (features, units)).T}
    if biased:
        tensors["bias"] = call.array("bias", (units,))
    attributes = {"in_features": features, "out_features": units, "bias": biased}
    return activate(call, call.graph.add(call.path, "dense", [value], attributes, tensors))
