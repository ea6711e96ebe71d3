"""Texts in HDF5 attributes made to do harm: a small file may refer to one large text many times."""

import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from convert.files import texts
from tests.convert.tiny_keras import CLASSES, tiny_h5, write_elevation

Refuse = Callable[..., str]
NAME = 7  # bytes of each name
REFERENCE = 16  # bytes: length, address, number
GIBIBYTE = 2**30
STATUS = Path("/proc/self/status")  # of Linux; what getrusage tells includes the parent's memory
# runs the converter and prints the most memory that it had, in kibibytes
MEASURED = (
    "import re, sys; from convert.__main__ import main; status = main(sys.argv[1:]); "
    f"print(re.search('VmHWM: *\\t *([0-9]+) kB', open('{STATUS}').read())[1]); sys.exit(status)"
)


def text_attribute(attributes: h5py.AttributeManager, name: str, values: list[str]) -> None:
    """Keep texts as references, as h5py does with lists of str."""
    attributes.create(name, np.array(values, object), dtype=h5py.string_dtype())


def write_bomb(path: Path, references: int, size: int) -> None:
    """Write a file whose list of names refers to one text of this size so many times."""
    with h5py.File(path, "w", libver="earliest") as file:
        file.attrs["keras_version"], file.attrs["model_config"] = "2.15.0", "{}"
        weights = file.create_group("model_weights")
        text_attribute(weights.attrs, "layer_names", [f"n{number:06}" for number in range(references)])
        text_attribute(file.attrs, "large", ["x" * size])
    content = bytearray(path.read_bytes())
    large, named = struct.pack("<I", size), struct.pack("<I", NAME)
    place = content.index(large)
    while content[(at := int.from_bytes(content[place + 4 : place + 12], "little")) : at + 4] != b"GCOL":
        place = content.index(large, place + 1)
    first = content.index(named)
    while content[first : first + REFERENCE * references : REFERENCE] != named[:1] * references:
        first = content.index(named, first + 1)
    content[first : first + REFERENCE * references] = content[place : place + REFERENCE] * references
    path.write_bytes(content)


@pytest.mark.skipif(not STATUS.exists(), reason="the memory of a process is told by Linux")
@pytest.mark.parametrize(("references", "size"), [(3000, 8 * 10**6), (3000, 10**5), (4000, 4 * 10**6)])
def test_one_text_referred_to_many_times(references: int, size: int, tmp_path: Path) -> None:
    write_bomb(tmp_path / "model.h5", references, size)
    write_elevation(tmp_path / "angles.npy")
    command = [sys.executable, "-c", MEASURED, str(tmp_path / "model.h5"), "-o", str(tmp_path / "out.safetensors")]
    options = ["--classes", ",".join(CLASSES), "--elevation", str(tmp_path / "angles.npy")]
    result = subprocess.run([*command, *options], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith("convert: ")
    assert result.stderr.count("\n") == 1
    assert int(result.stdout) * 1024 < GIBIBYTE


def test_where_memory_cannot_be_bounded(tmp_path: Path, refuse: Refuse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "can_bound_memory", lambda: False)
    write_bomb(tmp_path / "model.h5", 3000, 8 * 10**6)
    assert "refers to more text" in refuse(tmp_path / "model.h5")


def test_many_names_beside_a_long_text_are_read(tmp_path: Path) -> None:
    """Read what a large sound model holds: a long configuration and a list that could refer to nothing else."""
    names = [f"n{number:06}" for number in range(3000)]
    with h5py.File(tmp_path / "file.h5", "w") as file:
        text_attribute(file.attrs, "names", names)
        text_attribute(file.attrs, "long", ["x" * 10**6])
    with h5py.File(tmp_path / "file.h5", "r") as file:
        reader = texts.TextReader(file, texts.largest_texts_of_file(tmp_path / "file.h5"))
        assert reader.names(file.attrs, "names") == names


def numbers(attributes: h5py.AttributeManager) -> None:
    attributes["layer_names"] = np.arange(5)


def lists_of_numbers(attributes: h5py.AttributeManager) -> None:
    values = np.empty(2, object)
    values[:] = [np.arange(9), np.arange(2)]
    attributes.create("layer_names", values, dtype=h5py.vlen_dtype(np.int64))


@pytest.mark.parametrize("spoil", [numbers, lists_of_numbers])
def test_list_of_names_that_is_none(spoil: Callable[[Any], None], tmp_path: Path, refuse: Refuse) -> None:
    with tiny_h5(tmp_path / "model.h5") as file:
        del file["model_weights"].attrs["layer_names"]
        spoil(file["model_weights"].attrs)
    assert "layer_names is not text" in refuse(tmp_path / "model.h5")
