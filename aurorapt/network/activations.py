"""Activation functions with the arithmetic of Keras, where torch's own modules have another."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class Relu(nn.Module):
    """Keras's ReLU: above the threshold the identity, up to max_value; elsewhere negative_slope * (x - threshold)."""

    def __init__(self, max_value: float | None, negative_slope: float, threshold: float) -> None:
        super().__init__()
        self.max_value, self.negative_slope, self.threshold = max_value, negative_slope, threshold

    def forward(self, values: Tensor) -> Tensor:
        if self.threshold == 0:
            result = functional.leaky_relu(values, self.negative_slope) if self.negative_slope else values.relu()
        else:
            sloping = self.negative_slope * (values - self.threshold)
            result = torch.where(values > self.threshold, values, sloping)
        return result if self.max_value is None else result.clamp(max=self.max_value)


class Prelu(nn.Module):
    """Identity above zero; below it, a slope learned for each place in the tensor."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape))

    def forward(self, values: Tensor) -> Tensor:
        return torch.where(values > 0, values, self.weight * values)


class Gelu(nn.Module):
    """GELU, exact through the error function or approximate through tanh."""

    def __init__(self, approximate: bool) -> None:
        super().__init__()
        self.approximate = "tanh" if approximate else "none"

    def forward(self, values: Tensor) -> Tensor:
        return functional.gelu(values, approximate=self.approximate)


class HardSigmoid(nn.Module):
    """slope * x + 0.5 cut to 0..1: the slope is 1/5 in Keras 2 and 1/6 in Keras 3."""

    def __init__(self, slope: float) -> None:
        super().__init__()
        self.slope = slope

    def forward(self, values: Tensor) -> Tensor:
        return (values * self.slope + 0.5).clamp(0, 1)


class Exponential(nn.Module):
    def forward(self, values: Tensor) -> Tensor:
        return values.exp()


class Softmax(nn.Module):
    def __init__(self, axis: int) -> None:
        super().__init__()
        self.axis = axis

    def forward(self, values: Tensor) -> Tensor:
        return values.softmax(dim=self.axis)
