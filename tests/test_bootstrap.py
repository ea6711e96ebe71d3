"""scripts/bootstrap with a Python and a pip that only note what they are asked: each end helps, the next run heals."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from tests.command_line import hear_signals

ROOT = Path(__file__).resolve().parent.parent
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
TOOLS = ("dirname", "readlink", "uname", "cat", "cksum", "grep", "rm", "mkdir", "ln", "sed", "touch", "sleep")
PYTHON = """#!/bin/sh
case "$*" in
    *base_prefix*) echo "/usr $VERSION" ;;
    -c*) echo $VERSION ;;
    "-m venv --clear .venv")
        rm -rf .venv && mkdir -p .venv/bin && ln -s "$0" .venv/bin/python && echo venv >> calls ;;
    "-m pip --version") ;;
    *)
        echo "$*" | sed "s/.*constraints.txt //" >> calls
        case "$*" in *"$(cat fails)"*) exit 1 ;; *"$(cat stalls)"*) touch stalled; exec sleep 600 ;; esac ;;
esac
"""


class Clone:
    """A clone with just what bootstrap reads, and programs of its own on PATH."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder, self.programs = folder, programs
        (folder / "scripts").mkdir(parents=True)
        programs.mkdir()
        shutil.copy(ROOT / "scripts" / "bootstrap", folder / "scripts")
        for name in ("pyproject.toml", "constraints.txt", "hatch_build.py"):
            shutil.copy(ROOT / name, folder)
        for name in (
            "dirname",
            "readlink",
            "uname",
            "cat",
            "cksum",
            "grep",
            "rm",
            "mkdir",
            "ln",
            "sed",
            "touch",
            "sleep",
        ):
            (programs / name).symlink_to(str(shutil.which(name)))
        self.pip_does()
        self.have_python("3.11")

    def have_python(self, version: str, name: str = "python3") -> None:
        path = self.programs / name
        path.write_text(PYTHON.replace("$VERSION", version))
        path.chmod(0o755)

    def pip_does(self, fails: str = "nothing", stalls: str = "nothing") -> None:
        """Let pip fail, or never end, where its arguments contain a text."""
        (self.folder / "fails").write_text(fails)
        (self.folder / "stalls").write_text(stalls)

    def start(self, script: Path | None = None, **environment: str) -> "subprocess.Popen[str]":
        command = ["/bin/sh", str(script or self.folder / "scripts" / "bootstrap")]
        variables = {"PATH": str(self.programs), **environment}
        return subprocess.Popen(
            command,
            cwd="/",
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=hear_signals,
        )

    def run(self, script: Path | None = None, **environment: str) -> tuple[int, str, list[str]]:
        """Give the exit status, the last line, and what was called."""
        (self.folder / "calls").unlink(missing_ok=True)
        process = self.start(script, **environment)
        output, error = process.communicate(timeout=60)
        calls = self.folder / "calls"
        lines = calls.read_text().splitlines() if calls.exists() else []
        return process.returncode, (error or output).rpartition("\n")[0].rpartition("\n")[2], lines


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path / "a clone, with spaces", tmp_path / "programs")


def is_whole(clone: Clone) -> bool:
    return clone.run() == (0, "", [])


def pin(package: str) -> str:
    (line,) = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line.startswith(f"{package}==")]
    return line


EVERYTHING = ["--editable .[convert,fast,oracle,test]", f"--no-deps {pin('pyucalgarysrs')}"]
CPU_TORCH = f"--no-deps --retries 1 --timeout 15 --index-url {CPU_INDEX} {pin('torch')}"


def test_the_first_run_installs_all_with_torch_for_the_cpu_and_the_next_nothing(clone: Clone) -> None:
    status, line, calls = clone.run()
    assert (status, line) == (0, "scripts/bootstrap: done; .venv/bin/aurorapt is ready")
    assert calls == ["venv", CPU_TORCH, *EVERYTHING]
    assert is_whole(clone)


def test_with_an_nvidia_driver_torch_is_what_pip_chooses(clone: Clone) -> None:
    (clone.programs / "nvidia-smi").symlink_to(str(shutil.which("true")))
    assert clone.run()[2] == ["venv", *EVERYTHING]


def test_an_index_of_torch_out_of_reach_is_said_and_does_not_end_it(clone: Clone) -> None:
    clone.pip_does(fails=CPU_INDEX)
    assert clone.run()[::2] == (0, ["venv", CPU_TORCH, *EVERYTHING])
    (clone.folder / ".venv" / "bootstrapped").unlink()
    assert f"no CPU build of torch from {CPU_INDEX}" in clone.start().communicate()[0]


