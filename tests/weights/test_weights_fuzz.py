"""Weights files spoiled at random: each is refused in one line of its own kind, or read as a sound network."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aurorapt.errors import WeightsError
from aurorapt.weights.weights_file import METADATA_KEY, Weights, check_weights, read_weights, write_weights
from tests.tiny_network import tiny_weights

LONGEST_READING = 20.0  # seconds; an idle machine takes milliseconds
FEW, MANY = 150, 3000  # files
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**65), 2**65),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["conv", "dense", "image", "softmax", "conv2d", "flatten", "../../etc/passwd", "\0", "é" * 40]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Give a sound file."""
    path = tmp_path_factory.mktemp("fuzz") / "tiny.safetensors"
    write_weights(path, tiny_weights())
    return path.read_bytes()


def read_or_refuse(path: Path, spoiled: bytes) -> Weights | None:
    """Read a file as the classifier does; None where it is refused, as every unsound one must be."""
    path.write_bytes(spoiled)
    started = time.monotonic()
    try:
        weights = read_weights(path)
    except WeightsError as error:
        assert str(error).startswith(f"{path}: ")
        assert len(str(error)) < 2000
        assert "\n" not in str(error)
        return None
    finally:
        assert time.monotonic() - started < LONGEST_READING
    check_weights(weights)
    return weights


def fuzzed(examples: int) -> Any:
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=examples == FEW,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@pytest.mark.parametrize("tenth", range(10))
def test_a_file_cut_at_every_tenth_is_refused(content: bytes, tmp_path: Path, tenth: int) -> None:
    assert read_or_refuse(tmp_path / "cut", content[: len(content) * tenth // 10]) is None


def spoil_bytes(content: bytes, path: Path, data: st.DataObject) -> None:
    spoiled = bytearray(content)
    header_end = 8 + int.from_bytes(content[:8], "little")
    for _ in range(data.draw(st.integers(1, 8))):
        end = data.draw(st.sampled_from([8, header_end, len(spoiled)]))
        position = data.draw(st.integers(0, end - 1))
        spoiled[position] = data.draw(st.integers(0, 255))
    read_or_refuse(path, bytes(spoiled))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Give the path of each value within a JSON document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, part in inner for place in places(part, (*path, key)))]


def replaced(document: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    copy = dict(document) if isinstance(document, dict) else list(document)
    copy[place[0]] = replaced(copy[place[0]], place[1:], value)
    return copy


def spoil_description(content: bytes, path: Path, data: st.DataObject) -> None:
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    description = json.loads(header["__metadata__"][METADATA_KEY])
    for _ in range(data.draw(st.integers(1, 3))):
        inside = data.draw(st.booleans())
        document = description if inside else header
        place = data.draw(st.sampled_from(places(document)))
        value = data.draw(VALUES)
        if inside:
            description = replaced(description, place, value)
        elif place:
            header = replaced(header, place, value)
    metadata = header.get("__metadata__")
    if isinstance(metadata, dict) and METADATA_KEY in metadata:
        header = header | {"__metadata__": metadata | {METADATA_KEY: json.dumps(description)}}
    text = json.dumps(header).encode()
    read_or_refuse(path, len(text).to_bytes(8, "little") + text + content[8 + length :])


def test_spoiled_bytes(content: bytes, tmp_path: Path) -> None:
    fuzzed(FEW)(given(st.data())(lambda data: spoil_bytes(content, tmp_path / "file", data)))()


def test_spoiled_descriptions(content: bytes, tmp_path: Path) -> None:
    fuzzed(FEW)(given(st.data())(lambda data: spoil_description(content, tmp_path / "file", data)))()


@pytest.mark.slow
@pytest.mark.parametrize("spoil", [spoil_bytes, spoil_description])
def test_many_spoiled_files(content: bytes, tmp_path: Path, spoil: Any) -> None:
    fuzzed(MANY)(given(st.data())(lambda data: spoil(content, tmp_path / "file", data)))()


def test_what_a_refusal_quotes_stays_on_its_line(content: bytes, tmp_path: Path) -> None:
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    description = json.loads(header["__metadata__"][METADATA_KEY])
    description["graph"]["nodes"][0]["attributes"]["two\nlines"] = 1
    header["__metadata__"][METADATA_KEY] = json.dumps(description)
    spoiled = json.dumps(header).encode()
    path = tmp_path / "quoting"
    assert read_or_refuse(path, len(spoiled).to_bytes(8, "little") + spoiled + content[8 + length :]) is None
