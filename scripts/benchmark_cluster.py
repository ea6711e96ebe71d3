"""Measure runs on a cluster of this machine: the subcommands cluster, interpreter and empty-nights of benchmark.py."""

import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from benchmark_figures import Result, show, summarize

from aurorapt.archive.frames import read_minute
from aurorapt.archive.night_listing import MinuteFile
from aurorapt.classifier import Classifier
from aurorapt.cluster.address import parse_scheduler
from aurorapt.cluster.scheduler import run_on_cluster
from aurorapt.engine.choices import DEFAULT_BATCH_SIZE
from aurorapt.engine.streams import one_thread
from aurorapt.run.options import check_options
from aurorapt.run.run_summary import Summary
from aurorapt.simulation.simulated_archive import simulate_archive
from aurorapt.weights.location import find_weights

commands = typer.Typer()
NIGHT = date(2014, 3, 10)
DARK_HOUR = 6  # UT, at all of these
SITES = ("gill", "fsim", "fsmi", "rank")
COUNTING = 5.0  # seconds in which the interpreter is measured
SHORTEST_MISSED = 2e-6  # seconds; a look at the clock takes a tenth of it
LONGEST_MISSED = 3e-4  # seconds; what takes longer is another program that has the processor
WeightsOption = Annotated[Path | None, typer.Option("--weights", help="Weights file. [default: as aurorapt]")]
RunsOption = Annotated[int, typer.Option("--runs", min=1, help="Counted runs of each.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
# name of each way to run, and the options that make it
WAYS = {
    "plain, 2 threads": ("--workers", 2, "--threads", 2),
    "local:2x1": ("--scheduler", "local:2x1"),
    "local:1x2": ("--scheduler", "local:1x2"),
    "local:1x1": ("--scheduler", "local:1x1"),
}


@contextmanager
def several_cameras(minutes: int) -> Iterator[Path]:
    """Make an archive of one date, several cameras, and so many minutes of each."""
    with tempfile.TemporaryDirectory() as folder:
        stream0 = Path(folder) / "stream0"
        simulate_archive(stream0, NIGHT, NIGHT, SITES, minutes_per_hour=minutes, hours=[DARK_HOUR])
        yield stream0


@commands.command()
def cluster(
    weights: WeightsOption = None,
    runs: RunsOption = 3,
    minutes: Annotated[int, typer.Option(min=1, max=60, help="Minutes of each of four cameras.")] = 6,
    precision: Annotated[str, typer.Option(help="fp32, bf16 or auto.")] = "fp32",
    as_json: JsonOption = False,
) -> None:
    """Measure runs on local clusters of one and two processes against a plain run with two threads."""
    from benchmark_command import run_command  # with psutil, from the extra

    options = ("--weights", find_weights(weights), "--precision", precision)
    rates: dict[str, list[float]] = {name: [] for name in WAYS}
    with several_cameras(minutes) as stream0:
        for _ in range(runs):
            for name, way in WAYS.items():
                rates[name].append(run_command(stream0, *options, *way).summary["frames_per_second"])
    show(f"cluster {precision}", list(_cluster_results(rates)), as_json)


def _cluster_results(rates: dict[str, list[float]]) -> Iterator[Result]:
    for name, values in rates.items():
        yield summarize(name, "frames/s", values)
    plain, two, threads, one = rates.values()
    for name, ours, theirs in (
        ("local:2x1 / plain, 2 threads", two, plain),
        ("local:1x2 / plain, 2 threads", threads, plain),
        ("local:2x1 / local:1x1", two, one),
    ):
        yield summarize(name, "ratio", [a / b for a, b in zip(ours, theirs, strict=True)])


@commands.command()
def interpreter(
    weights: WeightsOption = None,
    runs: RunsOption = 5,
    batch_size: Annotated[int, typer.Option(min=1, help="Frames in a batch.")] = DEFAULT_BATCH_SIZE,
    precision: Annotated[str, typer.Option(help="fp32, bf16 or auto.")] = "fp32",
    as_json: JsonOption = False,
) -> None:
    """Measure for how long each step holds the interpreter, which the threads of a process share."""
    from benchmark_command import simulated_archive  # with psutil, from the extra

    classifier = Classifier(find_weights(weights), precision, batch_size, threads=1)
    values: dict[str, list[float]] = {}
    with simulated_archive(1) as stream0, one_thread():
        (path,) = stream0.rglob("*.pgm.gz")
        minute = read_minute(MinuteFile(path), SITES[0], NIGHT, None)
        visible = classifier.preprocessor.equalize(minute.images)
        steps: dict[str, Callable[[], Any]] = {
            "read": lambda: read_minute(MinuteFile(path), SITES[0], NIGHT, None),
            "preprocess": lambda: classifier.preprocessor.equalize(minute.images),
            "classify": lambda: [
                classifier.predict_visible(visible[at : at + batch_size]) for at in range(0, len(visible), batch_size)
            ],
        }
        for _ in range(runs):
            taken = held = 0.0
            for name, step in steps.items():
                seconds, share = _share_of_interpreter(step)
                milliseconds = 1000 * seconds / len(visible)
                values.setdefault(f"{name}, a frame", []).append(milliseconds)
                values.setdefault(f"{name}, of which with the interpreter", []).append(milliseconds * share)
                taken, held = taken + milliseconds, held + milliseconds * share
            values.setdefault("threads that one process can feed", []).append(taken / held)
    results = [summarize(name, "" if "threads" in name else "ms", figures) for name, figures in values.items()]
    show(f"interpreter {precision}, batches of {batch_size}", results, as_json)


def _share_of_interpreter(work: Callable[[], Any]) -> tuple[float, float]:
    """Give the processor seconds of one call, and the share of them in which no other thread may run Python.

    Beside the calls a thread looks at the clock without end. What it misses in one piece is the time in which the call
    has the interpreter; only pieces that are longer are those in which other programs have the processor.
    """
    work()
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # whoever waits for the interpreter has it at once
    watcher = _Watcher()
    try:
        calls, start = 0, time.perf_counter()
        processor = time.thread_time()
        while time.perf_counter() - start < COUNTING:
            work()
            calls += 1
        processor = time.thread_time() - processor
    finally:
        missed = watcher.stop()
        sys.setswitchinterval(before)
    return processor / calls, missed / processor


class _Watcher:
    """A thread that sums up the times in which it cannot run Python."""

    def __init__(self) -> None:
        self._end = False
        self._missed = 0.0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        last = time.perf_counter()
        while not self._end:
            now = time.perf_counter()
            if SHORTEST_MISSED < now - last < LONGEST_MISSED:
                self._missed += now - last
            last = now

    def stop(self) -> float:
        self._end = True
        self._thread.join()
        return self._missed


@commands.command()
def empty_nights(
    nights: Annotated[int, typer.Option(min=1, help="Camera-nights, none of which has a file.")] = 20_000,
    scheduler: Annotated[str, typer.Option(help="As of aurorapt classify.")] = "local:2x1",
    as_json: JsonOption = False,
) -> None:
    """Measure how many camera-nights a second a scheduler hands out, and whether its memory grows with their number."""
    with tempfile.TemporaryDirectory() as folder:
        stream0 = Path(folder) / "stream0"
        last = NIGHT + timedelta(days=(nights - 1) // len(SITES))
        for number in range(nights):
            day = NIGHT + timedelta(days=number // len(SITES))
            (stream0 / f"{day:%Y/%m/%d}" / f"{SITES[number % len(SITES)]}_themis").mkdir(parents=True)
        options = check_options(NIGHT, last, stream0=stream0, output=Path(folder) / "output")
        summary = Summary()
        memory: list[float] = []
        threading.Thread(target=_sample, args=(summary, nights, memory), daemon=True).start()
        run_on_cluster(options, parse_scheduler(scheduler), summary, quiet=True)
    results = [summarize("camera-nights", "a second", [summary.written / summary.seconds])]
    for number, name in enumerate(("first", "second", "third", "last")):
        quarter = memory[number * len(memory) // 4 : (number + 1) * len(memory) // 4]
        results.append(summarize(f"memory in the {name} quarter", "MiB", quarter))
    show(f"{nights} empty camera-nights", results, as_json)


def _sample(summary: Summary, nights: int, memory: list[float]) -> None:
    """Note the memory of this process, in which client and scheduler are, at each hundredth of the work."""
    import psutil

    while len(memory) < 100:
        if summary.written >= nights * len(memory) / 100:
            memory.append(psutil.Process().memory_info().rss / 2**20)
        time.sleep(0.01)
