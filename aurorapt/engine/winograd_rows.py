"""Convolution of 3 by 3 with two thirds of the multiplications: Winograd's F(2, 3) down the rows, for bfloat16.

Two rows of the result are four convolutions of 1 by 3 in place of six. Both axes at once would leave four of nine, but
what is added before and after is rounded to bfloat16 each time: they err 2.6 times as much as a direct convolution of
256 channels, this 1.7 times, which does not show in the result of a ResNet-50. The recipe is that of A. Lavin and S.
Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016 (arXiv:1509.09308), section 4.1.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from aurorapt.engine.fused_layers import FusedConvolution, has_fused_convolutions
from aurorapt.machine.processors import halves_wide_instructions

# Fewer channels or rows, and additions take what multiplications give. Milliseconds a frame on Zen 4, direct and so: 56
# x 56 with 64 channels 1.01 to 1.06 and 0.94 to 1.18, 28 x 28 with 128 0.99 and 0.86, 14 x 14 with 256 0.94 and 0.77, 7
# x 7 with 512 0.86 and 0.74
FEWEST_CHANNELS = 128
FEWEST_ROWS = 6
OUTPUTS_AT_ONCE = 32  # of which kernels are made ready in float64; all 512 of 512 channels would take 44 MB
# from a kernel's rows to those that are laid over: the step from one odd row to the next; an even row plus the odd row
# after it; that odd row less the even one; the step from one even row to the next
_KERNEL_TO_PRODUCTS = torch.tensor([[-1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], dtype=torch.float64)


def gains_by_rows(attributes: Mapping[str, Any], input_shape: tuple[int, ...]) -> bool:
    """Tell whether `WinogradRows` computes a fused convolution, and in bfloat16 faster than oneDNN does.

    Parameters
    ----------
    attributes : of the node
    input_shape : (n, channel, y, x) that is expected
    """
    return (
        halves_wide_instructions()
        and has_fused_convolutions()
        and attributes["kernel_size"] == (3, 3)
        and attributes["stride"] == attributes["dilation"] == (1, 1)
        and attributes["groups"] == 1
        and attributes["padding"][:2] == (1, 1)
        and not attributes["residual"]
        and attributes["activation"] in (None, "relu")
        and min(attributes["in_channels"], attributes["out_channels"]) >= FEWEST_CHANNELS
        and input_shape[2] >= FEWEST_ROWS
    )


class WinogradRows(nn.Module):
    """Convolution of 3 by 3 without a stride, as many rows out as in, then no activation or a ReLU.

    The last of an odd number of rows is convolved as it is.

    Parameters
    ----------
    attributes : of the node
    weight, bias : as of a convolution, float32
    input_shape : (n, channel, y, x) of at least two rows; another n works too
    dtype : to compute in
    """

    def __init__(
        self,
        attributes: Mapping[str, Any],
        weight: Tensor,
        bias: Tensor | None,
        input_shape: tuple[int, ...],
        dtype: torch.dtype,
    ) -> None:
        super().__init__()
        n, channels, y, x = input_shape
        kernels = _kernels_of_products(weight, dtype)
        alone = {**attributes, "padding": (0, 0, *attributes["padding"][2:]), "activation": None}
        added = {**alone, "activation": attributes["activation"]}
        shape = (n, channels, y // 2, x)
        offset = None if bias is None else bias.to(dtype)
        before, sums, differences, after = kernels
        self.dtype = dtype
        self.from_sums = FusedConvolution(alone, sums, None, shape, in_place=False)
        self.from_differences = FusedConvolution(alone, differences, None, shape, in_place=False)
        self.onto_even = FusedConvolution(added, before, offset, shape, in_place=True)
        self.onto_odd = FusedConvolution(added, after, offset, shape, in_place=True)
        self.last = None
        if y % 2:
            upper = weight[:, :, :2].to(dtype)
            self.last = FusedConvolution(added, upper, offset, (n, channels, 2, x), in_place=False)

    def forward(self, images: Tensor) -> Tensor:
        rows = images.to(self.dtype).permute(0, 2, 3, 1)
        even, odd = rows[:, ::2], rows[:, 1::2]
        pairs = odd.shape[1]
        paired = even[:, :pairs]
        sums = self.from_sums(_images(paired + odd))
        differences = self.from_differences(_images(odd - paired))
        of_even = self.onto_even(_images(_steps(odd, above=True)), sums + differences)
        of_odd = self.onto_odd(_images(_steps(even, below=not self.last)), sums.sub_(differences))
        n, channels, _, columns = of_even.shape
        result = torch.empty(n, rows.shape[1], columns, channels, dtype=self.dtype)
        result[:, : 2 * pairs : 2] = of_even.permute(0, 2, 3, 1)
        result[:, 1::2] = of_odd.permute(0, 2, 3, 1)
        if self.last:
            result[:, -1:] = self.last(_images(rows[:, -2:])).permute(0, 2, 3, 1)
        return _images(result)


def _kernels_of_products(weight: Tensor, dtype: torch.dtype) -> list[Tensor]:
    """Make the kernels of 1 by 3 of the four products, (out, in, 1, x)."""
    parts = [
        torch.einsum("pk,oikx->poix", _KERNEL_TO_PRODUCTS, some.double()).to(dtype)
        for some in torch.split(weight, OUTPUTS_AT_ONCE)
    ]
    return [torch.cat(products).unsqueeze(2) for products in zip(*parts, strict=True)]


def _images(rows: Tensor) -> Tensor:
    """Take (n, y, x, channel) as (n, channel, y, x)."""
    return rows.permute(0, 3, 1, 2)


def _steps(rows: Tensor, above: bool = False, below: bool = False) -> Tensor:
    """Give the differences from each of the rows of (n, y, x, channel) to the next, and from and to zeros outside."""
    n, y, x, channels = rows.shape
    steps = torch.empty(n, y - 1 + above + below, x, channels, dtype=rows.dtype)
    if above:
        steps[:, 0] = rows[:, 0]
    torch.sub(rows[:, 1:], rows[:, :-1], out=steps[:, above : above + y - 1])
    if below:
        torch.neg(rows[:, -1], out=steps[:, -1])
    return steps
