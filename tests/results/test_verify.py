import json
import shutil
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from aurorapt.cli.main import app
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
