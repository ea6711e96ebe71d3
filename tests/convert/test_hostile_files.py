"""Files made to do harm: each is refused in one line, soon and in little memory, and nothing is executed."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.convert.tiny_keras import (
    archive_members,
    tiny_h5,
    write_archive,
)

Refuse = Callable[..., str]


def zipped(*changes: tuple[str, bytes]) -> dict[str, bytes]:
    return archive_members() | dict(changes)


@pytest.mark.parametrize("name", ["../outside.h5", "/tmp/outside.h5", "assets/x", "..\\outside.h5", "config.json/"])
def test_archive_with_paths_outside(name: str, tmp_path: Path, refuse: Refuse) -> None:
    write_archive(tmp_path / "model.keras", zipped((name, b"x")))
    assert "and nothing else" in refuse(tmp_path / "model.keras")
    assert not list(tmp_path.parent.glob("outside*"))


def test_archive_without_arrays(tmp_path: Path, refuse: Refuse) -> None:
    members = archive_members()
    del members["model.weights.h5"]
    write_archive(tmp_path / "model.keras", members)
    assert "must hold" in refuse(tmp_path / "model.keras")


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5", "metadata.json"])
def test_archive_that_unpacks_to_gigabytes(name: str, tmp_path: Path, refuse: Refuse) -> None:
    write_archive(tmp_path / "model.keras", zipped((name, bytes(2**26))), zipfile.ZIP_DEFLATED)
    assert name in refuse(tmp_path / "model.keras")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("metadata.json", b"[]"),
        ("metadata.json", b"{"),
        ("metadata.json", b'{"keras_version": "4.0"}'),
        ("config.json", b"null"),
        ("model.weights.h5", b"not HDF5"),
    ],
)
def test_archive_with_a_spoiled_member(name: str, content: bytes, tmp_path: Path, refuse: Refuse) -> None:
    write_archive(tmp_path / "model.keras", zipped((name, content)))
    assert "model.keras" in refuse(tmp_path / "model.keras")


@pytest.mark.parametrize("packing", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
@pytest.mark.parametrize("damaged", [False, True])
def test_archive_packed_otherwise(packing: int, damaged: bool, tmp_path: Path, refuse: Refuse) -> None:
    write_archive(tmp_path / "model.keras", archive_members(), packing)
    if damaged:
        content = bytearray((tmp_path / "model.keras").read_bytes())
        content[60:90] = bytes(30)
        (tmp_path / "model.keras").write_bytes(content)
    assert "packed in a way" in refuse(tmp_path / "model.keras")


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.99])
def test_truncated_archive(kept: float, tmp_path: Path, refuse: Refuse) -> None:
    write_archive(tmp_path / "whole", archive_members())
    content = (tmp_path / "whole").read_bytes()
    (tmp_path / "model.keras").write_bytes(content[: int(kept * len(content))])
    assert "model.keras" in refuse(tmp_path / "model.keras")


def test_archive_with_a_spoiled_byte(tmp_path: Path, refuse: Refuse) -> None:
    write_archive(tmp_path / "whole", archive_members())
    content = bytearray((tmp_path / "whole").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "model.keras").write_bytes(content)
    assert "model.keras" in refuse(tmp_path / "model.keras")


def external_link(file: h5py.File) -> None:
    del file["model_weights/dense/dense/kernel:0"]
    file["model_weights/dense/dense/kernel:0"] = h5py.ExternalLink("/etc/passwd", "/")


def external_link_as_layer(file: h5py.File) -> None:
    del file["model_weights/flatten"]
    file["model_weights/flatten"] = h5py.ExternalLink("other.h5", "/")


def soft_link_loop(file: h5py.File) -> None:
    del file["model_weights/flatten"]
    file["model_weights/flatten"] = h5py.SoftLink("/model_weights/flatten")


def hard_link_loop(file: h5py.File) -> None:
    file["model_weights/dense/again"] = file["model_weights"]


def external_storage(file: h5py.File) -> None:
    del file["model_weights/dense/dense/kernel:0"]
    group = file["model_weights/dense/dense"]
    group.create_dataset("kernel:0", (60, 4), "f4", external=[("/etc/passwd", 0, 960)])


def virtual_dataset(file: h5py.File) -> None:
    del file["model_weights/dense/dense/kernel:0"]
    layout = h5py.VirtualLayout((60, 4), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "data", (60, 4))
    file["model_weights/dense/dense"].create_virtual_dataset("kernel:0", layout)


def claim(numbers: int) -> Callable[[h5py.File], None]:
    def spoil(file: h5py.File) -> None:
        del file["model_weights/dense/dense/kernel:0"]
        group = file["model_weights/dense/dense"]
        group.create_dataset("kernel:0", (numbers,), "f4", chunks=(2**20,), compression="gzip")

    return spoil


def one_chunk_of_many(file: h5py.File) -> None:
    claim(2**27)(file)
    file["model_weights/dense/dense/kernel:0"][: 2**20] = 1


def wide_numbers(file: h5py.File) -> None:
    del file["model_weights/dense/dense/kernel:0"]
    file["model_weights/dense/dense/kernel:0"] = np.zeros((60, 4), np.longdouble)


def text_array(file: h5py.File) -> None:
    del file["model_weights/dense/dense/bias:0"]
    file["model_weights/dense/dense/bias:0"] = ["a", "b", "c", "d"]


def unused_array(file: h5py.File) -> None:
    file["model_weights/dense/dense/extra:0"] = np.zeros(3, np.float32)


def unused_listed_array(file: h5py.File) -> None:
    unused_array(file)
    names = [b"dense/kernel:0", b"dense/bias:0", b"dense/extra:0"]
    file["model_weights/dense"].attrs["weight_names"] = np.array(names)


def unused_layer(file: h5py.File) -> None:
    file["model_weights/another/another/kernel:0"] = np.zeros(3, np.float32)


def unused_group(file: h5py.File) -> None:
    file["more/kernel:0"] = np.zeros(3, np.float32)


def missing_array(file: h5py.File) -> None:
    del file["model_weights/dense/dense/bias:0"]


def missing_name(file: h5py.File) -> None:
    file["model_weights/dense"].attrs["weight_names"] = np.array([b"dense/kernel:0"])


def exchanged_names(file: h5py.File) -> None:
    file["model_weights/dense"].attrs["weight_names"] = np.array([b"dense/kernel:0", b"dense/gamma:0"])
    file["model_weights/dense/dense"].move("bias:0", "gamma:0")


def not_finite(file: h5py.File) -> None:
    file["model_weights/dense/dense/bias:0"][2] = np.nan


def no_configuration(file: h5py.File) -> None:
    del file.attrs["model_config"]


def no_weights(file: h5py.File) -> None:
    del file["model_weights"]


def numeric_configuration(file: h5py.File) -> None:
    file.attrs["model_config"] = np.arange(5)


def latin_configuration(file: h5py.File) -> None:
    file.attrs["model_config"] = np.bytes_(b"\xff\xfe{}")


def other_backend(file: h5py.File) -> None:
    file.attrs["backend"] = b"theano"


def unknown_backend(file: h5py.File) -> None:
    file.attrs["backend"] = "mxnet"


def version_four(file: h5py.File) -> None:
    file.attrs["keras_version"] = "4.0.0"


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (external_link, "external link"),
        (external_link_as_layer, "external link"),
        (soft_link_loop, "soft link"),
        (hard_link_loop, "deep|objects"),
        (external_storage, "another file"),
        (virtual_dataset, "another file"),
        (claim(10**12), "claims 4000000000000 bytes"),
        (claim(2**28), "stores 0"),
        (one_chunk_of_many, "claims 536870912 bytes and stores"),
        (wide_numbers, "not an array of numbers"),
        (text_array, "not an array of numbers"),
        (unused_array, "does not use.*extra"),
        (unused_listed_array, "3 arrays"),
        (unused_layer, "does not use.*another"),
        (unused_group, "more"),
        (missing_array, "bias"),
        (missing_name, "1 arrays"),
        (exchanged_names, "cannot be matched"),
        (not_finite, "not finite"),
        (no_configuration, "model_config"),
        (no_weights, "model_weights"),
        (numeric_configuration, "not text"),
        (latin_configuration, "sound"),
        (version_four, "4.0.0"),
        (other_backend, "theano"),
        (unknown_backend, "mxnet"),
    ],
)
def test_spoiled_hdf5(spoil: Callable[[h5py.File], None], complaint: str, tmp_path: Path, refuse: Refuse) -> None:
    with tiny_h5(tmp_path / "model.h5") as file:
        spoil(file)
    assert re.search(complaint, refuse(tmp_path / "model.h5"))


@pytest.mark.parametrize("kept", [0, 4, 100, 0.3, 0.7, 0.98])
def test_truncated_hdf5(kept: float, tmp_path: Path, refuse: Refuse) -> None:
    with tiny_h5(tmp_path / "whole.h5"):
        pass
    content = (tmp_path / "whole.h5").read_bytes()
    (tmp_path / "model.h5").write_bytes(content[: int(kept if kept > 1 else kept * len(content))])
    assert "model.h5" in refuse(tmp_path / "model.h5")


def test_configuration_beyond_measure(tmp_path: Path, refuse: Refuse) -> None:
    config = (b"[" + b"{}," * 2**21)[:-1] + b"]"
    write_archive(tmp_path / "model.keras", zipped(("config.json", config)))
    assert "config.json claims" in refuse(tmp_path / "model.keras")


def test_array_name_that_would_rule_the_terminal(tmp_path: Path, refuse: Refuse) -> None:
    with tiny_h5(tmp_path / "model.h5") as file:
        file["model_weights/dense/\x1b[2J\nextra"] = np.zeros(3, np.float32)
    assert refuse(tmp_path / "model.h5").rstrip("\n").isprintable()
