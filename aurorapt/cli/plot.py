"""``aurorapt plot``: a night at a glance, or an archive."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aurorapt.cli.app import command, show_product
from aurorapt.cli.process import EXIT_FAILED, say
from aurorapt.errors import ArchiveError, OptionError, ResultsError, counted
from aurorapt.machine.interruption import raise_on_signals
from aurorapt.pictures.clock_times import parse_clock_time
from aurorapt.run.options import check_archive, check_path

if TYPE_CHECKING:
    from aurorapt.pictures.night_data import Night
    from aurorapt.pictures.night_pictures import NightOptions

OVERVIEW = Path("overview.png")


@command(
    "plot",
    "aurorapt plot results/2020/02/18/20200218_fsmi_themis_classifications.txt --stream0 /data/stream0 -o night.pdf",
    "aurorapt plot 20140310_gill_themis_classifications.txt --stream0 /data/stream0 --montage -o montage.png",
    "aurorapt plot results -o overview.png",
    "aurorapt plot results --nights -o pictures",
)
def plot(
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="Classification files, for a picture of each night; or folders that hold some, for an overview.",
            metavar="PATH...",
            show_default=False,
        ),
    ],
    stream0: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Archive of raw frames; a night's picture then has a keogram.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Picture, .png, .pdf or .svg; for several nights a folder. [default: named after the night, here]",
        ),
    ] = None,
    montage: Annotated[
        bool,
        typer.Option(
            "--montage", help="Draw frames of each class as the network sees them, .png or .pdf; needs --stream0."
        ),
    ] = False,
    nights: Annotated[bool, typer.Option("--nights", help="Draw each night that the folders hold.")] = False,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="HH:MM", help="UT at which to begin. [default: the first frame]")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="HH:MM", help="UT at which to end.")] = None,
    class_name: Annotated[
        str, typer.Option("--class", metavar="NAME", help="Class whose probability and events a night shows.")
    ] = "pulsating",
    model: Annotated[
        str, typer.Option(metavar="NAME", help="regression, majority or auto, as in aurorapt events.")
    ] = "auto",
    width: Annotated[float, typer.Option(metavar="MM", help="Width as printed; text has 8 points or more.")] = 180,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Weights whose view of the sky a montage shows. [default: as classify]"),
    ] = None,
    format: Annotated[str, typer.Option(metavar="NAME", help="png, pdf or svg, of the pictures in a folder.")] = "png",
) -> None:
    """Draw nights at a glance, or an archive: a file is a night, a folder an overview of sites by dates.

    White is no data, in every panel. How each thing is drawn is told in aurorapt/pictures/README.md.
    """
    from aurorapt.pictures.figures import ENDINGS, check_width, load_matplotlib
    from aurorapt.pictures.night_pictures import NightOptions

    if not montage:
        load_matplotlib()
    check_width(width)
    paths = [check_path("PATH", path) for path in paths]
    output = None if output is None else check_path("--output", output)
    stream0 = None if stream0 is None else check_archive(check_path("--stream0", stream0))
    if format not in ENDINGS:
        raise OptionError(f"--format {format!r} is unknown; give {' or '.join(ENDINGS)}")
    start = None if from_ is None else parse_clock_time(from_, "--from")
    end = None if to is None else parse_clock_time(to, "--to")
    if start is not None and end is not None and end <= start:
        raise OptionError(f"--to {to} is not after --from {from_}")
    weights = None if weights is None else check_path("--weights", weights)
    if montage and (stream0 is None or (start, end) != (None, None)):
        raise OptionError("--montage needs --stream0 DIR, and shows a whole night: leave out --from and --to")
    options = NightOptions(stream0, start, end, width, montage, weights)
    raise_on_signals()
    folders = [path for path in paths if path.is_dir()]
    if folders and not nights:
        if len(folders) < len(paths):
            raise OptionError(f"{folders[0]} is a folder, and other paths are not; give --nights for a picture of each")
        if options != NightOptions(width=width) or class_name != "pulsating":
            raise OptionError("--stream0, --montage, --from, --to and --class are for pictures of nights; add --nights")
        whole = _draw_overview(paths, output or OVERVIEW, model, width)
    else:
        whole = _draw_nights(paths, output, options, class_name, model, format)
    if not whole:
        raise typer.Exit(EXIT_FAILED)


def _draw_overview(paths: list[Path], output: Path, model: str, width: float) -> bool:
    from aurorapt.pictures.figures import ENDINGS, save_figure
    from aurorapt.pictures.picture_files import check_ending
    from aurorapt.pictures.tree_data import read_overview
    from aurorapt.pictures.tree_plot import plot_tree
    from aurorapt.science.stretches import find_night_files

    check_ending(output, ENDINGS)
    files = find_night_files(paths)
    told = _Told()
    with _progress(len(files), "nights") as bar:
        overview = read_overview(files, told, model, bar.update)
    save_figure(plot_tree(overview, width), output)
    show_product(f"{counted(len(files), 'camera-night')} of {counted(len(overview.nights), 'site')} drawn in {output}")
    return not told.any


def _draw_nights(
    paths: list[Path], output: Path | None, options: "NightOptions", class_name: str, model: str, format: str
) -> bool:
    from aurorapt.pictures.figures import ENDINGS
    from aurorapt.pictures.night_pictures import draw_night, picture_name
    from aurorapt.pictures.picture_files import check_ending

    alone = len(paths) == 1 and not paths[0].is_dir()
    if alone and output is not None:
        check_ending(output, ENDINGS)
    elif output is not None and output.suffix.lstrip(".").lower() in ENDINGS:
        raise OptionError(f"--output {output} is one picture, and there may be several nights; name a folder")
    told, count, whole, picture = _Told(), 0, True, Path()
    with _progress(None, "minutes") as bar:
        for night in _nights(paths, class_name, model, told):
            if class_name != "pulsating" and night.classes and class_name not in night.classes:
                raise OptionError(f"--class {class_name!r} is none of these results; give {' or '.join(night.classes)}")
            name = picture_name(night, format, options.montage)
            picture = (output or Path(name)) if alone else (output or Path()) / name
            try:
                whole &= draw_night(night, picture, options, say_not_used, bar.update)
                count += 1
            except (
                ArchiveError,
                OptionError,
            ) as error:  # --from after the last frame, a montage without any
                if alone:
                    raise
                told(night.night_file.result.csv_file, str(error))
    show_product(f"drawn {picture}" if alone else f"{counted(count, 'picture')} drawn in {output or Path()}")
    return whole and not told.any


def _nights(paths: list[Path], class_name: str, model: str, told: "_Told") -> "Iterator[Night]":
    """Read the nights that files are, with their neighbours, and all that folders hold."""
    from aurorapt.pictures.night_data import read_nights, read_one_night
    from aurorapt.science.stretches import find_night_files

    find_night_files(paths)  # refuses what is not there, and the same night twice
    for path in paths:
        if path.is_dir():
            yield from read_nights(find_night_files([path]), told, class_name, model)
            continue
        try:
            yield read_one_night(path, told, class_name, model)
        except ResultsError as error:
            if len(paths) == 1:
                raise
            told(path, str(error))


class _Told:
    """Says each file that cannot be used, and keeps in mind that there was one."""

    any = False

    def __call__(self, path: Path, reason: str) -> None:
        say_not_used(path, reason)
        self.any = True


def say_not_used(path: Path, reason: str) -> None:
    say(f"aurorapt: not used: {path}: {reason}")


@contextmanager
def _progress(total: int | None, unit: str) -> Iterator[Any]:
    """Show a bar of what is done, on a terminal."""
    from tqdm import tqdm

    with tqdm(total=total, unit=f" {unit}", disable=None, leave=False) as bar:
        yield bar
