"""The weights file: what is written is read back, and everything unsound is refused by name and reason, soon."""

import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from aurorapt.errors import WeightsError
from aurorapt.weights import weights_file as weights_module
from aurorapt.weights.weights_file import Graph, Node, Weights, read_weights, write_weights
from tests.tiny_network import tiny_weights

SECONDS = 10  # of this process; the slowest takes 2.2 on a slow machine that counts coverage too


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tiny.safetensors"


def parts(path: Path) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """Take a file apart: header, description, tensor bytes."""
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    return header, json.loads(header["__metadata__"]["aurorapt"]), content[8 + size :]


def assemble(path: Path, header: dict[str, Any] | str, description: Any, data: bytes) -> None:
    """Put a file together, sound or not."""
    if isinstance(header, dict):
        text = description if isinstance(description, str) else json.dumps(description)
        header = json.dumps({**header, "__metadata__": {"aurorapt": text}})
    path.write_bytes(len(header.encode()).to_bytes(8, "little") + header.encode() + data)


def refused(path: Path) -> str:
    started = time.process_time()
    with pytest.raises(WeightsError) as caught:
        read_weights(path)
    assert time.process_time() - started < SECONDS
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert len(message) < 1000
    return message


def test_reads_back_what_was_written(path: Path) -> None:
    written = tiny_weights()
    write_weights(path, written)
    read = read_weights(path)
    assert read.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    arrays = {"elevation_mask", "tensors"}  # compared below, having no single answer to ==
    for name in {item.name for item in fields(Weights)} - arrays - {"sha256"}:
        assert getattr(read, name) == getattr(written, name)
    np.testing.assert_array_equal(read.elevation_mask, written.elevation_mask)
    assert read.tensors.keys() == written.tensors.keys()
    for name, tensor in written.tensors.items():
        np.testing.assert_array_equal(read.tensors[name], tensor)
    assert read.parameter_count == sum(tensor.size for tensor in written.tensors.values())


def test_is_a_plain_safetensors_file(path: Path) -> None:
    write_weights(path, tiny_weights())
    assert "elevation_mask" in safetensors.numpy.load_file(path)


def test_writing_replaces_and_leaves_nothing_beside(path: Path) -> None:
    path.write_text("old")
    write_weights(path, tiny_weights())
    assert [item.name for item in path.parent.iterdir()] == [path.name]
    assert read_weights(path).name == "tiny"


def test_interrupted_writing_leaves_nothing_beside(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_weights(path, tiny_weights())
    assert [item.name for item in path.parent.iterdir()] == [path.name]
    assert path.read_text() == "old"


@pytest.mark.parametrize("length", [250, 300])
def test_writing_under_a_long_name(length: int, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="cannot be written"):
        write_weights(tmp_path / ("x" * length), tiny_weights())


def test_writing_into_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="cannot be written"):
        write_weights(tmp_path / "nowhere" / "tiny.safetensors", tiny_weights())


def change_node(weights: Weights, number: int, **changes: Any) -> Weights:
    nodes = list(weights.graph.nodes)
    nodes[number] = replace(nodes[number], **changes)
    return replace(weights, graph=replace(weights.graph, nodes=tuple(nodes)))


def change_attribute(weights: Weights, number: int, **changes: Any) -> Weights:
    return change_node(weights, number, attributes={**weights.graph.nodes[number].attributes, **changes})


def change_tensor(weights: Weights, name: str, tensor: np.ndarray) -> Weights:
    return replace(weights, tensors={**weights.tensors, name: tensor})


