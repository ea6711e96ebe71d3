"""What is read from a Keras file of any format."""

from dataclasses import dataclass

from ..keras_model import Model
from ..writer import Writer
from .variables import Arrays


@dataclass(frozen=True)
class KerasFile:
    """A model, its arrays and the program that wrote them."""

    model: Model
    arrays: Arrays
    writer: Writer
