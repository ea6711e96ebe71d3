"""Layers that do nothing once training is over."""

from convert.builder import Value
from convert.options import any_options
from convert.registry import LayerCall, converts

_NAMES = (
    "ActivityRegularization",
    "AlphaDropout",
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "Identity",
    "RandomBrightness",
    "RandomContrast",
    "RandomFlip",
    "RandomHeight",
    "RandomRotation",
    "RandomTranslation",
    "RandomWidth",
    "RandomZoom",
    "SpatialDropout2D",
    "StochasticDepth",
)


@converts(*_NAMES, options=any_options(), refuses="a call with training=True")
def convert_inactive(call: LayerCall) -> Value:
    return call.input