@pytest.mark.parametrize("version", ["3.13", "3.14"])
def test_newer_pythons_get_the_reader_whatever_its_metadata_say(clone: Clone, version: str) -> None:
    clone.have_python(version)
    assert clone.run()[2][-1].startswith("--no-deps themis-imager-readfile==")


def test_offline_its_last_line_helps_and_the_next_run_goes_on(clone: Clone) -> None:
    clone.pip_does(fails="pip install")
    status, line, _ = clone.run()
    assert (status, line.partition(" (")[0]) == (1, "scripts/bootstrap: pip could not install everything")
    clone.pip_does()
    assert clone.run()[::2] == (0, [CPU_TORCH, *EVERYTHING])
    assert is_whole(clone)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_after_a_stop_in_the_middle_the_next_run_begins_again(clone: Clone, number: signal.Signals) -> None:
    clone.pip_does(stalls="--editable")
    process = clone.start()
    deadline = time.monotonic() + 60
    while not (clone.folder / "stalled").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, number)
    _, error = process.communicate(timeout=60)
    if number != signal.SIGKILL:
        assert process.returncode == 130
        assert error.splitlines()[-1] == "scripts/bootstrap: interrupted; the same command begins again"
    clone.pip_does()
    assert clone.run()[::2] == (0, ["venv", CPU_TORCH, *EVERYTHING])
    assert is_whole(clone)


def test_a_moved_clone_makes_its_environment_anew(clone: Clone) -> None:
    clone.run()
    clone.folder = clone.folder.rename(clone.folder.with_name("moved"))
    assert clone.run()[2][0] == "venv"
    assert is_whole(clone)


def test_an_upgraded_python_makes_it_anew_and_so_does_another_one_by_name(clone: Clone) -> None:
    clone.run()
    clone.have_python("3.12")
    assert clone.run()[2][0] == "venv"
    assert is_whole(clone)
    clone.have_python("3.10", "mine")
    assert clone.run(PYTHON="mine")[2][0] == "venv"
    assert clone.run(PYTHON="mine")[2] == []
    (clone.programs / "mine").unlink()  # uninstalled
    assert clone.run()[2][0] == "venv"
    assert is_whole(clone)


def test_other_dependencies_are_installed_into_what_is_there(clone: Clone) -> None:
    clone.run()
    with (clone.folder / "constraints.txt").open("a") as constraints:
        constraints.write("another==1\n")
    assert clone.run()[2] == [CPU_TORCH, *EVERYTHING]


def test_it_is_found_through_a_link(clone: Clone, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(clone.folder / "scripts" / "bootstrap")
    (tmp_path / "linked clone").symlink_to(clone.folder)
    assert clone.run(tmp_path / "link")[0] == 0
    assert clone.run(tmp_path / "linked clone" / "scripts" / "bootstrap") == (0, "", [])


@pytest.mark.parametrize(
    ("version", "named", "line"),
    [
        ("3.9", "python3", "PYTHON=python3 is Python 3.9; name one from 3.10 to 3.14"),
        ("3.15", "python3", "PYTHON=python3 is Python 3.15; name one from 3.10 to 3.14"),
        ("3.11", "nowhere", "PYTHON=nowhere cannot be run; name a Python from 3.10 to 3.14"),
        ("3.9", "", "no Python from 3.10 to 3.14 found; install one or name it with PYTHON=..."),
    ],
)
def test_a_python_that_does_not_serve_is_said(clone: Clone, version: str, named: str, line: str) -> None:
    clone.have_python(version)
    assert clone.run(PYTHON=named) == (1, f"scripts/bootstrap: {line}", [])


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="needs root and setpriv")
def test_another_user_is_told_so_and_may_use_what_is_whole() -> None:
    with tempfile.TemporaryDirectory() as name:  # outside pytest's own folders, which are closed to others
        Path(name).chmod(0o755)
        clone = Clone(Path(name) / "clone", Path(name) / "programs")
        script = str(clone.folder / "scripts" / "bootstrap")
        command = [str(shutil.which("setpriv")), "--reuid", "65534", "--clear-groups", "/bin/sh", script]
        for status, line in ((1, "belongs to another user; work in a clone of your own\n"), (0, "")):
            done = subprocess.run(
                command, env={"PATH": str(clone.programs)}, capture_output=True, text=True, timeout=60, check=False
            )
            assert (done.returncode, done.stdout) == (status, "")
            assert done.stderr.endswith(line)
            clone.run()
