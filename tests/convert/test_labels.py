from pathlib import Path

import numpy as np
import pytest

from aurorapt.errors import ConversionError
from convert.source.labels import read_labels
from tests.convert.tiny_keras import CLASSES, write_labels


@pytest.mark.parametrize("protocol", [3, 4])
def test_reads_the_classes_in_order(protocol: int, tmp_path: Path) -> None:
    write_labels(tmp_path / "lb.pickle", protocol=protocol)
    assert read_labels(tmp_path / "lb.pickle") == CLASSES


def test_reads_names_outside_ascii(tmp_path: Path) -> None:
    write_labels(tmp_path / "lb.pickle", ["lumière", "полярное сияние", "オーロラ"])
    assert read_labels(tmp_path / "lb.pickle") == ("lumière", "полярное сияние", "オーロラ")


def test_reads_big_endian_text(tmp_path: Path) -> None:
    write_labels(tmp_path / "lb.pickle", np.array(CLASSES).astype(">U12"))
    assert read_labels(tmp_path / "lb.pickle") == CLASSES


@pytest.mark.parametrize("classes", [[0, 1, 2, 3], np.array(CLASSES, object), [["a", "b"], ["c", "d"]], [b"a", b"b"]])
def test_refuses_classes_that_are_no_text(classes: object, tmp_path: Path) -> None:
    write_labels(tmp_path / "lb.pickle", classes)
    with pytest.raises(ConversionError, match=r"lb\.pickle"):
        read_labels(tmp_path / "lb.pickle")


def test_refuses_labels_of_two_classes_in_one_column(tmp_path: Path) -> None:
    write_labels(tmp_path / "lb.pickle", ["a", "b"], y_type_="binary")
    with pytest.raises(ConversionError, match="binary"):
        read_labels(tmp_path / "lb.pickle")


def test_refuses_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="cannot be read"):
        read_labels(tmp_path / "lb.pickle")


def test_reads_the_label_file_of_the_original(shared_folder: Path) -> None:
    assert read_labels(shared_folder / "CNN_model" / "model" / "lb_4c.pickle") == CLASSES