UNSOUND: dict[str, tuple[Callable[[Weights], Weights], str]] = {
    "kind": (lambda w: replace(w, kind="trusted"), "kind"),
    "name": (lambda w: replace(w, name="\x1b[2J"), "printable"),
    "provenance": (lambda w: replace(w, provenance={"source": "\x1b[2J"}), "provenance.*printable"),
    "provenance within": (lambda w: replace(w, provenance={"check": {"\ud800": 1}}), "provenance.*printable"),
    "deep provenance": (lambda w: replace(w, provenance={"a": [[[[[1]]]]]}), "provenance.*levels"),
    "name of the input": (lambda w: replace(w, graph=replace(w.graph, inputs=("\n",))), "input's name"),
    "too few classes": (lambda w: replace(w, classes=("a", "b", "c")), "3 classes"),
    "one class": (lambda w: replace(w, classes=("a",)), "2 to"),
    "equal classes": (lambda w: replace(w, classes=("a", "b", "c", "a")), "one name"),
    "class with comma": (lambda w: replace(w, classes=("a,b", "c", "d", "e")), "a,b"),
    "class with line end": (lambda w: replace(w, classes=("a\nb", "c", "d", "e")), "class name"),
    **{
        f"class like a formula: {name!r}": (
            lambda w, name=name: replace(w, classes=(name, "c", "d", "e")),
            "formula of a spreadsheet",
        )
        for name in ("=1+1", "+a", "-a", "@a", " =1+1", "-1", " ")
    },
    "provenance that is not finite": (lambda w: replace(w, provenance={"x": [1e999]}), "provenance|Infinity"),
    "softmax over another axis": (
        lambda w: replace(
            w,
            graph=Graph(
                (
                    *w.graph.nodes[:-1],
                    Node("square", "reshape", ("dense",), {"shape": (2, 2)}),
                    Node("softmax", "softmax", ("square",), {"axis": 2}),
                    Node("end", "flatten", ("softmax",)),
                ),
                ("image",),
                ("end",),
            ),
        ),
        "softmax over the classes",
    ),
    "long class": (lambda w: replace(w, classes=("a" * 33, "c", "d", "e")), "class name"),
    "preprocessing": (lambda w: replace(w, preprocessing={"clahe": False}), "preprocessing"),
    "two channels": (lambda w: replace(w, input_shape=(2, 32, 32)), "channels"),
    "wide input": (lambda w: replace(w, input_shape=(3, 5000, 32)), "pixels"),
    "other input": (lambda w: replace(w, input_shape=(3, 40, 32)), "dense.*features"),
    "mask of another shape": (lambda w: replace(w, elevation_mask=np.ones((256, 255), np.uint8)), "mask"),
    "mask of other values": (lambda w: replace(w, elevation_mask=np.full((256, 256), 2, np.uint8)), "mask"),
    "missing tensor": (
        lambda w: replace(w, tensors={k: v for k, v in w.tensors.items() if k != "dense/bias"}),
        "missing: dense/bias",
    ),
    "extra tensor": (lambda w: change_tensor(w, "more/weight", np.ones(3, np.float32)), "does not use: more/weight"),
    "tensor of another shape": (lambda w: change_tensor(w, "dense/bias", np.ones(5, np.float32)), "dense/bias must be"),
    "tensor that is not finite": (
        lambda w: change_tensor(w, "dense/bias", np.array([0, np.inf, 0, 0], np.float32)),
        "dense/bias has values",
    ),
    "later node": (lambda w: change_node(w, 0, inputs=("relu",)), "conv reads 'relu'.*later"),
    "own result": (lambda w: change_node(w, 0, inputs=("conv",)), "conv reads 'conv'"),
    "missing node": (lambda w: change_node(w, 0, inputs=("nowhere",)), "'nowhere', which is not in the graph"),
    "two nodes of one name": (lambda w: change_node(w, 1, name="conv"), "two values are named conv"),
    "node named as the input": (lambda w: change_node(w, 1, name="image"), "two values are named image"),
    "unused node": (
        lambda w: replace(w, graph=replace(w.graph, nodes=(*w.graph.nodes, Node("more", "relu", ("conv",))))),
        "node more",
    ),
    "node that nothing reads": (lambda w: change_node(w, 2, inputs=("conv",)), "nothing reads relu"),
    "unknown operation": (lambda w: change_node(w, 1, op="exec"), "node relu: unknown operation 'exec'"),
    "long operation": (lambda w: change_node(w, 1, op="x" * 10**6), "unknown operation 'xxx"),
    "long attribute": (lambda w: change_attribute(w, 2, **{"x" * 10**6: 1}), "unknown attributes: xxx"),
    "long tensor": (lambda w: replace(w, tensors={**w.tensors, "x" * 10**4: np.zeros(1, np.float32)}), "use: xxx"),
    "unknown attribute": (lambda w: change_attribute(w, 2, code="1"), "node flat: flatten.*code"),
    "missing attribute": (lambda w: change_node(w, 3, attributes={"bias": True}), "node dense.*in_features"),
    "attribute of another type": (lambda w: change_attribute(w, 3, bias=1), "bias must be true or false"),
    "attribute beyond measure": (lambda w: change_attribute(w, 3, out_features=2**40), "out_features"),
    "attribute beyond float64": (lambda w: change_attribute(w, 1, threshold=10**400), "threshold|beyond what a float"),
    "attribute beyond float32": (lambda w: change_attribute(w, 1, threshold=1e39), "threshold"),
    "infinite attribute": (lambda w: change_attribute(w, 1, threshold=float("inf")), "threshold|Infinity"),
    "groups that divide nothing": (lambda w: change_attribute(w, 0, groups=2), "groups"),
    "output beyond measure": (
        lambda w: change_attribute(w, 0, padding=(2**20, 2**20, 2**20, 2**20)),
        "values for one image",
    ),
    "no softmax": (
        lambda w: replace(w, graph=Graph(w.graph.nodes[:-1], ("image",), ("dense",))),
        "softmax",
    ),
    "missing output": (lambda w: replace(w, graph=replace(w.graph, outputs=("nowhere",))), "nowhere|nothing reads"),
    "two outputs": (lambda w: replace(w, graph=replace(w.graph, outputs=("softmax", "dense"))), "one output"),
}


