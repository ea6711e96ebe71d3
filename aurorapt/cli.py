"""The command line: parse and check options, call one function, turn errors into one line and an exit code."""

import gc
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from aurorapt import __version__
from aurorapt.errors import AuroraptError, OptionError, WeightsError, one_line
from aurorapt.interruption import Interrupted, raise_on_signals
from aurorapt.options import (
    DEFAULT_BATCH_SIZE,
    DEFAULT_FILE_TIMEOUT,
    DEFAULT_STREAM0,
    RunOptions,
    check_archive,
    check_options,
    parse_date,
)
from aurorapt.run_log import SIMULATED_NOTICE, log_start, open_log
from aurorapt.summary import Summary
from aurorapt.weights import read_weights
from aurorapt.weights_location import find_weights

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, before a run has begun
USAGE_ERROR: Any = typer.BadParameter.__base__  # typer names only this one of its usage errors

log = logging.getLogger("aurorapt")
app = typer.Typer(
    name="aurorapt",
    help="Find pulsating aurora in THEMIS all-sky camera archives.",
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Entry point of the ``aurorapt`` command."""
    try:
        sys.exit(app(prog_name="aurorapt", standalone_mode=False))
    except Interrupted as interruption:
        sys.exit(interruption.exit_status)
    except USAGE_ERROR as error:
        typer.echo(f"aurorapt: {error.format_message().rstrip('.')}; see aurorapt -h", err=True)
        sys.exit(EXIT_USAGE)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(EXIT_INTERRUPTED)
    except OSError as error:
        sys.exit(f"aurorapt: {error.strerror}")


@contextmanager
def _one_line_errors() -> Iterator[None]:
    try:
        yield
    except AuroraptError as error:
        log.error("%s", error)
        typer.echo(one_line(f"aurorapt: {error}"), err=True)
        raise typer.Exit(EXIT_USAGE if isinstance(error, (OptionError, WeightsError)) else EXIT_FAILED) from None


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Let the garbage collector rest during an import: torch's takes a tenth less, as nothing of it is garbage."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # nor does it walk through that later, in worker processes either
        gc.enable()


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"aurorapt {__version__}")
        raise typer.Exit


@app.callback()
def _app(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


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
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Redo what is current already too.")] = False,
    salvage: Annotated[
        bool, typer.Option("--salvage", help="Keep the whole frames of a damaged file, where the original has none.")
    ] = False,
    file_timeout: Annotated[
        int, typer.Option(metavar="SECONDS", help="Give up a file that is not read by then.")
    ] = DEFAULT_FILE_TIMEOUT,
    log_file: Annotated[Path, typer.Option(metavar="FILE", help="Log file; lines are appended.")] = Path(
        "aurorapt.log"
    ),
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress bar and no summary.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Classify every frame from START to END, both included: one CSV per camera and night."""
    with _one_line_errors():
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
    if options.weights.kind == "simulated" and not quiet:
        typer.echo("aurorapt: " + SIMULATED_NOTICE, err=True)
    raise_on_signals()
    with _without_collecting():
        from aurorapt.run import run  # loads torch, so only when every option is known to be right

    summary = Summary()
    try:
        with _one_line_errors():
            run(options, summary, quiet=quiet or as_json)
    except Interrupted as interruption:
        log.error("interrupted")
        typer.echo("aurorapt: interrupted; the same command goes on after the last finished night", err=True)
        raise typer.Exit(interruption.exit_status) from None
    except typer.Exit:  # a RuntimeError too; its line has been printed
        raise
    except (OSError, RuntimeError, MemoryError) as error:
        log.exception("unexpected error")
        typer.echo(
            one_line(f"aurorapt: unexpected error, {type(error).__name__}: {error}; {log_file} has it whole"), err=True
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


@app.command()
def verify(
    output: Annotated[Path, typer.Argument(help="Folder that holds results.", metavar="OUTPUT", show_default=False)],
    stream0: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Archive to compare them with; without it, each CSV with its companion only."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as one JSON object.")] = False,
) -> None:
    """Check results: list what is missing, damaged or stale; exit status 1 if anything is."""
    from aurorapt.verify import verify as verify_results

    with _one_line_errors():
        if not output.is_dir():
            raise OptionError(f"OUTPUT {output} is not a folder; name the folder that holds the results")
        found = verify_results(output, None if stream0 is None else check_archive(stream0))
    if as_json:
        typer.echo(json.dumps(asdict(found)))
    else:
        for fault in found.faults:
            typer.echo(f"{fault.kind}: {fault.file}: {fault.reason}")
        typer.echo(f"{found.results} results, {len(found.faults)} faults")
    if found.faults or not found.results:
        raise typer.Exit(EXIT_FAILED)


