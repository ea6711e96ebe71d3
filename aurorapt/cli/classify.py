"""``aurorapt classify``: a date range of an archive to classification files."""

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from aurorapt.cli.app import EXIT_FAILED, app, log, one_line_errors
from aurorapt.engine.choices import DEFAULT_BATCH_SIZE
from aurorapt.errors import counted, one_line
from aurorapt.machine.freed_memory import keep_freed_memory
from aurorapt.machine.interruption import Interrupted, raise_on_signals
from aurorapt.run.options import DEFAULT_FILE_TIMEOUT, DEFAULT_STREAM0, RunOptions, check_options
from aurorapt.run.run_log import log_start, open_log
from aurorapt.run.run_summary import Summary
from aurorapt.weights.weights_file import SIMULATED_NOTICE


@app.command()
def classify(
    start: Annotated[str, typer.Argument(help="First UT date, YYYY-MM-DD.", metavar="START", show_default=False)],
    end: Annotated[str, typer.Argument(help="Last UT date, YYYY-MM-DD.", metavar="END", show_default=False)],
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Processes that read and preprocess; 0 for none. [default: 2, or a quarter of the processors]",
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Batches classified at the same time, one thread each. [default: number of processors]"
        ),
    ] = None,
    batch_size: Annotated[int, typer.Option(metavar="N", help="Frames in a batch.")] = DEFAULT_BATCH_SIZE,
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
            help="Archive: the folder that holds the years, or a download root with THEMIS_ASI_RAW. "
            f"[default: $AURORAPT_STREAM0, else {DEFAULT_STREAM0}]",
        ),
    ] = None,
    output: Annotated[
        str | None, typer.Option(metavar="DIR", help="Folder for the results. [default: $AURORAPT_OUTPUT, else .]")
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Weights file. [default: $AURORAPT_WEIGHTS, else one in weights/]"),
    ] = None,
    site: Annotated[
        list[str] | None, typer.Option(metavar="SITE", help="Site such as gill; repeatable. [default: all]")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Also redo nights whose results are up to date.")
    ] = False,
    salvage: Annotated[
        bool,
        typer.Option("--salvage", help="Also keep intact frames of damaged files (the original drops the whole file)."),
    ] = False,
    file_timeout: Annotated[
        int, typer.Option(metavar="SECONDS", help="Give up on a file that takes longer to read.")
    ] = DEFAULT_FILE_TIMEOUT,
    log_file: Annotated[Path, typer.Option(metavar="FILE", help="Log file; lines are appended.")] = Path(
        "aurorapt.log"
    ),
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress bar and no summary.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Classify every frame from START to END, both included: one CSV per camera and night."""
    with one_line_errors():
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
            file_timeout=file_timeout,
        )
        open_log(log_file)
    log_start(options)
    if options.weights.kind == "simulated":
        typer.echo("aurorapt: " + SIMULATED_NOTICE, err=True)
    raise_on_signals()
    with _without_collecting():
        from aurorapt.run.pipeline import (  # load torch: only when every option is known to be right
            make_classifier,
            run,
        )

    summary = Summary(options.weights.name, options.weights.kind)
    try:
        with one_line_errors():
            classifier = make_classifier(options)
            keep_freed_memory()  # from here on: what loading the weights took is not needed again
            run(options, classifier, summary, quiet=quiet or as_json)
    except Interrupted as interruption:
        log.error("interrupted")
        typer.echo("aurorapt: interrupted; the same command goes on after the last finished night", err=True)
        raise typer.Exit(interruption.exit_status) from None
    except typer.Exit:  # a RuntimeError too; its line has been printed
        raise
    except (OSError, RuntimeError, MemoryError) as error:
        log.exception("unexpected error")
        typer.echo(
            one_line(f"aurorapt: unexpected error, {type(error).__name__}: {error}; full traceback in {log_file}"),
            err=True,
        )
        raise typer.Exit(EXIT_FAILED) from None
    finally:
        log.info("end: %s", json.dumps(asdict(summary)))
        if as_json:
            typer.echo(json.dumps(asdict(summary)))
    if not as_json and not (quiet and summary.succeeded):
        _print_summary(summary, options, log_file)
    if not summary.succeeded:
        raise typer.Exit(EXIT_FAILED)


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
        typer.echo(one_line(f"aurorapt: {counted(count, 'camera-night')} not replaced: {reason}"), err=True)
    if summary.unread:
        unread = counted(summary.unread, "file or folder", "files or folders")
        typer.echo(f"aurorapt: {unread} could not be read now; the same command tries them again", err=True)
    if summary.camera_nights == 0 and summary.failed == 0:
        sites = f" for {', '.join(options.sites)}" if options.sites else ""
        message = f"aurorapt: no camera folder from {options.start} to {options.end} in {options.archive}{sites}"
        typer.echo(message, err=True)
        return
    typer.echo(
        f"{counted(summary.camera_nights, 'camera-night')}: {summary.written} written, {summary.current} current, "
        f"{summary.failed} failed; {counted(summary.frames, 'frame')} in {summary.seconds:.1f} s "
        f"({summary.frames_per_second:.1f} frames/s), {counted(summary.problems, 'problem')}",
        err=wrong,
    )
    if summary.redone:
        reasons = ", ".join(f"{count} ({reason})" for reason, count in summary.redone.items())
        typer.echo(f"redone: {reasons}", err=wrong)
    if summary.problems or wrong:
        typer.echo(f"see {log_file} for details", err=wrong)
