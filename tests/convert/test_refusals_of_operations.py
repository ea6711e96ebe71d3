"""Operations outside layers that cannot be converted are refused by name."""

from typing import Any

import pytest

from aurorapt.errors import ConversionError
from tests.convert.suspects import functional


@pytest.mark.parametrize(
    ("keywords", "complaint"),
    [
        ({"slice_spec": [{"class_name": "__ellipsis__"}, {"start": 0, "stop": 2, "step": None}]}, "slices"),
        ({"slice_spec": []}, "slices"),
    ],
)
def test_slice(keywords: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConversionError, match=complaint):
        functional([["images", 0, 0, keywords]], "SlicingOpLambda", function="__operators__.getitem")


@pytest.mark.parametrize(
    ("function", "keywords"),
    [
        ("math.truediv", {"y": 0}),
        ("math.truediv", {"y": ["images", 0, 0]}),
        ("math.add", {}),
        ("math.add", {"y": 1, "unknown": 2}),
        ("math.add", {"y": [1, 2]}),
        ("nn.bias_add", {"bias": [1, 2, 3], "data_format": "NCHW"}),
        ("nn.relu", {"y": 1}),
        ("nn.leaky_relu", {"alpha": "steep"}),
        ("nn.leaky_relu", {"alpha": True}),
        ("nn.gelu", {"approximate": 1}),
        ("nn.softmax", {"axis": 0}),
        ("nn.softmax", {"axis": [1, 2]}),
        ("math.reduce_mean", {}),
        ("math.reduce_mean", {"axis": 0}),
        ("math.reduce_mean", {"axis": [1, -4]}),
        ("math.reduce_mean", {"axis": []}),
        ("math.reduce_mean", {"axis": 4}),
        ("math.reduce_mean", {"axis": True}),
        ("math.reduce_mean", {"axis": [1, 2, 3]}),
        ("math.reduce_mean", {"axis": 1, "keepdims": 1}),
        ("math.reduce_max", {"axis": 1, "initial": 0}),
        ("concat", {"axis": 1}),
        ("math.maximum", {"y": "large"}),
        ("reshape", {"shape": [3, 6, 5]}),
        ("reshape", {"shape": [-1]}),
        ("reshape", {"shape": [-1, 45]}),
        ("reshape", {"shape": [-1, -1, 90]}),
        ("reshape", {"shape": ["images", 0, 0]}),
        ("pad", {"paddings": [[0, 0], [1, 1], [1, 1], [0, 0]], "mode": "REFLECT"}),
        ("pad", {"paddings": [[0, 0], [1, 1], [1, 1], [0, 0]], "constant_values": 1}),
        ("pad", {"paddings": [[1, 0], [1, 1], [1, 1], [0, 0]]}),
        ("pad", {"paddings": [[0, 0], [1, 1]]}),
        ("pad", {"paddings": [[0, 0], [1, -1], [1, 1], [0, 0]]}),
        ("pad", {"paddings": 1}),
        ("pad", {}),
    ],
)
def test_operation(function: str, keywords: dict[str, Any]) -> None:
    with pytest.raises(ConversionError, match=r"layer suspect \(TFOpLambda\)"):
        functional([["images", 0, 0, keywords]], "TFOpLambda", function=function)
