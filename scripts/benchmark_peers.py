"""The runtimes that the engine is measured against, where they are installed, each given the faithful network."""

import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from aurorapt.engine.choices import DEFAULT_BATCH_SIZE
from aurorapt.network.faithful import build_network
from aurorapt.weights.weights_file import Weights


def onnx_session(weights: Weights, threads: int) -> Callable[[NDArray[np.float32]], Any] | None:
    """Load the faithful network into ONNX Runtime, or give None where that is not installed."""
    try:
        import onnxruntime
    except ImportError:
        return None
    with exported(weights) as path:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {"images": images})[0]


def openvino_model(weights: Weights, threads: int) -> Callable[[NDArray[np.float32]], Any] | None:
    """Load the faithful network into OpenVINO, or give None where that is not installed."""
    try:
        import openvino
    except ImportError:
        return None
    with exported(weights) as path:
        settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
        model = openvino.Core().compile_model(str(path), "CPU", settings)
    return lambda images: model(images)[0]


@contextmanager
def exported(weights: Weights) -> Iterator[Path]:
    """Write the faithful network as an ONNX file."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own, which say nothing of the result
        path = Path(folder) / "network.onnx"
        torch.onnx.export(
            build_network(weights),
            (torch.zeros(DEFAULT_BATCH_SIZE, *weights.input_shape),),
            str(path),
            dynamo=False,
            input_names=["images"],
            output_names=["probabilities"],
            dynamic_axes={"images": {0: "frames"}, "probabilities": {0: "frames"}},
        )
        yield path
