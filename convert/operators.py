"""Operations called without a layer: ``x + 3.0`` and the like, as both versions of Keras write them."""

from typing import Any

from convert.builder import GraphBuilder, Value
from convert.keras_model import Layer
from convert.options import refusal

OPERATOR_LAYERS = ("TFOpLambda", "SlicingOpLambda")


def is_operator(layer: Layer) -> bool:
    """Whether this is an operation rather than a layer: Keras 3 gives it no ``trainable``, Keras 2 a class of its own."""
    is_layer = "trainable" in layer.options or layer.class_name == "InputLayer" or layer.model is not None
    return layer.class_name in OPERATOR_LAYERS or not is_layer


def convert_operator(
    layer: Layer, path: str, arguments: list[Any], keywords: dict[str, Any], graph: GraphBuilder
) -> Value:
    raise refusal(layer, "operations outside layers cannot be converted")
