"""Figures of benchmarks: contestants timed in turn, as medians with their spread, as a table or as JSON."""

import itertools
import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import typer
from benchmark_machine import in_words, machine

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


class Turn(NamedTuple):
    """One timed run of a contestant: seconds, and those that all threads of this process have computed meanwhile."""

    seconds: float
    processor_time: float


def interleaved(contestants: dict[str, Callable[[], Any]], runs: int) -> dict[str, list[Turn]]:
    """Time the contestants in turn, after one uncounted round, so that a slower machine slows all."""
    turns: dict[str, list[Turn]] = {name: [] for name in contestants}
    for counted in (False, *[True] * runs):
        for name, contestant in contestants.items():
            time.sleep(REST)
            start, used = time.perf_counter(), time.process_time()
            contestant()
            if counted:
                turns[name].append(Turn(time.perf_counter() - start, time.process_time() - used))
    return turns


def rates_and_ratios(turns: dict[str, list[Turn]], frames: int) -> Iterator[Result]:
    """Frames per second and processor time of each contestant, and this engine set against the others, turn by turn.

    Names end with the precision; in fp32 this engine is not set against what is faster by computing in bf16. Beside
    other work, processor times tell more than rates.
    """
    for name, timed in turns.items():
        yield summarize(name, "frames/s", [frames / turn.seconds for turn in timed])
        yield summarize(f"{name}, processor", "ms/frame", [1000 * turn.processor_time / frames for turn in timed])
    for ours, theirs in itertools.product(turns, turns):
        handicapped = ours.endswith("fp32") and theirs.endswith("bf16")
        if ours.startswith(ENGINE) and not theirs.startswith(ENGINE) and not handicapped:
            pairs = list(zip(turns[ours], turns[theirs], strict=True))
            yield summarize(f"{ours} / {theirs}", "ratio", [their.seconds / our.seconds for our, their in pairs])
            inverse = [their.processor_time / our.processor_time for our, their in pairs]
            yield summarize(f"{ours} / {theirs}, processor", "ratio", inverse)


def show(
    benchmark: str, results: list[Result], as_json: bool, contestants: dict[str, dict[str, Any]] | None = None
) -> None:
    """Print what was measured, and on what machine; also how each contestant was set, where that is told."""
    told = machine()
    if as_json:
        document = {"benchmark": benchmark, "machine": told, "results": [asdict(result) for result in results]}
        typer.echo(json.dumps(document if contestants is None else {**document, "contestants": contestants}))
        return
    typer.echo(f"{benchmark} on {in_words(told)}")
    for name, facts in (contestants or {}).items():
        typer.echo(f"{name}: " + ", ".join(f"{fact} {value}" for fact, value in facts.items()))
    for result in results:
        spread = f"{result.min:9.2f} to {result.max:.2f}"
        typer.echo(f"{result.name:46} {result.median:9.2f} {result.unit:9} {spread:24} {result.runs} runs")
