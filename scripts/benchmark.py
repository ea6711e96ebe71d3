"""Measure aurorapt against its peers, interleaved in one run, as medians with their spread.

python scripts/benchmark.py network|preprocess|end-to-end|scaling [--weights FILE] [--json]
"""

import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import psutil
import torch
import typer
from numpy.typing import NDArray

from aurorapt.engine import Engine
from aurorapt.fused_layers import has_bfloat16
from aurorapt.network import build_network
from aurorapt.options import DEFAULT_BATCH_SIZE, usable_processors
from aurorapt.preprocess import Preprocessor
from aurorapt.simulate import simulate_archive, simulate_frames
from aurorapt.streams import Streams
from aurorapt.weights import Weights, read_weights
from aurorapt.weights_location import find_weights

NIGHT = datetime(2014, 3, 10, 6, 0)  # dark at gill
HOURS = range(1, 12)  # of that night; the first and the last are dark in part
BATCHES = 12  # of each processor with the network: of fewer, the last one, beside an idle processor, would weigh
BATCHES_ALONE = 60  # batches of each processor with the network alone, to set against the whole command
BATCH_SIZE = DEFAULT_BATCH_SIZE  # frames
REST = 0.3  # seconds before each run, in which the idle threads of the one before stop spinning
ENGINE = "engine"  # how the names of this engine's figures begin
SAMPLING = 0.2  # seconds between two looks at the memory

