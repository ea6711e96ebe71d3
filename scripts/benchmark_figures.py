"""Figures of benchmarks: contestants timed in turn, as medians with their spread, as a table or as JSON."""

import itertools
import json
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch
import typer

from aurorapt.machine.processors import usable_processors

ENGINE = "engine"  # how the names of this engine's figures begin
REST = 0.3  # seconds before each run, in which the idle threads of the one before stop spinning


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
