"""Measure aurorapt against its peers, interleaved in one run, as medians with their spread.

python scripts/benchmark.py network|preprocess|end-to-end|scaling [--weights FILE] [--json]
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from benchmark_cluster import commands as cluster_commands
from benchmark_figures import Result, interleaved, rates_and_ratios, show, summarize
from benchmark_network import contestants, engine_streams, network_input

from aurorapt.engine.choices import PRECISIONS
from aurorapt.errors import AuroraptError, one_line
from aurorapt.images.preprocess import Preprocessor
from aurorapt.machine.freed_memory import keep_freed_memory
from aurorapt.machine.processors import usable_processors
from aurorapt.simulation.simulated_archive import simulate_frames
from aurorapt.weights.location import find_weights
from aurorapt.weights.weights_file import Weights, read_weights

if TYPE_CHECKING:
    from benchmark_command import Run

FRAMES = 192  # of each thread with the network; of half as many, a processor waits for the other 3 % of the time
FRAMES_ALONE = 240  # of each processor with the network alone, to set against the whole command
EXPOSURES = [datetime(2014, 3, 10, 6, minute) for minute in range(40)]  # to preprocess; it is dark at gill then

app = typer.Typer(help=__doc__, rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)
WeightsOption = Annotated[Path | None, typer.Option("--weights", help="Weights file. [default: as aurorapt]")]
RunsOption = Annotated[int, typer.Option("--runs", min=1, help="Counted runs of each.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def network(
    weights: WeightsOption = None,
    runs: RunsOption = 5,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of each. [default: all processors]")] = None,
    frames: Annotated[int, typer.Option(min=16, help="Frames for each thread in a run.")] = FRAMES,
    as_json: JsonOption = False,
) -> None:
    """Measure the network alone: this engine, the faithful network, ONNX Runtime and OpenVINO where installed."""
    loaded = read_weights(find_weights(weights))
    threads = threads or usable_processors()
    keep_freed_memory()  # as the command does; the peers, which keep their memory anyway, have it too
    images = network_input(loaded, frames * threads)
    ready = contestants(loaded, images, threads)
    turns = interleaved({name: one.over(images) for name, one in ready.items()}, runs)
    told = {name: one.told() for name, one in ready.items()}
    show("network", list(rates_and_ratios(turns, len(images))), as_json, told)


@app.command()
def preprocess(weights: WeightsOption = None, runs: RunsOption = 9, as_json: JsonOption = False) -> None:
    """Measure preprocessing on one core against the same recipe in OpenCV."""
    import cv2  # from the extra, which other benchmarks can do without

    loaded = read_weights(find_weights(weights))
    images = simulate_frames("gill", EXPOSURES).images
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
    turns = interleaved({"aurorapt": lambda: preprocessor(images), "opencv": opencv}, runs)
    results = [
        summarize(name, "ms/frame", [1000 * turn.processor_time / len(images) for turn in timed])
        for name, timed in turns.items()
    ]
    pairs = zip(turns["aurorapt"], turns["opencv"], strict=True)
    ratios = [ours.processor_time / theirs.processor_time for ours, theirs in pairs]
    show("preprocess", [*results, summarize("aurorapt / opencv", "ratio of time", ratios)], as_json)


@dataclass(frozen=True)
class Alone:
    """The network alone on all processors: its frames per second, and its processor time in seconds a frame."""

    rate: float
    processor_time: float


def network_alone(weights: Weights, precision: str) -> Callable[[], Alone]:
    """Prepare to measure the network alone."""
    keep_freed_memory()  # as the command does
    threads = usable_processors()
    images = network_input(weights, FRAMES_ALONE * threads)
    predict = engine_streams(weights, precision, threads)

    def measure() -> Alone:
        start, used = time.perf_counter(), time.process_time()
        predict(images)
        seconds, used = time.perf_counter() - start, time.process_time() - used
        return Alone(len(images) / seconds, used / len(images))

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
    if precision not in PRECISIONS:
        raise typer.BadParameter(f"{precision} is none of {', '.join(PRECISIONS)}", param_hint="--precision")
    # with psutil, from the extra
    from benchmark_command import SAMPLING_OF_MEMORY_ALONE, run_command, simulated_archive, single_frame_archive

    path = find_weights(weights)
    alone = network_alone(read_weights(path), precision)
    options = ("--weights", path, "--precision", precision)
    bare: list[tuple[Alone, Alone]] = []
    done: dict[str, list[Run]] = {name: [] for name in ("frame", "start-up", "hour", "longer", "hour again")}
    with (
        single_frame_archive() as frame,
        simulated_archive(minutes) as hour,
        simulated_archive(minutes * times if times > 1 else 1) as longer,
    ):
        for _ in range(runs):
            done["frame"].append(run_command(frame, *options))
            done["start-up"].append(run_command(frame, *options, sampling=SAMPLING_OF_MEMORY_ALONE))
            before = alone()
            done["hour"].append(run_command(hour, *options))
            bare.append((before, alone()))  # the machine's speed drifts within minutes
            if times > 1:
                done["longer"].append(run_command(longer, *options))
                done["hour again"].append(run_command(hour, *options))
    show(f"end-to-end {precision}", list(_end_to_end_results(bare, done, times)), as_json)


def _end_to_end_results(
    bare: "list[tuple[Alone, Alone]]", done: "dict[str, list[Run]]", times: int
) -> Iterator[Result]:
    hours, longer = done["hour"], done["longer"]
    rates = [run.summary["frames_per_second"] for run in hours]
    rates_alone = [statistics.fmean(alone.rate for alone in around) for around in bare]
    yield summarize("aurorapt", "frames/s", rates)
    yield summarize("network alone", "frames/s", rates_alone)
    yield summarize("aurorapt / network alone", "ratio", [a / b for a, b in zip(rates, rates_alone, strict=True)])
    yield summarize("aurorapt, start-up included", "frames/s", [run.summary["frames"] / run.seconds for run in hours])
    beyond = [
        (run.processor_time - start.processor_time) / (run.summary["frames"] - start.summary["frames"])
        - statistics.fmean(alone.processor_time for alone in around)
        for run, start, around in zip(hours, done["frame"], bare, strict=True)
    ]
    yield summarize("processor time beyond the network", "ms/frame", [1000 * seconds for seconds in beyond])
    peaks = [max(run.memory, start.memory) for run, start in zip(hours, done["start-up"], strict=True)]
    yield summarize("peak memory of all processes", "MiB", peaks)
    yield summarize("whole command for one frame", "s", [run.seconds for run in done["frame"]])
    if longer:
        turns = zip(longer, hours, done["hour again"], strict=True)
        seconds = [[run.summary["seconds"] for run in turn] for turn in turns]
        ratios = [long / (times * statistics.fmean(around)) for long, *around in seconds]
        yield summarize(f"{times} times as long / {times} times", "ratio", ratios)
        peaks = [max(run.memory, start.memory) for run, start in zip(longer, done["start-up"], strict=True)]
        yield summarize(f"peak memory, {times} times as long", "MiB", peaks)


@app.command()
def scaling(weights: WeightsOption = None, runs: RunsOption = 3, as_json: JsonOption = False) -> None:
    """Measure workers against threads on ten minutes of one camera."""
    from benchmark_command import run_command, simulated_archive  # with psutil, from the extra

    path = find_weights(weights)
    counts = sorted({1, 2, usable_processors()})
    rates: dict[str, list[float]] = {}
    with simulated_archive(10) as stream0:
        for _ in range(runs):
            for workers in (0, *counts):
                for threads in counts:
                    run = run_command(stream0, "--weights", path, "--workers", workers, "--threads", threads)
                    name = f"workers {workers}, threads {threads}"
                    rates.setdefault(name, []).append(run.summary["frames_per_second"])
    show("scaling", [summarize(name, "frames/s", values) for name, values in rates.items()], as_json)


app.add_typer(cluster_commands)


if __name__ == "__main__":
    try:
        app()
    except ModuleNotFoundError as error:
        sys.exit(f"benchmark.py: {error.name} is not installed; pip install -e '.[benchmark]' brings it")
    except AuroraptError as error:
        sys.exit(one_line(f"benchmark.py: {error}"))