@pytest.mark.parametrize("fault", UNSOUND)
def test_unsound_weights_are_not_written(fault: str, path: Path) -> None:
    spoil, complaint = UNSOUND[fault]
    with pytest.raises(WeightsError, match=complaint):
        write_weights(path, spoil(tiny_weights()))
    assert not path.exists()


@pytest.mark.parametrize("fault", UNSOUND)
def test_unsound_file_is_refused(fault: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil, complaint = UNSOUND[fault]
    with monkeypatch.context() as patch:
        patch.setattr(weights_module, "check_weights", lambda weights: None)
        write_weights(path, spoil(tiny_weights()))
    assert_complains(refused(path), complaint)


def test_a_million_nodes_are_not_written(path: Path) -> None:
    weights = tiny_weights()
    graph = replace(weights.graph, nodes=weights.graph.nodes[:1] * 10**6)
    with pytest.raises(WeightsError, match="1000000 nodes"):
        write_weights(path, replace(weights, graph=graph))


def test_softmax_may_be_rearranged(path: Path) -> None:
    weights = tiny_weights()
    nodes = (
        *weights.graph.nodes[:-1],
        Node("column", "reshape", ("dense",), {"shape": (4, 1, 1)}),
        Node("softmax", "softmax", ("column",), {"axis": 1}),
        Node("last", "permute", ("softmax",), {"axes": (2, 3, 1)}),
        Node("end", "flatten", ("last",)),
    )
    write_weights(path, replace(weights, graph=Graph(nodes, ("image",), ("end",))))
    assert read_weights(path).graph.outputs == ("end",)


def assert_complains(message: str, complaint: str) -> None:
    with pytest.raises(WeightsError, match=complaint):
        raise WeightsError(message)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"format_version": 2}, "format version 2"),
        ({"format_version": "1"}, "format version '1'"),
        ({"format_version": True}, "format version True"),
        ({"format_version": None}, "format version None"),
        ({"name": 5}, "'name'"),
        ({"kind": ["converted"]}, "'kind'"),
        ({"classes": "abcd"}, "'classes'"),
        ({"classes": [1, 2, 3, 4]}, "'classes'"),
        ({"input_shape": [3, 32]}, "input_shape"),
        ({"input_shape": [3, 32, True]}, "input_shape"),
        ({"graph": []}, "'graph'"),
        ({"graph": {}}, "'nodes'"),
        ({"graph": {"nodes": [5], "inputs": ["image"], "outputs": ["x"]}}, "a node is not"),
        ({"graph": {"nodes": [{}], "inputs": ["image"], "outputs": ["x"]}}, "'attributes'"),
        ({"graph": {"nodes": [], "inputs": [], "outputs": []}}, "one input"),
        ({"graph": {"nodes": [{}] * 10**6, "inputs": [], "outputs": []}}, "1000000 nodes"),
        ({"provenance": None}, "'provenance'"),
        ({"preprocessing": 1}, "'preprocessing'"),
    ],
)
def test_spoiled_description(changes: dict[str, Any], complaint: str, path: Path) -> None:
    write_weights(path, tiny_weights())
    header, description, data = parts(path)
    assemble(path, header, description | changes, data)
    assert complaint in refused(path)