app = typer.Typer(help=__doc__, rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)
WeightsOption = Annotated[Path | None, typer.Option("--weights", help="Weights file. [default: as aurorapt]")]
RunsOption = Annotated[int, typer.Option("--runs", min=1, help="Counted runs of each.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@dataclass(frozen=True)
class Result:
    """One figure: its median over so many runs, and its spread."""

    name: str
    unit: str
    median: float
    min: float
    max: float
    runs: int


def summarize(name: str, unit: str, values: list[float]) -> Result:
    return Result(name, unit, *(round(f(values), 4) for f in (statistics.median, min, max)), len(values))


def interleaved(contestants: dict[str, Callable[[], Any]], runs: int) -> dict[str, list[float]]:
    """Time the contestants in turn, after one uncounted round, so that a slower machine slows all; seconds of each."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for counted in (False, *[True] * runs):
        for name, contestant in contestants.items():
            time.sleep(REST)
            start = time.perf_counter()
            contestant()
            if counted:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def rates_and_ratios(seconds: dict[str, list[float]], frames: int) -> Iterator[Result]:
    """Frames per second of each contestant, and the ratios of this engine's to the others', turn by turn."""
    for name, values in seconds.items():
        yield summarize(name, "frames/s", [frames / value for value in values])
    for ours, theirs in itertools.product(seconds, seconds):
        if ours.startswith(ENGINE) and not theirs.startswith(ENGINE):
            ratios = [other / value for value, other in zip(seconds[ours], seconds[theirs], strict=True)]
            yield summarize(f"{ours} / {theirs}", "ratio", ratios)


def show(benchmark: str, results: list[Result], as_json: bool) -> None:
    machine = f"{platform.machine()}, {usable_processors()} processors, torch {torch.__version__}"
    if as_json:
        document = {"benchmark": benchmark, "machine": machine, "results": [asdict(result) for result in results]}
        typer.echo(json.dumps(document))
        return
    typer.echo(f"{benchmark} on {machine}")
    for result in results:
        spread = f"{result.min:9.2f} to {result.max:.2f}"
        typer.echo(f"{result.name:38} {result.median:9.2f} {result.unit:9} {spread:24} {result.runs} runs")


def onnx_session(weights: Weights, threads: int) -> Callable[[NDArray[np.float32]], Any] | None:
    """Load the faithful network into ONNX Runtime, or give None where that is not installed."""
    try:
        import onnxruntime
    except ImportError:
        return None
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own, which say nothing of the result
        path = Path(folder) / "network.onnx"
        export(weights, path)
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
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "network.onnx"
        export(weights, path)
        settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
        model = openvino.Core().compile_model(str(path), "CPU", settings)
    return lambda images: model(images)[0]


def export(weights: Weights, path: Path) -> None:
    torch.onnx.export(
        build_network(weights),
        (torch.zeros(BATCH_SIZE, *weights.input_shape),),
        str(path),
        dynamo=False,
        input_names=["images"],
        output_names=["probabilities"],
        dynamic_axes={"images": {0: "frames"}, "probabilities": {0: "frames"}},
    )


def every_batch(predict: Callable[[NDArray[np.float32]], Any], images: NDArray[np.float32]) -> Callable[[], Any]:
    return lambda: [predict(images[start : start + BATCH_SIZE]) for start in range(0, len(images), BATCH_SIZE)]


def network_contestants(
    weights: Weights, inputs: NDArray[np.float32], threads: int
) -> Iterator[tuple[str, Callable[[], Any]]]:
    channels = np.ascontiguousarray(np.repeat(inputs[:, None], weights.input_shape[0], axis=1))
    faithful = build_network(weights).to(memory_format=torch.channels_last)

    def eager(images: NDArray[np.float32]) -> torch.Tensor:
        with torch.inference_mode():
            return faithful(torch.from_numpy(images).contiguous(memory_format=torch.channels_last))

    for precision in ("fp32", "bf16") if has_bfloat16() else ("fp32",):
        streams = Streams(Engine(weights, precision, BATCH_SIZE).predict, threads)
        yield f"{ENGINE} {precision}", _in_streams(streams, inputs)
    yield "faithful fp32", every_batch(eager, channels)
    for name, make in (("onnxruntime fp32", onnx_session), ("openvino fp32", openvino_model)):
        predict = make(weights, threads)
        if predict is not None:
            yield name, every_batch(predict, channels)


def _in_streams(streams: Streams, inputs: NDArray[np.float32]) -> Callable[[], Any]:
    return lambda: [future.result() for future in every_batch(streams.submit, inputs)()]


@app.command()
def network(
    weights: WeightsOption = None,
    runs: RunsOption = 9,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of each. [default: all processors]")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure the network alone: this engine, the faithful network, ONNX Runtime and OpenVINO where installed."""
    loaded = read_weights(find_weights(weights))
    threads = threads or usable_processors()
    torch.set_num_threads(threads)
    frames = BATCHES * BATCH_SIZE * threads
    inputs = np.random.default_rng(0).uniform(0, 255, (frames, *loaded.input_shape[1:])).astype(np.float32)
    contestants = dict(network_contestants(loaded, inputs, threads))
    show("network", list(rates_and_ratios(interleaved(contestants, runs), frames)), as_json)


@app.command()
def preprocess(weights: WeightsOption = None, runs: RunsOption = 9, as_json: JsonOption = False) -> None:
    """Measure preprocessing on one core against the same recipe in OpenCV."""
    loaded = read_weights(find_weights(weights))
    images = simulate_frames("gill", [NIGHT.replace(minute=minute) for minute in range(40)]).images
    cv2.setNumThreads(1)
    clahe = cv2.createCLAHE(clipLimit=3, tileGridSize=(8, 8))
    hidden = loaded.elevation_mask == 0
    size = loaded.input_shape[:0:-1]

    def opencv() -> None:
        for image in images:
            masked = cv2.convertScaleAbs(clahe.apply(image), alpha=255 / 65535).astype(np.float32)
            masked[hidden] = 0
            cv2.resize(masked, size, interpolation=cv2.INTER_LINEAR)

    preprocessor = Preprocessor(loaded.elevation_mask, loaded.input_shape[1:])
    seconds = interleaved({"aurorapt": lambda: preprocessor(images), "opencv": opencv}, runs)
    results = [summarize(name, "ms/frame", [1000 * value / 40 for value in values]) for name, values in seconds.items()]
    ratios = [ours / theirs for ours, theirs in zip(seconds["aurorapt"], seconds["opencv"], strict=True)]
    show("preprocess", [*results, summarize("aurorapt / opencv", "ratio of time", ratios)], as_json)


@contextmanager
def simulated_archive(minutes: int) -> Iterator[Path]:
    """Make an archive of one camera and so many minutes."""
    with tempfile.TemporaryDirectory() as folder:
        stream0 = Path(folder) / "stream0"
        simulate_archive(stream0, NIGHT.date(), NIGHT.date(), ["gill"], hours=HOURS[: 2 + minutes // 60])
        paths = sorted(stream0.rglob("*.pgm.gz"))
        for path in paths[minutes:]:
            path.unlink()
        yield stream0


@dataclass(frozen=True)
class Run:
    """One run of the command: its summary, its seconds, and the peak memory of all its processes in MiB (PSS)."""

    summary: dict[str, Any]
    seconds: float
    memory: float


def classify(stream0: Path, *options: object) -> Run:
    """Run the command once."""
    with tempfile.TemporaryDirectory() as output:
        day = str(NIGHT.date())
        command = [sys.executable, "-m", "aurorapt", "classify", day, day, "--json", "--stream0", str(stream0)]
        places = ["--output", output, "--log-file", os.devnull]
        start = time.perf_counter()
        run = subprocess.Popen([*command, *places, *map(str, options)], stdout=subprocess.PIPE, text=True)
        peak = 0
        while run.poll() is None:
            peak = max(peak, proportional_memory(run.pid))
            time.sleep(SAMPLING)
        seconds = time.perf_counter() - start
        assert run.stdout is not None
        return Run(json.loads(run.stdout.read()), seconds, peak / 2**20)


def proportional_memory(pid: int) -> int:
    """Memory of a process and its children in bytes, shared pages counted once."""
    total = 0
    try:
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            total += process.memory_full_info().pss
    except psutil.Error:  # a process that has just ended
        pass
    return total


def network_rate(weights: Weights, precision: str) -> Callable[[], float]:
    """Prepare to measure the frames per second of the network alone, on all processors."""
    threads = usable_processors()
    frames = BATCHES_ALONE * BATCH_SIZE * threads
    inputs = np.random.default_rng(0).uniform(0, 255, (frames, *weights.input_shape[1:])).astype(np.float32)
    alone = _in_streams(Streams(Engine(weights, precision, BATCH_SIZE).predict, threads), inputs)

    def measure() -> float:
        start = time.perf_counter()
        alone()
        return frames / (time.perf_counter() - start)

    measure()
    return measure


@app.command("end-to-end")
def end_to_end(
    weights: WeightsOption = None,
    runs: RunsOption = 3,
    minutes: Annotated[int, typer.Option(min=1, max=60, help="Minutes of the archive, 20 frames each.")] = 60,
    precision: Annotated[str, typer.Option(help="fp32, bf16 or auto.")] = "fp32",
    times: Annotated[int, typer.Option(min=1, max=10, help="Measure an archive so many times as long too.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Measure the whole command on an hour of one camera, against the network alone; memory; start-up."""
    path = find_weights(weights)
    rate_alone = network_rate(read_weights(path), precision)
    options = ("--weights", path, "--precision", precision)
    bare: list[float] = []
    done: dict[str, list[Run]] = {name: [] for name in ("one", "hour", "longer")}
    with (
        simulated_archive(1) as one,
        simulated_archive(minutes) as hour,
        simulated_archive(minutes * times if times > 1 else 1) as longer,
    ):
        for _ in range(runs):
            done["one"].append(classify(one, *options))
            before = rate_alone()
            done["hour"].append(classify(hour, *options))
            bare.append(statistics.fmean((before, rate_alone())))  # the machine's speed drifts within minutes
            if times > 1:
                done["longer"].append(classify(longer, *options))
    show(f"end-to-end {precision}", list(_end_to_end_results(bare, done, times)), as_json)


def _end_to_end_results(bare: list[float], done: dict[str, list[Run]], times: int) -> Iterator[Result]:
    hours, longer = done["hour"], done["longer"]
    rates = [run.summary["frames_per_second"] for run in hours]
    yield summarize("aurorapt", "frames/s", rates)
    yield summarize("network alone", "frames/s", bare)
    yield summarize("aurorapt / network alone", "ratio", [a / b for a, b in zip(rates, bare, strict=True)])
    yield summarize("aurorapt, start-up included", "frames/s", [run.summary["frames"] / run.seconds for run in hours])
    yield summarize("peak memory of all processes", "MiB", [run.memory for run in hours])
    yield summarize("whole command for one minute file", "s", [run.seconds for run in done["one"]])
    if longer:
        pairs = list(zip(longer, hours, strict=True))
        seconds = [long.summary["seconds"] / (times * hour.summary["seconds"]) for long, hour in pairs]
        yield summarize(f"{times} times as long / {times} times", "ratio", seconds)
        yield summarize(f"peak memory, {times} times as long", "MiB", [run.memory for run in longer])


@app.command()
def scaling(weights: WeightsOption = None, runs: RunsOption = 3, as_json: JsonOption = False) -> None:
    """Measure workers against threads on ten minutes of one camera."""
    path = find_weights(weights)
    counts = sorted({1, 2, usable_processors()})
    rates: dict[str, list[float]] = {}
    with simulated_archive(10) as stream0:
        for _ in range(runs):
            for workers in (0, *counts):
                for threads in counts:
                    run = classify(stream0, "--weights", path, "--workers", workers, "--threads", threads)
                    name = f"workers {workers}, threads {threads}"
                    rates.setdefault(name, []).append(run.summary["frames_per_second"])
    show("scaling", [summarize(name, "frames/s", values) for name, values in rates.items()], as_json)


if __name__ == "__main__":
    app()
