"""``aurorapt classify``: a date range of an archive to classification files."""

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from aurorapt.cli.app import command, log, one_line_errors
from aurorapt.cli.process import EXIT_FAILED, say, show, trace_crashes
from aurorapt.cluster.address import LocalWorkers, parse_scheduler
from aurorapt.engine.choices import DEFAULT_BATCH_SIZE
from aurorapt.errors import OptionError, counted
from aurorapt.machine.freed_memory import keep_freed_memory
from aurorapt.machine.interruption import has_come, raise_on_signals, say_at_the_end
from aurorapt.run.options import DEFAULT_FILE_TIMEOUT, DEFAULT_STREAM0, ORDERS, RunOptions, check_options, check_path
from aurorapt.run.run_log import log_start, open_log
from aurorapt.run.run_summary import Summary
from aurorapt.weights.weights_file import SIMULATED_NOTICE


@command(
    "classify",
    "aurorapt classify 2014-03-09 2014-03-11 --stream0 /data/stream0 -o results",
    "aurorapt classify 20140310 20140310 --site gill --site fsim -o results",
    "aurorapt classify 2008-01-01 2016-12-31 --scheduler tcp://login1:8786 -o results",
    "aurorapt classify 2014-03-01 2014-03-31 --weights weights/mine.safetensors --json -o results",
)
def classify(
    start: Annotated[
        str, typer.Argument(help="First UT date: 2014-03-10 or 20140310.", metavar="START", show_default=False)
    ],
    end: Annotated[
        str, typer.Argument(help="Last UT date: 2014-03-10 or 20140310.", metavar="END", show_default=False)
    ],
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Processes that read and preprocess; 0 for none. [default: number of processors]",
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Batches classified at the same time, one thread each. [default: number of processors]"
        ),
    ] = None,
    batch_size: Annotated[
        int, typer.Option(metavar="N", help="Frames that a thread takes at once.")
    ] = DEFAULT_BATCH_SIZE,
    precision: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="fp32; bf16: faster, not always the same answers; auto: bf16, and fp32 for close calls.",
        ),
    ] = "fp32",
    stream0: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Archive: the folder that holds the years, a download root with THEMIS_ASI_RAW, or asilib's data "
            "folder. "
            f"[default: $AURORAPT_STREAM0, else {DEFAULT_STREAM0}]",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Folder for the results. [default: $AURORAPT_OUTPUT, else .]"
        ),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Weights file. [default: $AURORAPT_WEIGHTS, else one in weights/]"),
    ] = None,
    site: Annotated[
        list[str] | None,
        typer.Option(metavar="SITE", help="Site such as gill; repeatable. [default: all]"),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Also redo nights whose results are up to date.")
    ] = False,
    salvage: Annotated[
        bool,
        typer.Option("--salvage", help="Also keep intact frames of damaged files (the original drops the whole file)."),
    ] = False,
    probabilities: Annotated[
        bool,
        typer.Option(
            "--probabilities",
            help="Also write each row's whole softmax vector; a night that is redone without this loses it.",
        ),
    ] = False,
    texture: Annotated[
        bool,
        typer.Option(
            "--texture", help="Also write how the sky flickers; a night that is redone without this loses it."
        ),
    ] = False,
    file_timeout: Annotated[
        int, typer.Option(metavar="SECONDS", help="Give up on a file that takes longer to read.")
    ] = DEFAULT_FILE_TIMEOUT,
    order: Annotated[str, typer.Option(metavar="NAME", help="Which date is first: oldest or newest.")] = ORDERS[0],
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="WHERE",
            help="Classify on a Dask cluster: tcp://HOST:8786, or local:4x8 for 4 processes of 8 threads here.",
        ),
    ] = None,
    log_file: Annotated[Path, typer.Option(metavar="FILE", help="Log file; lines are appended.")] = Path(
        "aurorapt.log"
    ),
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress bar and no summary.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Classify every frame from START to END, both included: one CSV per camera and night."""
    options = check_options(
        start,
        end,
        stream0=stream0,
        output=output,
        weights=weights,
        sites=site or (),
        workers=workers,
        threads=threads,
        batch_size=batch_size,
        precision=precision,
        overwrite=overwrite,
        salvage=salvage,
        probabilities=probabilities,
        texture=texture,
        file_timeout=file_timeout,
        order=order,
    )
    where = None if scheduler is None else parse_scheduler(scheduler)
    if where is not None and (workers is not None or threads is not None):
        raise OptionError(
            "--workers and --threads are for a run without --scheduler; "
            "give local:PROCESSESxTHREADS, or start the cluster's workers with the threads that you want"
        )
    run_log = open_log(check_path("--log-file", log_file))
    summary = Summary(options.weights.name, options.weights.kind)

    def say_interrupted() -> None:
        say("aurorapt: interrupted; the same command goes on after the last finished night")
        if not run_log.ended:
            log.error("interrupted")
            run_log.end(summary)

    say_at_the_end(say_interrupted)
    trace_crashes(run_log.descriptor)
    printed = True
    try:
        with one_line_errors():
            _run(options, where, summary, quiet=quiet or as_json)
    finally:
        if has_come():  # also where a library made another exception of it
            log.error("interrupted")
        run_log.end(summary)
        if as_json:
            printed = show(json.dumps(asdict(summary)))
        if run_log.fault:
            say(f"aurorapt: the log {run_log.path} is not whole: {run_log.fault}")
    if summary.sites_not_found:
        say(f"aurorapt: {summary.missing_sites()}")
    if not as_json and not (quiet and summary.succeeded):
        _print_summary(summary, options, run_log.path)
    if run_log.fault or not printed or not summary.succeeded:
        raise typer.Exit(EXIT_FAILED)


def _run(options: RunOptions, where: str | LocalWorkers | None, summary: Summary, quiet: bool) -> None:
    log_start(options, where)
    if options.weights.kind == "simulated":
        say("aurorapt: " + SIMULATED_NOTICE)
    if where is not None:
        from aurorapt.cluster.scheduler import run_on_cluster  # loads Dask

        raise_on_signals()
        run_on_cluster(options, where, summary, quiet=quiet)
        return
    with _without_collecting():
        from aurorapt.run.pipeline import (  # load torch: only when every option is known to be right
            make_classifier,
            run,
        )
    classifier = make_classifier(options)
    keep_freed_memory()  # from here on: what loading the weights took is not needed again
    raise_on_signals()  # from here on: before, there is nothing to put in order
    run(options, classifier, summary, quiet=quiet)


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Let the garbage collector rest during an import: torch's takes a tenth less, as nothing of it is garbage."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # nor does it walk through that later, in worker processes either
        gc.enable()


def _print_summary(summary: Summary, options: RunOptions, log_file: Path) -> None:
    wrong = not summary.succeeded
    for reason, count in summary.kept.items():
        say(f"aurorapt: {counted(count, 'camera-night')} not replaced: {reason}")
    if summary.unread:
        unread = counted(summary.unread, "file or folder", "files or folders")
        say(f"aurorapt: {unread} could not be read now; the same command tries them again")
    if summary.camera_nights == 0 and summary.failed == 0:
        if not summary.sites_not_found:  # that has been said
            say(f"aurorapt: no camera folder from {options.start} to {options.end} in {options.archive}")
        return
    tell = say if wrong else show
    tell(
        f"{counted(summary.camera_nights, 'camera-night')}: {summary.written} written, {summary.current} current, "
        f"{summary.failed} failed; {counted(summary.frames, 'frame')} in {summary.seconds:.1f} s "
        f"({summary.frames_per_second:.1f} frames/s), {counted(summary.problems, 'problem')}"
    )
    if summary.redone:
        tell("redone: " + ", ".join(f"{count} ({reason})" for reason, count in summary.redone.items()))
    if summary.problems or wrong:
        tell(f"see {log_file} for details")
