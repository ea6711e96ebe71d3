"""Layers that give each frame the same bits wherever it lies among others, made of layers that may not.

Vectors end where a row of numbers ends, and what is left over is computed in another way: so the last frame of several
may get other bits than the first, and a matrix product other bits for one row than for several.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

# operations that move numbers, compare them, or round each result once: no way of computing them gives other bits
STEADY_OPERATIONS = (
    *("relu", "max_pool2d", "global_max_pool2d", "zero_pad2d", "crop2d", "concatenate", "flip"),
    *("flatten", "reshape", "permute", "add", "subtract", "multiply", "maximum", "minimum"),
)


class OneByOne(nn.Module):
    """A layer that is given one frame at a time."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, *values: Tensor) -> Tensor:
        frames = len(values[0])
        if frames == 1:
            return self.layer(*values)  # type: ignore[no-any-return]
        return torch.cat([self.layer(*(value.narrow(0, frame, 1) for value in values)) for frame in range(frames)])


class FilledUp(nn.Module):
    """A matrix product that is given so many rows at a time, the last ones filled up with zeros."""

    def __init__(self, layer: nn.Module, rows: int) -> None:
        super().__init__()
        self.layer = layer
        self.rows = rows

    def forward(self, values: Tensor) -> Tensor:
        rows = len(values)
        whole = functional.pad(values, (0, 0, 0, -rows % self.rows))
        starts = range(0, len(whole), self.rows)
        return torch.cat([self.layer(whole.narrow(0, start, self.rows)) for start in starts])[:rows]


def steady_product(layer: nn.Module, features: int, rows: int) -> nn.Module:
    """Let a matrix product take so many rows at a time where each gets the same bits in every place, or else one.

    Parameters
    ----------
    layer : of (n, features), float32
    """
    noise = torch.rand(rows, features, generator=torch.Generator().manual_seed(0)) - 0.5
    with torch.inference_mode():
        product = layer(noise)
        shifts = [2**power for power in range((rows - 1).bit_length())]
        steady = all(torch.equal(layer(noise.roll(shift, 0)), product.roll(shift, 0)) for shift in shifts)
    return FilledUp(layer, rows) if steady else OneByOne(layer)
