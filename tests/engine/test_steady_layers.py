"""A frame's bits do not depend on its place among others."""

import pytest
import torch
from torch import Tensor, nn

from aurorapt.engine.steady_layers import FilledUp, OneByOne, steady_product


class DependsOnPlace(nn.Module):
    """Give the last row another result than the others, as the end of a vector may be computed in another way."""

    def forward(self, values: Tensor) -> Tensor:
        result = values * 2
        result[-1] += 1
        return result


class DependsOnCompany(nn.Module):
    def forward(self, values: Tensor) -> Tensor:
        return values + len(values)


def test_a_product_that_depends_on_its_place_gets_one_row_at_a_time() -> None:
    layer = steady_product(DependsOnPlace(), 5, 16)
    assert isinstance(layer, OneByOne)
    values = torch.rand(7, 5)
    assert torch.equal(layer(values), values * 2 + 1)


@pytest.mark.parametrize("count", [1, 15, 16, 17, 40])
def test_a_product_that_depends_on_its_company_gets_always_as_much(count: int) -> None:
    layer = steady_product(DependsOnCompany(), 5, 16)
    assert isinstance(layer, FilledUp)
    values = torch.rand(count, 5)
    assert torch.equal(layer(values), values + 16)


@pytest.mark.parametrize(("features", "classes"), [(6, 4), (7, 3), (64, 5), (512, 33), (2048, 512)])
def test_a_matrix_product_gives_the_same_bits_in_any_place_and_company(features: int, classes: int) -> None:
    layer = steady_product(nn.Linear(features, classes), features, 16)
    values = torch.rand(37, features)
    with torch.inference_mode():
        expected = layer(values)
        assert torch.equal(layer(values.flip(0)), expected.flip(0))
        assert torch.equal(torch.cat([layer(row[None]) for row in values]), expected)


def test_several_inputs_are_taken_frame_by_frame() -> None:
    seen: list[torch.Size] = []

    class Sum(nn.Module):
        def forward(self, first: Tensor, second: Tensor) -> Tensor:
            seen.append(first.shape)
            return first + second

    first, second = torch.rand(3, 2, 4, 4), torch.rand(3, 2, 4, 4)
    assert torch.equal(OneByOne(Sum())(first, second), first + second)
    assert seen == [(1, 2, 4, 4)] * 3
