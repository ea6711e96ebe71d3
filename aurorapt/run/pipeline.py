"""The run: archive, loader, engine and results, one camera-night after another."""

import warnings
from contextlib import closing
from datetime import date
from time import sleep
from typing import TYPE_CHECKING

from aurorapt.archive.camera_nights import CameraNight
from aurorapt.classifier import Classifier
from aurorapt.engine.streams import Streams
from aurorapt.errors import OptionError
from aurorapt.images.texture import BlockMeans
from aurorapt.loader.dataset import MinuteDataset
from aurorapt.machine.locks import Locks
from aurorapt.run.found_nights import found_nights
from aurorapt.run.nights_under_way import NightsUnderWay
from aurorapt.run.options import Options, RunOptions, check_options
from aurorapt.run.pending_nights import LOOK_AGAIN_AFTER
from aurorapt.run.progress import Progress, RunProgress
from aurorapt.run.run_summary import Summary
from aurorapt.weights.weights_file import SIMULATED_NOTICE

if TYPE_CHECKING:
    from typing_extensions import Unpack


def minute_dataset(options: RunOptions, classifier: Classifier) -> MinuteDataset:
    """Make the dataset that reads and prepares minute files as the options say."""
    block_means = BlockMeans(options.weights.elevation_mask) if options.texture else None
    return MinuteDataset(classifier.preprocessor, options.file_timeout, options.salvage, block_means)


def classify_night(
    night: CameraNight,
    options: RunOptions,
    dataset: MinuteDataset,
    streams: Streams,
    summary: Summary,
    progress: Progress,
    locks: Locks,
) -> bool:
    """Classify one camera-night, or skip it where it is current.

    Parameters
    ----------
    dataset : as `minute_dataset` makes it
    streams : closed in the end
    summary : where to count what was done
    locks : closed in the end

    Returns
    -------
    Whether that is settled: False where another run is at it.

    Raises
    ------
    OutputFullError
        If the disk takes no more results.
    """
    classification = NightsUnderWay(options, dataset, streams, summary, progress, locks)
    with closing(classification):
        classification.classify_nights([night])
    return not classification.pending.elsewhere


def run(options: RunOptions, classifier: Classifier, summary: Summary, *, quiet: bool = False) -> None:
    """Classify what ``options`` name; the camera-nights that are current already are skipped.

    Parameters
    ----------
    options : as `aurorapt.run.options.check_options` gives them
    classifier : made with the same options, as `make_classifier` does
    summary : filled in while the run goes on, so that it says what was done also where an error ends the run
    quiet : show no progress bar

    Raises
    ------
    OutputFullError
        If the disk takes no more results; finished camera-nights stand.
    ArchiveError
        If the archive has gone.
    AuroraptError
        If worker processes die whatever they are given.
    """
    progress = RunProgress(options, quiet)
    streams = Streams(classifier.predict_visible, options.threads)
    dataset = minute_dataset(options, classifier)
    classification = NightsUnderWay(options, dataset, streams, summary, progress, Locks())
    with summary.timed(), closing(progress), closing(classification):
        classification.classify_nights(found_nights(options, summary))
        _wait_for_other_runs(classification, progress)


def _wait_for_other_runs(classification: NightsUnderWay, progress: RunProgress) -> None:
    """See to it that what other runs were found at is done; no lock is held meanwhile, as they may wait too."""
    pending = classification.pending
    if pending.elsewhere:
        progress.say_waiting(pending.elsewhere)
    while pending.elsewhere:
        sleep(LOOK_AGAIN_AFTER)
        nights, pending.elsewhere = pending.elsewhere, []
        classification.classify_nights(nights)


def make_classifier(options: RunOptions) -> Classifier:
    """Make the classifier that a run with these options takes.

    Raises
    ------
    OptionError
        If this processor does not compute in the precision.
    """
    return Classifier(options.weights, options.precision, options.batch_size, options.threads)


def classify(start: str | date, end: str | date, *, quiet: bool = True, **options: "Unpack[Options]") -> Summary:
    """Classify every frame of a date range and write one CSV per camera and night.

    Parameters
    ----------
    start, end : first and last UT date, both included, YYYY-MM-DD or a date
    quiet : show no progress bar
    stream0 : archive folder that holds the years, or a download root with THEMIS_ASI_RAW; default the environment's
        AURORAPT_STREAM0, else /stream0
    options : any other of `aurorapt.run.options.Options`, such as ``output``, ``weights``, ``sites`` or ``workers``

    Returns
    -------
    Summary
        What was done, in numbers.

    Raises
    ------
    OptionError, WeightsError
        If an option cannot be used; before anything is read, but for ``sites`` none of which is there.
    OutputFullError
        If the disk takes no more results; finished camera-nights stand.
    ArchiveError
        If the archive has gone.
    AuroraptError
        If worker processes die whatever they are given.

    Notes
    -----
    Where worker processes start by spawning (macOS, Windows), a script calls this below ``if __name__ == "__main__":``.

    Examples
    --------
    >>> summary = aurorapt.classify("2014-03-10", "2014-03-10", stream0="/data/stream0", output="results")
    >>> summary.written
    3
    """
    checked = check_options(start, end, **options)
    if checked.weights.kind == "simulated":
        warnings.warn(SIMULATED_NOTICE, stacklevel=2)
    summary = Summary(checked.weights.name, checked.weights.kind)
    run(checked, make_classifier(checked), summary, quiet=quiet)
    if summary.sites_not_found and not summary.camera_nights and not summary.failed:
        raise OptionError(summary.missing_sites())
    return summary
