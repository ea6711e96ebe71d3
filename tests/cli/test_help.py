"""What the command says of itself, and where its errors point to."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from aurorapt.cli.commands import app
from tests.command_line import aurorapt, aurorapt_here, clean_environment

pytestmark = pytest.mark.usefixtures("own_folder")

COMMANDS = [str(command.name) for command in app.registered_commands]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_each_command_ends_with_examples_that_are_right(command: str) -> None:
    shown = aurorapt_here(command, "-h").stdout
    examples = shown.partition("Examples:\n")[2].splitlines()
    assert examples
    options = set(re.findall(r"(?<!\S)--?[a-z][\w-]*", shown.partition("Examples:")[0]))
    for example in examples:
        assert example.startswith(f"  aurorapt {command}")
        assert set(re.findall(r"(?<!\S)--?[a-z][\w-]*", example)) <= options


def test_usage_shows_arguments_plainly() -> None:
    assert aurorapt_here("classify", "-h").stdout.startswith("Usage: aurorapt classify [OPTIONS] START END\n")
    assert aurorapt_here("simulate", "-h").stdout.startswith(
        "Usage: aurorapt simulate [OPTIONS] OUT_STREAM0 START END\n"
    )


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("classify 2014-03-10", "aurorapt: Missing argument 'END'; see aurorapt classify -h\n"),
        ("weights --nope", "aurorapt: No such option: --nope; see aurorapt weights -h\n"),
        ("nope", "aurorapt: No such command 'nope'; see aurorapt -h\n"),
    ],
)
def test_an_error_of_a_command_points_to_its_own_help(words: str, line: str) -> None:
    done = aurorapt_here(*words.split())
    assert (done.returncode, done.stdout, done.stderr) == (2, "", line)


def test_output_has_one_letter_and_dates_the_form_of_file_names_everywhere(stream0: Path, weights_file: Path) -> None:
    options = ("--stream0", stream0, "--weights", weights_file, "-o", "out", "--site", "GILL", "--workers", 0)
    assert aurorapt_here("classify", "20140310", "2014-03-10", *options).returncode == 0
    assert (Path("out") / "2014/03/10").is_dir()
    done = aurorapt_here("simulate", "new", "20140310", "20140310", "--site", "GILL", "--minutes-per-hour", 1)
    assert done.returncode == 0, done.stderr
    assert list(Path("new").rglob("gill_themis*"))
    Path("taken").touch()
    assert aurorapt_here("demo", "-o", "taken").stderr.startswith("aurorapt: --output taken")


def test_the_home_folder_may_be_written_as_a_tilde(
    stream0: Path, weights_file: Path, monkeypatch: pytest.MonkeyPatch, own_folder: Path
) -> None:
    monkeypatch.setenv("HOME", str(own_folder))
    (own_folder / "tiny.safetensors").write_bytes(weights_file.read_bytes())
    options = (
        "--stream0",
        "~/stream0",
        "--weights",
        "~/tiny.safetensors",
        "--log-file",
        "~/a.log",
        "--output",
        "~/out",
    )
    done = aurorapt_here("classify", "2014-03-10", "2014-03-10", *options, "--workers", 0)
    assert done.returncode == 0, done.stderr
    assert (own_folder / "a.log").exists()
    assert aurorapt_here("verify", "~/out", "--stream0", "~/stream0").returncode == 0
    assert aurorapt_here("weights", "~/tiny.safetensors").returncode == 0
    assert aurorapt_here("simulate", "~/new", "2014-06-21", "2014-06-21", "--minutes-per-hour", 1).returncode == 0
    assert (own_folder / "new/truth.csv").exists()
    assert not (own_folder / "~").exists()


@pytest.mark.parametrize(
    ("typed", "offered"), [("aurorapt cl", "classify"), ("aurorapt classify --st", "--stream0"), ("aurorapt ", "demo")]
)
def test_a_shell_completes_commands_and_options(typed: str, offered: str) -> None:
    environment = {"_AURORAPT_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    done = aurorapt(**environment)
    assert done.returncode == 0, done.stderr
    assert offered in done.stdout.split()
    assert done.stderr == ""


def test_the_completion_of_a_shell_can_be_shown() -> None:
    # without looking for the shell that this was started from
    environment = clean_environment() | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    command = [sys.executable, "-m", "aurorapt", "--show-completion", "bash"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "_AURORAPT_COMPLETE=complete_bash" in done.stdout
