import json
import os
import re
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from aurorapt.cli.commands import app
from aurorapt.results.classifications import sha256_of_text
from aurorapt.results.verify import Verification, verify
from aurorapt.run.pipeline import classify
from tests.fake_camera import minute_path, write_minute

NAME = "2014/03/{0:02}/201403{0:02}_gill_themis_classifications"


@pytest.fixture(scope="session")
def sound(weights_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with an archive and the results of its camera-nights, those of one site in part only."""
    folder = tmp_path_factory.mktemp("sound")
    for day in range(1, 6):
        write_minute(folder / "stream0", datetime(2014, 3, day, 6, 0), 2)
    write_minute(folder / "stream0", datetime(2014, 3, 2, 6, 0), 2, site="fsim", device="themis05")
    classify(
        *("2014-03-01", "2014-03-05"),
        **{"stream0": folder / "stream0", "output": folder / "output", "weights": weights_file},
        sites="gill",
        workers=0,
    )
    return folder


@pytest.fixture
def tree(sound: Path, tmp_path: Path) -> Path:
    shutil.copytree(sound, tmp_path / "tree")
    return tmp_path / "tree"


def faults(tree: Path, *, with_archive: bool = True) -> list[tuple[str, str, str]]:
    found: Verification = verify(tree / "output", tree / "stream0" if with_archive else None)
    return [(fault.kind, str(Path(fault.file).relative_to(tree / "output")), fault.reason) for fault in found.faults]


def change_companion(tree: Path, day: int, **changes: object) -> None:
    path = tree / "output" / f"{NAME.format(day)}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_sound_results_have_no_fault(tree: Path) -> None:
    assert faults(tree) == []
    assert verify(tree / "output").results == 5


def test_what_is_damaged_is_listed(tree: Path) -> None:
    csv_files = [tree / "output" / f"{NAME.format(day)}.txt" for day in range(1, 6)]
    csv_files[0].write_bytes(csv_files[0].read_bytes()[:-5])
    change_companion(tree, 2, rows=3)
    csv_files[2].with_suffix(".json").write_text("{")
    shutil.copy(csv_files[0].with_suffix(".json"), csv_files[3].with_suffix(".json"))
    for ending in (".txt", ".json"):
        shutil.copy(csv_files[1].with_suffix(ending), csv_files[4].with_suffix(ending))
    change_companion(tree, 5, rows=2)
    assert faults(tree, with_archive=False) == [
        ("damaged", f"{NAME.format(1)}.txt", "checksum differs from its companion's"),
        ("damaged", f"{NAME.format(2)}.txt", "2 rows where its companion says 3"),
        ("damaged", f"{NAME.format(3)}.txt", "its companion is damaged, or of another version"),
        ("damaged", f"{NAME.format(4)}.txt", "checksum differs from its companion's"),
        ("damaged", f"{NAME.format(5)}.txt", "its companion belongs to 20140302 gill_themis19"),
    ]


def test_what_is_missing_is_listed(tree: Path) -> None:
    (tree / "output" / f"{NAME.format(1)}.json").unlink()
    (tree / "output" / f"{NAME.format(2)}.txt").unlink()
    shutil.rmtree((tree / "output" / NAME.format(4)).parent)
    assert faults(tree) == [
        ("missing", f"{NAME.format(1)}.txt", "it has no companion"),
        ("missing", f"{NAME.format(2)}.txt", "CSV missing, companion exists"),
        ("missing", f"{NAME.format(4)}.txt", "the archive has 20140304 gill_themis19"),
    ]


def test_what_is_stale_is_listed(tree: Path) -> None:
    write_minute(tree / "stream0", datetime(2014, 3, 1, 7, 0), 1)
    problem = {"file": "f", "reason": "r", "may_pass": True, "count": 1}
    change_companion(tree, 2, problems=[problem])
    folder = minute_path(tree / "stream0", datetime(2014, 3, 3, 6, 0)).parent.parent
    shutil.rmtree(folder)
    assert faults(tree) == [
        ("stale", f"{NAME.format(1)}.txt", "data changed"),
        ("stale", f"{NAME.format(2)}.txt", "files that could not be read"),
        ("stale", f"{NAME.format(3)}.txt", f"cannot list {folder}: No such file or directory"),
    ]
    assert [kind for kind, _, _ in faults(tree, with_archive=False)] == ["stale"]


@pytest.mark.parametrize("night", ["20149999 gill_themis19", "nonsense", "20140301 ../../etc"])
def test_a_companion_without_a_camera_night_is_damaged(tree: Path, night: str) -> None:
    change_companion(tree, 1, camera_night=night)
    assert faults(tree)[0] == ("damaged", f"{NAME.format(1)}.txt", f"its companion belongs to {night}")


def forge(tree: Path, change: Callable[[str], str], **changes: object) -> str:
    """Change a CSV and its companion with it, so that only what stands in them speaks against them."""
    csv_file = tree / "output" / f"{NAME.format(1)}.txt"
    csv_file.write_text(change(csv_file.read_text()))
    change_companion(tree, 1, csv_sha256=sha256_of_text(csv_file.read_text()), **changes)
    (_, _, reason), *others = faults(tree, with_archive=False)
    assert others == []
    return reason


def rows_of(text: str) -> list[str]:
    return text.splitlines(keepends=True)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda text: "".join([*rows_of(text)[:4], *rows_of(text)[:3:-1]]), "not in time order"),
        (lambda text: "".join([*rows_of(text)[:4], rows_of(text)[4], rows_of(text)[4]]), "a second is there twice"),
        (lambda text: text.replace("20140301,", "20140302,"), "a row of another date"),
        (lambda text: re.sub(r",\d,(\w+),", r",9,\1,", text), "a prediction of 9, but there are 4 classes"),
        (lambda text: re.sub(r",\d,\w+,", ",0,pulsating,", text), "whose name is that of another number"),
        (lambda text: re.sub(r",(\w+),[\d.e-]+\n", r",\1,nan\n", text), "line 5: expected"),
    ],
)
def test_rows_that_contradict_themselves_are_damaged(tree: Path, change: Callable[[str], str], complaint: str) -> None:
    assert complaint in forge(tree, change)


def test_counts_that_are_not_the_rows_are_damaged(tree: Path) -> None:
    counts = {"bad_viewing": 0, "no_aurora": 0, "other_aurora": 0, "pulsating": 0}
    text = (tree / "output" / f"{NAME.format(1)}.txt").read_text()
    absent = next(name for name in counts if name not in text)
    assert "other counts" in forge(tree, str, counts=counts | {absent: 2})


def test_a_result_in_the_folder_of_another_date_is_damaged(tree: Path) -> None:
    (tree / "output/2014/03/01").rename(tree / "output/2014/03/31")
    ((kind, _, reason),) = faults(tree, with_archive=False)
    assert (kind, reason) == ("damaged", "it lies in another folder than that of 2014-03-01")


def test_results_of_several_weights_are_mixed(tree: Path) -> None:
    change_companion(tree, 1, weights_identity="another", weights_name="other", weights_kind="simulated")
    found = verify(tree / "output")
    assert found.weights == {"tiny (converted)": 4, "other (simulated)": 1}
    ((kind, file, reason),) = [(fault.kind, fault.file, fault.reason) for fault in found.faults]
    assert (kind, file) == ("mixed", str(tree / "output"))
    assert reason == "results of 2 weights: 4 of tiny (converted), 1 of other (simulated)"


def test_a_companion_of_version_0_1_is_not_mixed_with_what_its_file_computes(tree: Path) -> None:
    path = tree / "output" / f"{NAME.format(1)}.json"
    document = json.loads(path.read_text())
    del document["weights_identity"]
    path.write_text(json.dumps(document | {"format": 1}))
    assert faults(tree) == []


def test_links_are_followed_and_loops_are_not(tree: Path) -> None:
    linked = tree / "linked"
    linked.mkdir()
    (linked / "2014").symlink_to(tree / "output/2014")
    (tree / "output/2014/03/back").symlink_to(tree / "output/2014")
    assert verify(linked).results == 5


@pytest.mark.parametrize("place", ["2014", "2014/03", "2014/03/01"])
def test_a_part_of_a_tree_is_a_tree(tree: Path, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree / "output" / place)
    assert verify(Path()).faults == []
    (tree / "link").symlink_to(tree / "output" / place)
    assert verify(tree / "link").faults == []


def test_a_link_that_sorts_first_hides_no_path(tree: Path) -> None:
    (tree / "output/0_latest").symlink_to("2014")
    (tree / "output/itself").symlink_to("itself")
    assert faults(tree) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_without_permission_stops_nothing(tree: Path) -> None:
    folder = (tree / "output" / NAME.format(2)).parent
    folder.chmod(0)
    try:
        assert [kind for kind, _, _ in faults(tree, with_archive=False)] == ["missing"]
        assert verify(tree / "output").results == 4
    finally:
        folder.chmod(0o755)


def test_a_name_as_long_as_names_can_be_stops_nothing(tree: Path) -> None:
    name = "x" * (255 - len("_classifications.txt")) + "_classifications.txt"
    (tree / "output" / name).touch()
    assert [kind for kind, _, _ in faults(tree)] == ["missing"]


@pytest.mark.parametrize("night", ["00010101 gill_themis19", "99991231 gill_themis19"])
def test_an_odd_date_in_a_companion_takes_no_time(tree: Path, night: str) -> None:
    change_companion(tree, 1, camera_night=night)
    assert faults(tree)[0][0] == "damaged"


def test_what_else_lies_there_is_remarked(tree: Path) -> None:
    folder = tree / "output/2014/03/01"
    for name in (".20140301_gill_themis_classifications.txt.12345678.tmp", "notes.txt"):
        (folder / name).touch()
    found = verify(tree / "output")
    assert found.faults == []
    assert found.remarks == [
        f"{folder}: 1 file hidden, of a run at work or one that was killed: "
        ".20140301_gill_themis_classifications.txt.12345678.tmp",
        f"{folder}: 1 file no result: notes.txt",
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"counts": {"pulsating": "2"}},
        {"counts": {"pulsating": -2}},
        {"counts": ["pulsating"]},
        {"classes": [1, 2]},
        {"rows": True},
        {"seconds": "1"},
        {"problems": [{"file": 1, "reason": "r", "may_pass": False, "count": 1}]},
        {"problems": [{"file": "f", "reason": "r", "may_pass": "no", "count": 1}]},
        {"input_bytes": 10**400},
        {"camera_night": None},
    ],
)
def test_wrong_types_in_a_companion_are_damage(tree: Path, changes: dict[str, object]) -> None:
    change_companion(tree, 1, **changes)
    ((kind, _, reason),) = faults(tree, with_archive=False)
    assert (kind, reason) == ("damaged", "its companion is damaged, or of another version")


def test_a_companion_without_end_is_damage(tree: Path) -> None:
    path = tree / "output" / f"{NAME.format(1)}.json"
    path.unlink()
    path.symlink_to("/dev/zero")
    ((kind, _, _),) = faults(tree, with_archive=False)
    assert kind == "damaged"


def test_text_of_files_reaches_the_terminal_as_one_printable_line(tree: Path) -> None:
    change_companion(tree, 1, camera_night="20140301 gill\x1b[2Jx\nsecond")
    output = CliRunner().invoke(app, ["verify", str(tree / "output")]).output
    assert output.count("\n") == 2
    assert "\x1b" not in output


def test_the_command_tells_and_exits(tree: Path) -> None:
    def run(*arguments: object) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["verify", *map(str, arguments)])
        return result.exit_code, result.output

    output, stream0 = tree / "output", tree / "stream0"
    assert run(output, "--stream0", stream0) == (0, "5 results, 5 with tiny (converted), 0 faults\n")
    (output / f"{NAME.format(1)}.txt").write_text("")
    assert run(output) == (
        1,
        f"damaged: {output}/{NAME.format(1)}.txt: checksum differs from its companion's\n"
        "5 results, 5 with tiny (converted), 1 fault\n",
    )
    status, text = run(output, "--json")
    assert status == 1
    assert json.loads(text)["faults"][0]["kind"] == "damaged"
    assert run(stream0) == (1, "0 results, 0 faults\n")
    assert run(tree / "nowhere")[0] == 2
    assert run(output, "--stream0", tree / "nowhere")[0] == 2
