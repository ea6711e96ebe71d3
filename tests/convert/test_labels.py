from pathlib import Path

import numpy as np
import pytest

from aurorapt.errors import ConversionError
from convert.source.labels import read_labels
from tests.convert.tiny_keras import CLASSES, write_labels

PROTOCOLS = range(6)


@pytest.mark.parametrize("class_name", ["LabelBinarizer", "LabelEncoder"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_reads_the_classes_in_order(protocol: int, class_name: str, tmp_path: Path) -> None:
    write_labels(tmp_path / "lb.pickle", protocol=protocol, class_name=class_name)
    assert read_labels(tmp_path / "lb.pickle") == CLASSES


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_reads_what_either_numpy_writes(protocol: int, tmp_path: Path) -> None:
    path = tmp_path / "lb.pickle"
    write_labels(path, protocol=protocol)
    content = path.read_bytes()
    for known, other in ((b"numpy._core.", b"numpy.core."), (b"numpy.core.", b"numpy._core.")):
        for name in (b"numeric", b"multiarray"):
            # protocol 4 and later write the length of a name before it, and that of the whole in a frame
            short = b"\x8c" + bytes([len(known + name)]) + known + name
            renamed = b"\x8c" + bytes([len(other + name)]) + other + name
            changed = content.replace(short, renamed).replace(known + name + b"\n", other + name + b"\n")
            if changed != content and protocol >= 4:
                size = int.from_bytes(content[3:11], "little") + len(changed) - len(content)
                changed = changed[:3] + size.to_bytes(8, "little") + changed[11:]
            path.write_bytes(changed)
            assert read_labels(path) == CLASSES


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        ([0, 1, 2], ("0", "1", "2")),
        (np.array([7, 9], np.uint8), ("7", "9")),
        (np.array([3, 4], ">i4"), ("3", "4")),
        ([False, True], ("False", "True")),
        ([b"quiet", b"active"], ("quiet", "active")),
        (np.array(CLASSES, object), CLASSES),
        (np.array([3, 4], object), ("3", "4")),
    ],
    ids=str,
)
def test_reads_classes_of_other_types(classes: object, expected: object, protocol: int, tmp_path: Path) -> None:
    write_labels(tmp_path / "lb.pickle", classes, protocol)
    assert read_labels(tmp_path / "lb.pickle") == expected


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_reads_labels_of_two_classes_in_one_column(protocol: int, tmp_path: Path) -> None:
    write_labels(tmp_path / "lb.pickle", ["a", "b"], protocol, y_type_="binary")
    assert read_labels(tmp_path / "lb.pickle") == ("a", "b")


def test_reads_what_python_2_wrote(tmp_path: Path) -> None:
    """Read text of Python 2, where bytes and text are one type."""
    content = (
        b"ccopy_reg\n_reconstructor\n(csklearn.preprocessing.label\nLabelBinarizer\nc__builtin__\nobject\nNtR"
        b"(dS'y_type_'\nS'binary'\nsS'classes_'\n"
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
        b"(I1\n(I2\ntcnumpy\ndtype\n(S'S5'\nI0\nI1\ntR(I3\nS'|'\nNNNI5\nI1\nI0\ntbI00\n"
        b"S'cloudclear'\ntbsb."
    )
    (tmp_path / "lb.pickle").write_bytes(content)
    assert read_labels(tmp_path / "lb.pickle") == ("cloud", "clear")


def test_reads_names_outside_ascii(tmp_path: Path) -> None:
    write_labels(tmp_path / "lb.pickle", ["lumière", "полярное сияние", "オーロラ"])
    assert read_labels(tmp_path / "lb.pickle") == ("lumière", "полярное сияние", "オーロラ")


def test_reads_big_endian_text(tmp_path: Path) -> None:
    write_labels(tmp_path / "lb.pickle", np.array(CLASSES).astype(">U12"))
    assert read_labels(tmp_path / "lb.pickle") == CLASSES


UNREAD = [[0.5, 1.5], [["a", "b"], ["c", "d"]], np.array([1.5, "a"], object), np.array([None, "a"], object)]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("classes", UNREAD, ids=str)
def test_refusal_of_classes_says_the_way_round(classes: object, protocol: int, tmp_path: Path) -> None:
    write_labels(tmp_path / "lb.pickle", classes, protocol)
    with pytest.raises(ConversionError, match=r"lb\.pickle: its classes.*; --classes NAME"):
        read_labels(tmp_path / "lb.pickle")


def test_refusal_of_other_kinds_says_the_way_round(tmp_path: Path) -> None:
    write_labels(tmp_path / "lb.pickle", ["a", "b"], y_type_="continuous")
    with pytest.raises(ConversionError, match=r"'continuous'.*--classes NAME"):
        read_labels(tmp_path / "lb.pickle")


def test_refuses_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"cannot be read.*--classes"):
        read_labels(tmp_path / "lb.pickle")


def test_reads_the_label_file_of_the_original(shared_folder: Path) -> None:
    assert read_labels(shared_folder / "CNN_model" / "model" / "lb_4c.pickle") == CLASSES


@pytest.mark.parametrize(
    ("name", "count"), [("sk1.9.1_list_p5.pickle", 4), ("sk1.9.1_binary_p4.pickle", 2)], ids=["list", "binary"]
)
def test_reads_the_label_files_of_today(name: str, count: int, shared_folder: Path) -> None:
    assert read_labels(shared_folder / "cases" / "keras" / name) == CLASSES[:count]
