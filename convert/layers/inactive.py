"""Layers that do nothing once training is over."""

from ..builder import Value
from .options import any_options
from .registry import LayerCall, converts

_DROPPING = (
    "ActivityRegularization",
    "AlphaDropout",
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "Identity",
    "SpatialDropout2D",
    "StochasticDepth",
)
_AUGMENTING = (
    "RandomBrightness",
    "RandomContrast",
    "RandomFlip",
    "RandomHeight",
    "RandomRotation",
    "RandomTranslation",
    "RandomWidth",
    "RandomZoom",
)
_REFUSES = "a call with training=True"


def convert_inactive(call: LayerCall) -> Value:
    return call.input


converts(*_DROPPING, options=any_options(), refuses=_REFUSES)(convert_inactive)
converts(*_AUGMENTING, options=any_options(), refuses=_REFUSES, training_by_default=True)(convert_inactive)