@app.command()
def simulate(
    output: Annotated[
        Path, typer.Argument(help="New folder for the archive.", metavar="OUT_STREAM0", show_default=False)
    ],
    start: Annotated[str, typer.Argument(help="First UT date, YYYY-MM-DD.", metavar="START", show_default=False)],
    end: Annotated[str, typer.Argument(help="Last UT date, YYYY-MM-DD.", metavar="END", show_default=False)],
    site: Annotated[
        list[str] | None, typer.Option(metavar="SITE", help="THEMIS site; repeatable. [default: gill]")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="The simulated world: another number, another sky.")] = 0,
    minutes_per_hour: Annotated[int, typer.Option(metavar="N", help="Minutes of each hour, evenly spread.")] = 60,
) -> None:
    """Write an archive of simulated minute files, and their true classes in truth.csv."""
    with _one_line_errors():
        first, last = parse_date(start, "START"), parse_date(end, "END")
        from aurorapt.simulate import simulate_archive

        count = simulate_archive(output, first, last, site or ["gill"], seed, minutes_per_hour)
    typer.echo(f"{count} minute files and truth.csv written to {output}")


@app.command()
def demo(
    output: Annotated[Path, typer.Option(metavar="DIR", help="Folder for what the demo makes.")] = Path(
        "aurorapt-demo"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print accuracy, recall and seconds as JSON.")] = False,
) -> None:
    """Simulate a short night of two cameras, classify it, and compare with the truth."""
    with _one_line_errors():
        from aurorapt.demo import run_demo

        report = run_demo(output, lambda line: None if as_json else typer.echo(line))
    if as_json:
        typer.echo(json.dumps({"accuracy": report.accuracy, "recall": report.recall, "seconds": report.seconds}))
        return
    typer.echo(report.table())


@app.command("weights")
def show_weights(
    file: Annotated[Path | None, typer.Argument(help="Weights file.", metavar="FILE", show_default=False)] = None,
) -> None:
    """Show what a weights file is; without FILE, the one that classify would use."""
    with _one_line_errors():
        path = find_weights(file)
        weights = read_weights(path)
    from aurorapt.engine import describe_engine  # loads torch

    rows = {
        "file": path,
        "name": weights.name,
        "kind": weights.kind,
        "classes": ", ".join(weights.classes),
        "input": " x ".join(map(str, weights.input_shape)) + " (channel, y, x)",
        "layers": len(weights.graph.nodes),
        "parameters": weights.parameter_count,
        "SHA-256": weights.sha256,
        "engine": describe_engine(),
    }
    rows |= {f"provenance {key}": value for key, value in weights.provenance.items()}
    width = max(map(len, rows))
    for name, value in rows.items():
        typer.echo(f"{name:{width}}  {value}")


def _print_summary(summary: Summary, options: RunOptions, log_file: Path) -> None:
    wrong = not summary.succeeded
    if summary.camera_nights == 0 and summary.failed == 0:
        sites = f" for {', '.join(options.sites)}" if options.sites else ""
        message = f"aurorapt: no camera folder from {options.start} to {options.end} in {options.archive}{sites}"
        typer.echo(message, err=True)
        return
    typer.echo(
        f"{summary.camera_nights} camera-nights: {summary.written} written, {summary.current} current, "
        f"{summary.failed} failed; {summary.frames} frames in {summary.seconds:.1f} s "
        f"({summary.frames_per_second:.1f} frames/s), {summary.problems} problems",
        err=wrong,
    )
    if summary.redone:
        reasons = ", ".join(f"{count} for {reason}" for reason, count in summary.redone.items())
        typer.echo(f"done anew: {reasons}", err=wrong)
    if summary.problems or wrong:
        typer.echo(f"what went wrong stands in {log_file}", err=wrong)
