"""One module for each family of layers; importing this package fills the registry."""

from . import (  # noqa: F401
    activation,
    convolution,
    dense,
    inactive,
    merging,
    normalization,
    pooling,
    reshaping,
    resizing,
    scaling,
)
