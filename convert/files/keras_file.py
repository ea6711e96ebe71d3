"""What is read from a Keras file of any format."""

import re
from dataclasses import dataclass

from aurorapt.errors import ConversionError

from ..keras_model import Model
from .variables import Arrays


@dataclass(frozen=True)
class KerasFile:
    """A model, its arrays and the version of Keras that wrote them."""

    model: Model
    arrays: Arrays
    keras_version: str

    @property
    def keras_major(self) -> int:
        """2 or 3."""
        return version_major(self.keras_version)


def version_major(version: str) -> int:
    """Give the first number of a version of Keras.

    Raises
    ------
    ConversionError
        If it is no version, or not one that can be converted.
    """
    if not re.fullmatch(r"[23](\.[0-9A-Za-z.+-]{1,40})?", version):
        raise ConversionError(f"was written by Keras {version!r:.40}; versions 2 and 3 can be converted")
    return int(version[0])
