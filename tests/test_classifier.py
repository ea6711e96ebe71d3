"""Frames in memory, classified through the public class."""

import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import aurorapt
from aurorapt.engine.engine import Engine
from aurorapt.engine.fused_layers import FusedConvolution
from aurorapt.errors import OptionError, WeightsError
from aurorapt.weights.weights_file import read_weights, write_weights
from tests.tiny_network import tiny_weights


def frames(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(2000, 9000, (count, 256, 256), dtype=np.uint16)


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_change_nothing(weights_file: Path, threads: int) -> None:
    images = frames(11)
    classifier = aurorapt.Classifier(weights_file, batch_size=2, threads=threads)
    one_by_one = np.concatenate([classifier.predict(images[start : start + 2]) for start in range(0, 11, 2)])
    answers = classifier.predict(images)
    assert answers.shape == (11, 4)
    assert answers.dtype == np.float32
    np.testing.assert_array_equal(answers, one_by_one)
    np.testing.assert_array_equal(answers, aurorapt.Classifier(weights_file).predict(images))


def test_no_frames_give_no_answers(weights_file: Path) -> None:
    answers = aurorapt.Classifier(weights_file).predict(frames(0))
    assert answers.shape == (0, 4)
    assert answers.dtype == np.float32


@pytest.mark.parametrize("images", [frames(1).astype(np.int64), frames(3)[:, :128], frames(1)[0], frames(1) / 2.0])
def test_other_arrays_are_refused(weights_file: Path, images: np.ndarray) -> None:
    with pytest.raises(ValueError, match="images must be"):
        aurorapt.Classifier(weights_file).predict(images)


def test_the_same_frames_in_all_layouts_give_the_same_probabilities(weights_file: Path) -> None:
    classifier = aurorapt.Classifier(weights_file, batch_size=2)
    images = frames(5)
    flipped = np.ascontiguousarray(images[:, ::-1])
    probabilities = classifier.predict(images)
    assert np.array_equal(classifier.predict(images, layout="readfile"), probabilities)
    assert np.array_equal(classifier.predict(flipped, layout="asilib"), probabilities)
    frames_last = np.ascontiguousarray(np.moveaxis(flipped, 0, 2))
    assert np.array_equal(classifier.predict(frames_last, layout="pyaurorax"), probabilities)
    assert not np.array_equal(classifier.predict(flipped), probabilities), "the network must see which edge is north"


def test_a_refused_stack_is_told_its_layout(weights_file: Path) -> None:
    classifier = aurorapt.Classifier(weights_file)
    with pytest.raises(ValueError, match=r"images must be .* not \(256, 256, 3\) uint16; give layout='pyaurorax'"):
        classifier.predict(np.moveaxis(frames(3), 0, 2))
    with pytest.raises(OptionError, match="layout 'fits' is unknown; give 'readfile' or 'pyaurorax' or 'asilib'"):
        classifier.predict(frames(1), layout="fits")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "fp16"}, "precision 'fp16' is unknown; give 'fp32' or 'bf16' or 'auto'"),
        ({"precision": ["fp32"]}, "precision .* is unknown"),
        ({"batch_size": 0}, "batch_size 0 must be a whole number from 1 to 1024"),
        ({"batch_size": 4.0}, "batch_size 4.0 must be a whole number"),
        ({"threads": 0}, "threads 0 must be a whole number"),
        ({"threads": True}, "threads True must be a whole number"),
        ({"threads": "2"}, "threads '2' must be a whole number"),
    ],
)
def test_options_are_refused_before_weights_are_read(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=f"^{message}") as refusal:
        aurorapt.Classifier(tmp_path / "not there", **options)
    assert "\n" not in str(refusal.value)


def test_an_empty_name_is_not_the_default_weights() -> None:
    with pytest.raises(WeightsError):
        aurorapt.Classifier("")


def test_numbers_may_be_numpys(weights_file: Path) -> None:
    classifier = aurorapt.Classifier(weights_file, batch_size=np.int64(2), threads=np.int64(1))  # type: ignore[arg-type]
    assert classifier.predict(frames(3)).shape == (3, 4)


def test_what_it_is_shows(weights_file: Path) -> None:
    assert repr(aurorapt.Classifier(weights_file, threads=3)) == (
        "Classifier(name='tiny', kind='converted', classes=('bad_viewing', 'no_aurora', 'other_aurora', 'pulsating'), "
        "precision='fp32', threads=3)"
    )


def test_what_it_is_shows_in_a_notebook_where_no_name_becomes_markup(weights_file: Path) -> None:
    weights = replace(read_weights(weights_file), name="<b>bold</b>", kind="simulated")
    shown = aurorapt.Classifier(weights, threads=3)._repr_html_()
    assert "<tr><th>weights</th><td>&lt;b&gt;bold&lt;/b&gt; (simulated)</td></tr>" in shown
    assert "trained on simulated frames" in shown


def test_the_package_lists_its_public_names() -> None:
    assert dir(aurorapt) == [
        "Classifier",
        "Night",
        "__version__",
        "classify",
        "find_events",
        "iter_classifications",
        "read_classifications",
        "read_rows",
    ]


def test_weights_are_packed_for_the_one_thread_that_uses_them(
    weights_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Packed for 16 threads, they would be packed anew for each batch, and a third of the speed be left."""
    packed_for = []
    pack = FusedConvolution.__init__

    def note_threads_and_pack(self: FusedConvolution, *arguments: object, **options: object) -> None:
        packed_for.append(torch.get_num_threads())
        pack(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(FusedConvolution, "__init__", note_threads_and_pack)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        aurorapt.Classifier(weights_file)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert packed_for == [1]


def test_what_streams_allocated_is_not_kept(weights_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small arrays that stay among a stream's large blocks split them, and memory grows by gigabytes."""
    answers: list[weakref.ref[np.ndarray]] = []
    predict = Engine.predict

    def predict_and_follow(self: Engine, inputs: np.ndarray) -> np.ndarray:
        probabilities = predict(self, inputs)
        answers.append(weakref.ref(probabilities))
        return probabilities

    monkeypatch.setattr(Engine, "predict", predict_and_follow)
    kept = aurorapt.Classifier(weights_file, batch_size=1, threads=1).predict(frames(5))
    assert len(kept) == len(answers) == 5
    assert [answer() for answer in answers] == [None] * 5


def test_the_callers_torch_keeps_its_threads(weights_file: Path) -> None:
    def threads_of_a_new_thread() -> int:
        with ThreadPoolExecutor(1) as executor:
            return executor.submit(torch.get_num_threads).result()

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        aurorapt.Classifier(weights_file, threads=2).predict(frames(9))
        assert torch.get_num_threads() == threads_of_a_new_thread() == 3
    finally:
        torch.set_num_threads(before)


def test_simulated_weights_are_said(tmp_path: Path) -> None:
    path = tmp_path / "simulated.safetensors"
    write_weights(path, replace(tiny_weights(), kind="simulated"))
    with pytest.warns(UserWarning, match="trained on simulated frames"):
        aurorapt.Classifier(path)
