"""The camera-nights of a run, done or not, found one after another."""

import logging
from collections.abc import Iterator

from aurorapt.archive.camera_nights import CameraNight, Problem, camera_nights
from aurorapt.run.options import RunOptions
from aurorapt.run.run_summary import Summary

log = logging.getLogger(__name__)


def found_nights(options: RunOptions, summary: Summary) -> Iterator[CameraNight]:
    """Find the camera-nights of a run, in its order, and count them in the summary.

    Raises
    ------
    ArchiveError
        If the archive has gone.
    """

    def report_folder(problem: Problem) -> None:
        summary.failed += 1
        log.error("failed: %s: %s", problem.file, problem.reason)

    sites_there: set[str] = set()
    for night in camera_nights(
        options.archive,
        options.start,
        options.end,
        options.sites,
        report_folder,
        sites_there.update,
        newest_first=options.order == "newest",
    ):
        summary.camera_nights += 1
        yield night
    summary.note_sites(options.sites, sites_there)
    if summary.sites_not_found:
        log.warning("%s", summary.missing_sites())
