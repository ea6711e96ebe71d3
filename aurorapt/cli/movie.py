"""``aurorapt movie``: a camera-night as a movie."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aurorapt.cli.app import command, show_product
from aurorapt.cli.plot import say_not_used
from aurorapt.cli.process import EXIT_FAILED
from aurorapt.errors import OptionError, counted
from aurorapt.machine.interruption import raise_on_signals
from aurorapt.run.options import check_archive, check_path

if TYPE_CHECKING:
    from aurorapt.pictures.movie import MovieReport


@command(
    "movie",
    "aurorapt movie results/2014/03/10/20140310_gill_themis_classifications.txt --stream0 /data/stream0 -o gill.mp4",
    "aurorapt movie 20140310_gill_themis_classifications.txt --stream0 /data --from 06:00 --to 06:20 -o gill.gif",
)
def movie(
    path: Annotated[
        Path,
        typer.Argument(help="Classification file, or a folder that holds one.", metavar="PATH", show_default=False),
    ],
    stream0: Annotated[
        Path, typer.Option(metavar="DIR", help="Archive that was classified: the folder that holds the years.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The movie: .mp4, or .gif for slides.")
    ] = Path("movie.mp4"),
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Begin at this time, UTC: HH:MM or HH:MM:SS.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="End before this time, UTC.")] = None,
    fps: Annotated[int, typer.Option(metavar="N", help="Frames a second; 20 is a minute a second.")] = 20,
    weights: Annotated[
        str | None, typer.Option(metavar="FILE", help="Weights whose view of the sky is shown. [default: as classify]")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress bar.")] = False,
) -> None:
    """Make a movie of a camera-night: frames as the network sees them, with time, label and confidence.

    Where frames are missing the movie stands still for a second and says so.
    """
    from tqdm import tqdm

    from aurorapt.pictures.encoder import check_movie
    from aurorapt.pictures.frame_tiles import view_of_network
    from aurorapt.pictures.movie import write_movie
    from aurorapt.pictures.night_data import read_one_night
    from aurorapt.pictures.night_frames import open_night_frames

    output = check_path("--output", output)
    check_movie(output, fps)
    archive = check_archive(check_path("--stream0", stream0))
    night = read_one_night(_csv_file(check_path("PATH", path)), say_not_used)
    frames = open_night_frames(archive, night)
    preprocessor, notes = view_of_network(night, None if weights is None else check_path("--weights", weights))
    raise_on_signals()
    with tqdm(unit="min", disable=True if quiet else None, dynamic_ncols=True) as bar:

        def show_progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        report = write_movie(output, frames, preprocessor, start, end, fps, notes, show_progress)
    _tell(report, output)


def _csv_file(path: Path) -> Path:
    from aurorapt.science.stretches import find_night_files

    night_files = find_night_files([path])
    if len(night_files) > 1:
        raise OptionError(f"{path} holds {len(night_files)} camera-nights; name the classification file of one")
    return night_files[0].result.csv_file


def _tell(report: "MovieReport", output: Path) -> None:
    """Say what the movie shows, and what it does not."""
    from aurorapt.pictures.night_pictures import report_damage

    report_damage(report.problems, say_not_used)
    parts = [counted(report.frames, "frame")]
    if report.without_row:
        parts.append(f"{report.without_row} of them without a row in the results")
    if report.rows_without_frame:
        parts.append(f"{counted(report.rows_without_frame, 'row')} whose frame is not in the archive")
    if report.gaps:
        parts.append(counted(report.gaps, "gap"))
    show_product(f"{', '.join(parts)}; written {output}")
    if any(problem.may_pass for problem in report.problems):
        raise typer.Exit(EXIT_FAILED)
