"""Camera-nights of a tree summed up one after another; what has not changed since the last time is not read again."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from aurorapt.pictures.report.records import NightRecord, NightSums, event_values, key_of
from aurorapt.results.beside import probabilities_path
from aurorapt.results.companion import companion_path
from aurorapt.science.event_search import validated_sites
from aurorapt.science.events import EventRule, find_events
from aurorapt.science.smoothing import choose_smoother
from aurorapt.science.stretches import NightFile, Stretch, stretches

RULE = EventRule()  # what `aurorapt events` takes for an event unless told otherwise


@dataclass
class Known:
    """A camera-night that was summed up.

    ``identity`` : of its files
    ``next_identity`` : of those of the camera's next camera-night; empty where there is none
    ``joined`` : whether the next one's frames may bear on this one: where they continue its own, or one has none
    """

    record: NightRecord
    identity: str
    next_identity: str
    joined: bool


def identity_of(night_file: NightFile) -> str:
    """Tell the files of a camera-night from what they may become: size and time of change of each, and the place."""
    csv_file = night_file.result.csv_file
    parts = [csv_file.relative_to(night_file.root).as_posix()]
    for path in (csv_file, companion_path(csv_file), probabilities_path(csv_file)):
        try:
            status = path.stat()
            parts.append(f"{status.st_size}.{status.st_mtime_ns}")
        except OSError:
            parts.append("-")
    return "|".join(parts)


@dataclass
class _Place:
    """A camera-night in the order of its tree, with what is known of it from before, if that still holds."""

    night_file: NightFile
    identity: str
    next_identity: str = ""
    known: Known | None = None

    @property
    def joined(self) -> bool | None:
        """Whether the next one's frames may bear on it; None where that has to be found out."""
        if not self.next_identity:
            return False
        return self.known.joined if self.known and self.known.next_identity == self.next_identity else None


@dataclass
class _Group:
    """Camera-nights of one camera, none of whose frames bears on those of others."""

    places: list[_Place] = field(default_factory=list)

    @property
    def unchanged(self) -> bool:
        return all(place.known and place.joined is not None for place in self.places)


def collect(night_files: list[NightFile], before: dict[tuple[str, str], Known]) -> Iterator[tuple[Known, bool]]:
    """Sum up camera-nights, smoothed over midnight, with the events of all classes.

    Parameters
    ----------
    night_files : as `aurorapt.science.stretches.find_night_files` gives them
    before : what was summed up the last time, by `key_of`; taken over where neither it nor what bears on it has changed

    Yields
    ------
    in the order of the files: a camera-night, and whether it was summed up anew
    """
    for group in _groups(night_files, before):
        if group.unchanged:
            yield from ((place.known, False) for place in group.places if place.known)
        else:
            yield from ((known, True) for known in _sum_up(group))


def _groups(night_files: list[NightFile], before: dict[tuple[str, str], Known]) -> Iterator[_Group]:
    places = [_Place(night_file, identity_of(night_file)) for night_file in night_files]
    for place, after in pairwise(places):
        if place.night_file.camera == after.night_file.camera:
            place.next_identity = after.identity
    for place in places:
        known = before.get(key_of(place.night_file))
        if known and known.identity == place.identity and not known.record.faults:  # a fault may have passed
            place.known = known
    group = _Group()
    for place in places:
        group.places.append(place)
        if place.joined is False:
            yield group
            group = _Group()


def _sum_up(group: _Group) -> Iterator[Known]:
    night_files = [place.night_file for place in group.places]
    sums = [NightSums(night_file) for night_file in night_files]
    numbers = {night_file.result.csv_file: number for number, night_file in enumerate(night_files)}
    numbers_beside = {probabilities_path(path): number for path, number in numbers.items()}
    joined: set[int] = set()

    def report(path: Path, reason: str) -> None:
        root = night_files[0].root
        sums[(numbers | numbers_beside)[path]].faults.append((path.relative_to(root).as_posix(), reason))

    for stretch in stretches(night_files, report):
        inside = [numbers[night_file.result.csv_file] for night_file in stretch.night_files]
        joined.update(range(inside[0], inside[-1]))
        _add(stretch, [sums[number] for number in inside])
    for number, night in enumerate(sums):
        if not night.classes:  # without frames: whether its neighbours are joined is found out with them
            joined.update((number - 1, number))
    for number, (place, night) in enumerate(zip(group.places, sums, strict=True)):
        yield Known(night.record(), place.identity, place.next_identity, number in joined)


def _add(stretch: Stretch, nights: list[NightSums]) -> None:
    smoother = choose_smoother("auto", stretch.classes)
    probabilities = smoother(stretch)
    for number, night in enumerate(nights):
        places = np.flatnonzero(stretch.files == number)
        if len(places):
            night.add(stretch, places, probabilities, smoother.model_id)
    for number, name in enumerate(stretch.classes):
        validated = validated_sites(smoother, stretch, name)
        for event in find_events(stretch, probabilities, name, RULE, smoother, validated):
            first = np.searchsorted(stretch.times, np.datetime64(event.start.removesuffix("Z"), "s"))
            nights[stretch.files[first]].events.append(event_values(event, number))
