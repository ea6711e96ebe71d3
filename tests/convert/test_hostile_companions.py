"""Label files and elevation maps made to do harm: refused in one line, soon, and nothing is executed."""

import io
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.convert.tiny_keras import CLASSES, write_folder, write_labels

Refuse = Callable[..., str]


class Command:
    """What would run a command when unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_pickle_that_runs_a_command(protocol: int, tmp_path: Path, refuse: Refuse) -> None:
    folder = write_folder(tmp_path / "CNN_model")
    mark = tmp_path / "executed"
    (folder / "model" / "lb_4c.pickle").write_bytes(pickle.dumps(Command(f"touch {mark}"), protocol))
    assert "system" in refuse(folder) or protocol == 0
    assert not mark.exists()


@pytest.mark.parametrize("protocol", [3, 4])
def test_command_within_the_labels(protocol: int, tmp_path: Path, refuse: Refuse) -> None:
    folder = write_folder(tmp_path / "CNN_model")
    mark = tmp_path / "executed"
    write_labels(folder / "model" / "lb_4c.pickle", protocol=protocol, pos_label=Command(f"touch {mark}"))
    assert "system" in refuse(folder)
    assert not mark.exists()


DEEP = b"]" * 3000 + b"a" * 2999  # a list in a list, 3000 times
LABEL_BINARIZER = b"\x80\x04\x8c\x1csklearn.preprocessing._label\x8c\x0eLabelBinarizer\x93)\x81}\x8c\x07y_type_"


@pytest.mark.parametrize(
    "content",
    {
        "empty": b"",
        "text": b"bad_viewing,no_aurora\n",
        "no stop": pickle.dumps([1, 2])[:-1],
        "memo that is not there": b"\x80\x04h\x07.",
        "empty stack": b"\x80\x04\x93.",
        "tuple without mark": b"\x80\x04t.",
        "call of dtype on the stack": b"cnumpy\ndtype\n(S'x'\ntR.",
        "old class": b"(ios\nsystem\nS'true'\no.",
        "persistent": b"Psomething\n.",
        "extension": b"\x80\x02\x82\x01.",
        "plain list": pickle.dumps(list(CLASSES)),
        "huge number": b"L" + b"9" * 10**6 + b"L\n.",
        "long": pickle.dumps("x" * 2**21),
        "deep": b"\x80\x04" + b"]" * 10**6 + b"a" * (10**6 - 1) + b".",
        "deep name of a module": b"\x80\x04" + DEEP + b"\x8c\x01x\x93.",
        "deep kind of labels": LABEL_BINARIZER + DEEP + b"sb.",
        "doubled kind of labels": LABEL_BINARIZER + b")" + b"\x94h\x00\x86" * 100 + b"sb.",
        "deep key": b"\x80\x04})" + b"\x85" * 60_000 + b"Ns.",
        "deep key among several": b"\x80\x04}()" + b"\x85" * 60_000 + b"Nu.",
        "deep stack of tuples": b"\x80\x04" + b"]" * 30_000 + b"(t" * 15_000 + b".",
        "memo of 4 GB": b"\x80\x04Nr\xff\xff\xff\x0f.",
        "count beyond the bytes": b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.",
    }.values(),
    ids=lambda content: repr(content[:12]),
)
def test_pickle_that_is_no_label_file(content: bytes, tmp_path: Path, refuse: Refuse) -> None:
    folder = write_folder(tmp_path / "CNN_model")
    (folder / "model" / "lb_4c.pickle").write_bytes(content)
    assert "lb_4c.pickle" in refuse(folder)


def saved(array: Any, **options: Any) -> bytes:
    content = io.BytesIO()
    np.save(content, array, **options)
    return content.getvalue()


def made_up(header: str) -> bytes:
    """Give a file with this header and the bytes of a whole map."""
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(8 * 256 * 256)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not numpy",
        saved(np.zeros((256, 256)))[:-1],
        saved(np.zeros((255, 256))),
        saved(np.zeros((256, 256), int)),
        saved(np.full((256, 256), np.nan)),
        saved(np.array([Command("touch executed")], dtype=object), allow_pickle=True),
        saved(np.zeros((256, 256))).replace(b"(256, 256), }", b"(10**6,10**6)}"),
        saved(np.zeros((256, 256))).replace(b"(256, 256), }", b"(99999999,99)}"),
        bytes(2**23),
        made_up("{1: 2, 'a': 3}"),
        made_up("{'descr': '<f8', 'fortran_order': False, 'shape': (1" + "0" * 22 + ", 256)}"),
        made_up("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 1" + "0" * 22 + ")}"),
        made_up("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -256)}"),
        made_up("{'descr': '<f8', 'fortran_order': False, 'shape': (True, 256)}"),
        made_up("(" * 2000 + ")" * 2000),
    ],
    ids=range(16),
)
def test_spoiled_elevation_map(content: bytes, tmp_path: Path, refuse: Refuse) -> None:
    folder = write_folder(tmp_path / "CNN_model")
    (folder / "T_angle.npy").write_bytes(content)
    assert "T_angle.npy" in refuse(folder)
    assert not Path("executed").exists()


def test_elevation_map_that_is_a_pipe(tmp_path: Path, refuse: Refuse) -> None:
    folder = write_folder(tmp_path / "CNN_model")
    os.mkfifo(tmp_path / "pipe")
    assert "is not a file" in refuse(folder, "--elevation", str(tmp_path / "pipe"))
