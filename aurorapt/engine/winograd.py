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

from aurorapt.engine.fused_layers import ACTIVATIONS, FusedConvolution, has_fused_convolutions
from aurorapt.machine.processors import halves_wide_instructions

TILE = 4  # pixels of the result that are computed at once, both ways
PATCH = TILE + 2  # pixels of the image that they are computed from, both ways
# Fewer channels or tiles, and what is saved in multiplications is spent on memory. Milliseconds a frame in batches of 4
# where both of 2 processors compute, direct and so: 56 x 56 with 64 channels 2.5 and 2.6, 28 x 28 with 128 2.7 and 1.7,
# 14 x 14 with 256 2.4 and 1.5, 7 x 7 with 512 2.9 and 1.7
FEWEST_CHANNELS = 128
FEWEST_TILES = 16  # of a batch
TILES_AT_ONCE = 64  # at least, if the batch has them; with fewer, matrices are read too often, and more gain nothing
# Matrices take four times the memory of kernels. Beside a direct convolution with AVX-512, even in halves, more of them
# gain 2 of 60 ms a frame of a ResNet-50 for 85 MiB
MOST_KERNELS_BESIDE_AVX512 = 256 * 256
KERNELS_AT_ONCE = 4096  # made ready in float64; all 512 x 512 of a layer would leave the cache and take 75 MB

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
    """Tell whether fewer multiplications gain time: not with a whole AVX-512, which multiplies as fast as it reads.

    The multiplications that are left are oneDNN's, on packed matrices.
    """
    multiplies_slowly = torch.backends.cpu.get_cpu_capability() == "AVX2" or halves_wide_instructions()
    return multiplies_slowly and has_fused_convolutions()


def gains_by_winograd(attributes: Mapping[str, Any], input_shape: tuple[int, ...]) -> bool:
    """Tell whether `WinogradConvolution` computes a fused convolution, and faster than oneDNN does.

    Parameters
    ----------
    attributes : of the node
    input_shape : (n, channel, y, x) that is expected
    """
    n, _, rows, columns = input_shape
    top, bottom, left, right = attributes["padding"]
    kernels = attributes["in_channels"] * attributes["out_channels"]
    return (
        has_winograd()
        and (kernels <= MOST_KERNELS_BESIDE_AVX512 or torch.backends.cpu.get_cpu_capability() == "AVX2")
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


def _matrices(weight: Tensor) -> Tensor:
    """Make the matrices that lead from the channels of a patch to those of its tile, (product, out, in)."""
    kernel_to_products = np.kron(_KERNEL_TO_PRODUCTS, _KERNEL_TO_PRODUCTS)
    kernels = weight.numpy().reshape(-1, 9)
    matrices = np.empty((PATCH**2, len(kernels)), np.float32)
    for start in range(0, len(kernels), KERNELS_AT_ONCE):
        piece = slice(start, start + KERNELS_AT_ONCE)
        matrices[:, piece] = kernel_to_products @ kernels[piece].T.astype(np.float64)
    return torch.from_numpy(matrices).view(-1, *weight.shape[:2])


class WinogradConvolution(nn.Module):
    """Convolution of 3 by 3 without a stride, then an activation, in float32.

    Parameters
    ----------
    attributes : of the node
    weight, bias : as of a convolution
    input_shape : (n, channel, y, x) that is expected; another n takes the time of a multiple of ``frames_at_once``
    """

    def __init__(
        self, attributes: Mapping[str, Any], weight: Tensor, bias: Tensor | None, input_shape: tuple[int, ...]
    ) -> None:
        super().__init__()
        n, _, y, x = input_shape
        top, bottom, left, right = attributes["padding"]
        self.activation = attributes["activation"]
        self.bias = torch.zeros(len(weight)) if bias is None else bias
        self.rows, self.columns = y + top + bottom - 2, x + left + right - 2
        self.down, self.across = _tiles(self.rows), _tiles(self.columns)
        below, beside = self.down * TILE + 2 - y - top, self.across * TILE + 2 - x - left
        self.padding = (0, 0, left, beside, top, below)
        # both axes at once: a patch, its products and its tile are columns, and what is done to them are matrices
        self.patch_to_products = _on_both_axes(_PATCH_TO_PRODUCTS)
        self.products_to_tile = _on_both_axes(_PRODUCTS_TO_TILE)
        most_at_once = min(n, -(-TILES_AT_ONCE // (self.down * self.across)))
        self.frames_at_once = -(-n // -(-n // most_at_once))
        self.multiply = self._multiplication(_matrices(weight))

    def _multiplication(self, matrices: Tensor) -> FusedConvolution:
        """Make each product's matrix a group of one convolution, to which the tiles are a row of pixels."""
        channels = PATCH**2 * matrices.shape[2]
        pointwise = {"stride": (1, 1), "dilation": (1, 1), "padding": (0, 0, 0, 0), "activation": None}
        shape = (1, channels, 1, self.frames_at_once * self.down * self.across)
        weight = matrices.view(-1, matrices.shape[2], 1, 1)
        return FusedConvolution({**pointwise, "groups": PATCH**2}, weight, None, shape, in_place=False)

    def forward(self, images: Tensor) -> Tensor:
        result = torch.empty(len(images), self.rows, self.columns, len(self.bias))
        for part, place in zip(*(torch.split(whole, self.frames_at_once) for whole in (images, result)), strict=True):
            place.copy_(self._whole_tiles(part.permute(0, 2, 3, 1))[: len(part), : self.rows, : self.columns])
        result = result.permute(0, 3, 1, 2)
        return ACTIVATIONS[self.activation](result) if self.activation else result

    def _whole_tiles(self, images: Tensor) -> Tensor:
        """Convolve as many frames as are computed at once, (n, y, x, channel), to the last pixel of their tiles."""
        # always as many as the matrices were packed for: for most other numbers oneDNN packs them again, for a second
        padded = functional.pad(images, (*self.padding, 0, self.frames_at_once - len(images))).contiguous()
        frame, row, column, _ = padded.stride()
        shape = (self.frames_at_once, self.down, self.across, PATCH, PATCH, padded.shape[3])
        steps = (frame, TILE * row, TILE * column, row, column, 1)
        patches = padded.as_strided(shape, steps).flatten(3, 4).flatten(0, 2)
        tiles = len(patches)
        products = torch.bmm(self.patch_to_products.expand(tiles, -1, -1), patches)
        products = self.multiply(products.view(1, 1, tiles, -1).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        results = torch.bmm(self.products_to_tile.expand(tiles, -1, -1), products.view(tiles, PATCH**2, -1))
        image = torch.empty(self.frames_at_once, self.down, TILE, self.across, TILE, len(self.bias))
        torch.add(results.view(*shape[:3], TILE, TILE, -1).transpose(2, 3), self.bias, out=image)
        return image.view(self.frames_at_once, self.down * TILE, self.across * TILE, -1)
