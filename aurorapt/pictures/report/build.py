"""The report of a tree: what has changed is summed up, keograms are made to fit, and the page is written."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic

from aurorapt.errors import OptionError, ResultsError
from aurorapt.machine.plain_files import is_plain_or_missing
from aurorapt.machine.whole_files import WriteError, write_whole
from aurorapt.pictures.report.cache import cache_path, read_cache, write_cache
from aurorapt.pictures.report.collect import Known, collect
from aurorapt.pictures.report.document import PageData, page_data
from aurorapt.pictures.report.page import MOST_BYTES, load_jinja2, load_plotly_script, render_page
from aurorapt.pictures.report.records import NightRecord
from aurorapt.pictures.report.thumbnails import SIZES, find_camera_night, make_thumbnails, thumbnail_key
from aurorapt.results.classifications import cannot_write
from aurorapt.results.tree import RESULT, results_below
from aurorapt.science.stretches import NightFile, find_night_files

SAVE_EVERY = 60.0  # seconds
NO_NOTE = ""
SMALLER = f"keograms are smaller than they could be, so that the page stays within {MOST_BYTES // 10**6} MB"
LEFT_OUT = f"keograms are left out, so that the page stays within {MOST_BYTES // 10**6} MB; report a part of the tree"


@dataclass
class Report:
    """What a report was made of.

    ``camera_nights`` : in the page; ``anew`` of them were summed up anew
    ``faults`` : files that could not be used, relative to the tree, and why
    ``size`` : of the page, bytes
    ``note`` : what became of the keograms; empty where they are as good as they can be
    """

    camera_nights: int
    anew: int
    faults: list[tuple[str, str]]
    size: int
    note: str


def write_report(
    tree: Path, page: Path, archive: Path | None = None, on_night: Callable[[int, int], None] = lambda done, of: None
) -> Report:
    """Write a page about all results of a tree; beside it, ``.cache`` keeps what spares the next run most of the work.

    Parameters
    ----------
    tree : folder of results, or one classification file; a folder without results gives a page that says so
    page : the HTML file
    archive : folder that holds the years, for keograms
    on_night : called after each camera-night with the number that are done, and of how many

    Raises
    ------
    OptionError
        If the tree is not there, or what the extra ``report`` brings is not installed.
    ResultsError
        If a folder cannot be listed, or the page cannot be written.
    """
    load_jinja2()
    load_plotly_script()
    _prepare(page)
    night_files = _find(tree)
    kept = read_cache(page)
    found, anew = _sum_up(night_files, kept, page, archive, on_night)
    records = [known.record for known in found]
    data = page_data(records, tree.resolve().name or str(tree), datetime.now())
    content, note = _render(data, [record.thumbnails for record in records] if archive else [])
    _write(page, content)
    write_cache(page, found)
    faults = [fault for record in records for fault in record.faults]
    return Report(len(records), anew, faults, len(content), note)


def _prepare(page: Path) -> None:
    """Make sure that a page can be written, before hours are spent on it."""
    if RESULT.fullmatch(page.name):
        raise OptionError(f"{page} has the name of a result; name the page otherwise, such as report.html")
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        unusable = [path for path in (page, cache_path(page)) if not is_plain_or_missing(path)]
    except OSError as error:
        raise cannot_write(f"write {page}", error) from None
    if unusable:
        raise ResultsError(f"cannot write {unusable[0]}: something else than a file has that name")


def _find(tree: Path) -> list[NightFile]:
    if tree.is_dir() and next(results_below(tree), None) is None:
        return []
    return find_night_files([tree])


def _sum_up(
    night_files: list[NightFile],
    kept: dict[tuple[str, str], Known],
    page: Path,
    archive: Path | None,
    on_night: Callable[[int, int], None],
) -> tuple[list[Known], int]:
    """Sum up camera-nights, and keep what is done from time to time, as keograms take seconds each."""
    found: list[Known] = []
    anew, saved = 0, monotonic()
    for night_file, (known, summed_up) in zip(night_files, collect(night_files, dict(kept)), strict=True):
        if archive is not None:
            before = kept.get(known.record.key)
            summed_up |= _add_thumbnails(known.record, night_file, archive, before.record if before else None)
        kept[known.record.key] = known
        found.append(known)
        anew += summed_up
        on_night(len(found), len(night_files))
        if anew and monotonic() - saved > SAVE_EVERY:
            write_cache(page, kept.values())
            saved = monotonic()
    return found, anew


def _add_thumbnails(record: NightRecord, night_file: NightFile, archive: Path, before: NightRecord | None) -> bool:
    """Draw a camera-night's keogram, unless nothing has changed; say whether it was drawn."""
    night = find_camera_night(archive, night_file)
    if night is None or not record.frames:
        record.thumbnails, record.thumbnail_key = [], ""
        return False
    key = f"{thumbnail_key(night)}|{record.first}|{record.last}"
    if before is not None and before.thumbnail_key == key:
        record.thumbnails, record.thumbnail_key = before.thumbnails, key
        return False
    record.thumbnails, record.thumbnail_key = make_thumbnails(night, record.first, record.last), key
    return True


def _render(data: PageData, thumbnails: list[list[str]]) -> tuple[bytes, str]:
    """Lay data into the page, with the best keograms for which there is room, and say what became of them."""
    if not any(thumbnails):
        return _page_bytes(data, [], NO_NOTE), NO_NOTE
    for place in range(len(SIZES)):
        note = SMALLER if place else NO_NOTE
        content = _page_bytes(data, [sizes[place] if sizes else "" for sizes in thumbnails], note)
        if len(content) <= MOST_BYTES:
            return content, note
    return _page_bytes(data, [], LEFT_OUT), LEFT_OUT


def _page_bytes(data: PageData, thumbnails: list[str], note: str) -> bytes:
    text = render_page(data, thumbnails, note)
    return text.encode(errors="backslashreplace")  # the name of a folder may be no text


def _write(page: Path, content: bytes) -> None:
    try:
        write_whole({page: content})
    except WriteError as error:
        raise cannot_write(f"write {error.filename}", error) from None
