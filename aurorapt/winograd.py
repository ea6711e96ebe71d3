"""Convolution of 3 by 3 with a quarter of the multiplications: Winograd's F(4x4, 3x3).

The recipe and its three matrices are those of A. Lavin and S. Gray, Fast Algorithms for Convolutional Neural Networks,
CVPR 2016 (arXiv:1509.09308), section 4.3.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from aurorapt.fused_layers import ACTIVATIONS

TILE = 4  # pixels of the result that are computed at once, both ways
PATCH = TILE + 2  # pixels of the image that they are computed from, both ways
# Fewer channels or tiles, and what is saved in multiplications is spent on memory. Milliseconds a frame where both of 2
# processors compute, direct and so: 56 x 56 with 64 channels 2.4 and 3.7, 28 x 28 with 128 2.9 and 2.0, 14 x 14 with
# 256 2.8 and 2.0, 7 x 7 with 512 2.5 and 2.6
FEWEST_CHANNELS = 128
FEWEST_TILES = 64  # of a batch

_PATCH_TO_PRODUCTS = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ]
)
_KERNEL_TO_PRODUCTS = np.array(
    [[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]],
) / np.array([[24.0]])
_PRODUCTS_TO_TILE = np.array([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]])


def has_winograd() -> bool:
    """Whether this processor gains by fewer multiplications; one with AVX-512 multiplies as fast as it reads."""
    return torch.backends.cpu.get_cpu_capability() == "AVX2"


def gains_by_winograd(attributes: Mapping[str, Any], input_shape: tuple[int, ...]) -> bool:
    """Whether a fused convolution is one of those that `WinogradConvolution` computes, and faster than oneDNN does.

    Parameters
    ----------
    attributes : of the node
    input_shape : (n, channel, y, x) that is expected
    """
    n, _, rows, columns = input_shape
    top, bottom, left, right = attributes["padding"]
    return (
        has_winograd()
        and attributes["kernel_size"] == (3, 3)
        and attributes["stride"] == attributes["dilation"] == (1, 1)
        and attributes["groups"] == 1
        and not attributes["residual"]
        and min(attributes["in_channels"], attributes["out_channels"]) >= FEWEST_CHANNELS
        and n * _tiles(rows + top + bottom - 2) * _tiles(columns + left + right - 2) >= FEWEST_TILES
    )


def _tiles(pixels: int) -> int:
    return -(-pixels // TILE)


def _on_both_axes(matrix: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.kron(matrix, matrix).astype(np.float32))


class WinogradConvolution(nn.Module):
    """Convolution of 3 by 3 without a stride, then an activation, in float32.

    Parameters
    ----------
    attributes : of the node
    weight, bias : as of a convolution
    """

    def __init__(self, attributes: Mapping[str, Any], weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        self.padding = attributes["padding"]
        self.activation = attributes["activation"]
        self.bias = torch.zeros(len(weight)) if bias is None else bias
        # both axes at once: a patch, its products and its tile are columns, and what is done to them are matrices
        kernels = np.kron(_KERNEL_TO_PRODUCTS, _KERNEL_TO_PRODUCTS) @ weight.double().numpy().reshape(-1, 9).T
        kernels = kernels.reshape(PATCH**2, *weight.shape[:2]).transpose(0, 2, 1)
        self.kernels = torch.from_numpy(np.ascontiguousarray(kernels, dtype=np.float32))  # (product, in, out)
        self.patch_to_products = _on_both_axes(_PATCH_TO_PRODUCTS)
        self.products_to_tile = _on_both_axes(_PRODUCTS_TO_TILE)

    def forward(self, images: Tensor) -> Tensor:
        n, channels, y, x = images.shape
        top, bottom, left, right = self.padding
        rows, columns = y + top + bottom - 2, x + left + right - 2
        down, across = _tiles(rows), _tiles(columns)
        below, beside = down * TILE + 2 - y - top, across * TILE + 2 - x - left
        padded = functional.pad(images.permute(0, 2, 3, 1), (0, 0, left, beside, top, below)).contiguous()
        frame, row, column, _ = padded.stride()
        steps = (row, column, frame, TILE * row, TILE * column, 1)
        patches = padded.as_strided((PATCH, PATCH, n, down, across, channels), steps)
        products = torch.mm(self.patch_to_products, patches.reshape(PATCH**2, -1)).view(PATCH**2, -1, channels)
        products = torch.bmm(products, self.kernels).view(PATCH**2, -1)
        tiles = torch.mm(self.products_to_tile, products).view(TILE, TILE, n, down, across, -1)
        result = torch.empty(n, down, TILE, across, TILE, len(self.bias))
        torch.add(tiles.permute(2, 3, 0, 4, 1, 5), self.bias, out=result)
        result = result.view(n, down * TILE, across * TILE, -1)[:, :rows, :columns].contiguous().permute(0, 3, 1, 2)
        return ACTIVATIONS[self.activation](result) if self.activation else result