@pytest.mark.parametrize(
    "description",
    [
        "",
        "[]",
        "{",
        "[" * 10**5,
        '{"a":' * 10**5,
        '{"format_version": NaN}',
        '{"format_version": 1, "format_version": 1}',
        '{"format_version": ' + "9" * 10**6 + "}",
        '{"format_version": 1, "provenance": {"loss": 1e999}}',
        '{"format_version": 1, "provenance": {"loss": -1e999}}',
        '{"format_version": 1, "provenance": {"loss": ' + "9" * 400 + "}}",
        '"' + "x" * 10**6 + '"',
    ],
    ids=range(12),
)
def test_description_that_is_no_sound_json(description: str, path: Path) -> None:
    write_weights(path, tiny_weights())
    header, _, data = parts(path)
    assemble(path, header, description, data)
    refused(path)


def tensor(dtype: str = "F32", shape: Any = (4,), offsets: Any = (0, 16)) -> str:
    described = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
    return json.dumps({"__metadata__": {"aurorapt": '{"format_version": 1}'}, "dense/bias": described})


@pytest.mark.parametrize(
    "header",
    [
        "",
        "x",
        "null",
        "{}",
        '{"__metadata__": {"format": "pt"}}',
        '{"__metadata__": {"aurorapt": 5}}',
        '{"__metadata__": "aurorapt"}',
        tensor(dtype="BF16"),
        tensor(dtype="F64"),
        tensor(shape=[10**12]),
        tensor(shape=[-4]),
        tensor(shape=[2**63, 2**63]),
        tensor(shape="4"),
        tensor(offsets=[0, 10**15]),
        tensor(offsets=[16, 0]),
        tensor(offsets=[8, 24]),
        '{"a": 5, ' + tensor()[1:],
        tensor()[:-1] + ', "dense/bias": {}}',
    ],
)
def test_spoiled_header(header: str, path: Path) -> None:
    assemble(path, header, None, bytes(16))
    refused(path)


@pytest.mark.parametrize("claimed", [2**63 - 1, 2**64 - 1, 10**9, 17])
def test_header_that_claims_more_than_there_is(claimed: int, path: Path) -> None:
    path.write_bytes(claimed.to_bytes(8, "little") + bytes(16))
    assert "cut short" in refused(path)


def test_header_beyond_measure(path: Path) -> None:
    path.write_bytes((2**25).to_bytes(8, "little") + b" " * 2**25)
    assert "header claims" in refused(path)


@pytest.mark.parametrize("kept", [0, 1, 7, 8, 9, 100, 0.5, 0.9, 0.999])
def test_truncated_file(kept: float, path: Path) -> None:
    write_weights(path, tiny_weights())
    content = path.read_bytes()
    path.write_bytes(content[: int(kept if kept >= 1 else kept * len(content))])
    refused(path)


def test_file_with_more_at_its_end(path: Path) -> None:
    write_weights(path, tiny_weights())
    path.write_bytes(path.read_bytes() + b"more")
    assert "damaged" in refused(path)


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder", "nowhere"):
        refused(tmp_path / name)
