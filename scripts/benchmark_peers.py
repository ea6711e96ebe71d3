"""The runtimes that the engine is measured against, where they are installed, each given the faithful network.

Each has a simple mode, a batch on all processors, and one for throughput, as many batches at the same time as suit it.
Which mode and which batch are best differs by machine, so all are prepared here, for `benchmark_network` to choose.
"""

import tempfile
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from aurorapt.network.faithful import build_network
from aurorapt.weights.weights_file import Weights

BATCH_SIZES = (1, 4, 8)  # frames
OPENVINO_PRECISIONS = {"fp32": ("f32", "FP32"), "bf16": ("bf16", "BF16")}  # as a hint, as a capability

# (n, channels, rows, columns) float32 [frame, channel, y, x] to (n, classes) float32
Predict = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def has_peers() -> bool:
    return any(find_spec(name) for name in ("onnxruntime", "openvino"))


def peer_settings(path: Path, threads: int, classes: int) -> dict[str, dict[str, Callable[[], Predict]]]:
    """Name what each peer that is installed can be set to, and how it is made ready with that.

    Parameters
    ----------
    path : the network, as `exported` writes it; it must be there while they are made ready
    threads : of each peer
    classes : of the network

    Returns
    -------
    dict
        Of each peer with its precision, such as "openvino bf16": settings in words, and functions that get it ready.
    """
    return {**_onnxruntime_settings(path, threads), **_openvino_settings(path, threads, classes)}


def in_batches(images: NDArray[np.float32], batch_size: int) -> list[NDArray[np.float32]]:
    return [images[start : start + batch_size] for start in range(0, len(images), batch_size)]


def _onnxruntime_settings(path: Path, threads: int) -> dict[str, dict[str, Callable[[], Predict]]]:
    try:
        import onnxruntime
    except ImportError:
        return {}
    return {
        "onnxruntime fp32": {
            f"{mode}, batches of {size}": partial(_onnxruntime, onnxruntime, path, calls, threads // calls, size)
            for mode, calls in (("one call", 1), (f"{threads} calls at once", threads))
            for size in BATCH_SIZES
        }
    }


def _onnxruntime(runtime: Any, path: Path, calls: int, threads: int, batch_size: int) -> Predict:
    """Make one session ready that so many calls use at the same time, each with so many threads."""
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    callers = ThreadPoolExecutor(calls)

    def call(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        answer: NDArray[np.float32] = session.run(None, {"images": batch})[0]
        return answer

    return lambda images: np.concatenate(list(callers.map(call, in_batches(images, batch_size))))


def _openvino_settings(path: Path, threads: int, classes: int) -> dict[str, dict[str, Callable[[], Predict]]]:
    try:
        import openvino
    except ImportError:
        return {}
    core = openvino.Core()
    capabilities = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    found: dict[str, dict[str, Callable[[], Predict]]] = {}
    for name, (precision, capability) in OPENVINO_PRECISIONS.items():
        if capability not in capabilities:
            continue
        common = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision}
        settings = found.setdefault(f"openvino {name}", {})
        for size in BATCH_SIZES:
            model = partial(_openvino_model, core, path, size)
            throughput = {**common, "PERFORMANCE_HINT": "THROUGHPUT"}
            settings[f"one request, batches of {size}"] = partial(_openvino_requests, model, common, size)
            settings[f"throughput, batches of {size}"] = partial(_openvino_queue, model, throughput, size, classes)
    return found


def _openvino_model(core: Any, path: Path, batch_size: int, settings: dict[str, Any]) -> Any:
    model = core.read_model(str(path))
    model.reshape([batch_size, *list(model.input(0).partial_shape)[1:]])  # it is faster with a batch of known size
    return core.compile_model(model, "CPU", settings)


def _openvino_requests(make: Callable[..., Any], settings: dict[str, Any], batch_size: int) -> Predict:
    model = make(settings)
    return lambda images: np.concatenate([model(batch)[0].copy() for batch in in_batches(images, batch_size)])


def _openvino_queue(make: Callable[..., Any], settings: dict[str, Any], batch_size: int, classes: int) -> Predict:
    import openvino

    queue = openvino.AsyncInferQueue(make(settings))

    def predict(images: NDArray[np.float32]) -> NDArray[np.float32]:
        answers = np.empty((len(images), classes), np.float32)

        def keep(request: Any, start: int) -> None:
            answers[start : start + batch_size] = request.get_output_tensor(0).data

        queue.set_callback(keep)
        for number, batch in enumerate(in_batches(images, batch_size)):
            queue.start_async({0: batch}, number * batch_size, share_inputs=True)
        queue.wait_all()
        return answers

    return predict


@contextmanager
def exported(weights: Weights) -> Iterator[Path]:
    """Write the faithful network as an ONNX file.

    Raises
    ------
    ModuleNotFoundError
        If onnx is not installed.
    """
    import onnx  # noqa: F401  of which torch says nothing that helps

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own, which say nothing of the result
        path = Path(folder) / "network.onnx"
        torch.onnx.export(
            build_network(weights),
            (torch.zeros(BATCH_SIZES[-1], *weights.input_shape),),
            str(path),
            dynamo=False,
            input_names=["images"],
            output_names=["probabilities"],
            dynamic_axes={"images": {0: "frames"}, "probabilities": {0: "frames"}},
        )
        yield path
