"""The published files, fetched from a server on this machine that has stand-ins for them."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from aurorapt.weights.location import find_weights
from aurorapt.weights.weights_file import read_weights
from convert.__main__ import main
from convert.source import published
from convert.source.blob import ELEVATION, LABELS, MODEL, PUBLISHED_BLOBS, blob_id
from convert.source.published import PART
from tests.convert.tiny_keras import CLASSES, write_folder

PIECE = 2000  # bytes sent at once


@dataclass
class Mirror:
    """A server of files, how it is to misbehave, and what it was asked for."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    cut_after: int | None = None  # bytes of each answer's body
    ranges: bool = True  # whether it can send a part of a file
    length: str | None = None  # what it says instead of each answer's length; nothing if empty
    pause: float = 0.0  # seconds after each of the first pieces that it sends
    location: str = ""  # where it sends everyone instead
    asked: list[tuple[str, str | None]] = field(default_factory=list)  # path and Range header

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        name, wanted = request.path.removeprefix("/CNN_model/"), request.headers.get("Range")
        self.asked.append((name, wanted))
        if self.location:
            request.send_response(302)
            request.send_header("Location", self.location)
            request.end_headers()
            return
        content = self.files.get(name)
        if content is None:
            request.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.ranges else 0
        if start >= len(content):
            request.send_error(416)
            return
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        length = str(len(content) - start) if self.length is None else self.length
        if length:
            request.send_header("Content-Length", length)
        request.end_headers()
        end = None if self.cut_after is None else start + self.cut_after
        body = content[start:end]
        for place in range(0, len(body), PIECE):
            request.wfile.write(body[place : place + PIECE])
            if self.pause and place < 20 * PIECE:
                time.sleep(self.pause)


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    """Serve stand-ins, whose blob ids take the place of the published ones."""
    folder = write_folder(tmp_path / "stand-in")
    (folder / "model" / "CNN_tiny.model").rename(folder / MODEL)
    served = Mirror()
    for name in (MODEL, LABELS, ELEVATION):
        served.files[name] = (folder / name).read_bytes()
        monkeypatch.setitem(PUBLISHED_BLOBS, name, blob_id(folder / name))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.answer(self)

        def log_message(self, *arguments: object) -> None:
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    served.url = f"http://127.0.0.1:{server.server_port}/CNN_model/"
    yield served
    server.shutdown()
    server.server_close()


def fetch(mirror: Mirror, folder: Path) -> int:
    return main(["--published", "--base-url", mirror.url, "-o", str(folder / "cnn_0524.safetensors")])


def test_blob_id_is_that_of_git(tmp_path: Path) -> None:
    (tmp_path / "hello").write_bytes(b"hello\n")
    assert blob_id(tmp_path / "hello") == "ce013625030ba8dba906f756967f9e9ca394464a"  # git hash-object hello


def test_right_files_become_the_default_weights(
    mirror: Mirror, weights_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fetch(mirror, weights_folder) == 0
    assert [path.name for path in weights_folder.iterdir()] == ["cnn_0524.safetensors"]
    monkeypatch.setattr("aurorapt.weights.location.FOLDERS", (weights_folder,))
    monkeypatch.delenv("AURORAPT_WEIGHTS", raising=False)
    weights = read_weights(find_weights())
    assert weights.kind == "published"
    assert weights.name == "CNN_0524"
    assert weights.classes == CLASSES
    assert weights.provenance["repository"] == "https://github.com/GarryGao00/themis_video_generator"


def test_published_files_in_a_folder_are_known_by_their_ids(
    mirror: Mirror, tmp_path: Path, weights_folder: Path
) -> None:
    output = weights_folder / "local.safetensors"
    assert main([str(tmp_path / "stand-in"), "-o", str(output)]) == 0
    assert read_weights(output).kind == "published"
    assert main([str(tmp_path / "stand-in"), "-o", str(output), "--classes", "a,b,c,d"]) == 0
    assert read_weights(output).kind == "converted"


@pytest.mark.parametrize("name", [MODEL, LABELS, ELEVATION])
def test_wrong_file_leaves_nothing_behind(
    name: str, mirror: Mirror, weights_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mirror.files[name] = mirror.files[name][:-1] + b"?"
    assert fetch(mirror, weights_folder) == 1
    error = capsys.readouterr().err
    assert f"expected git blob {PUBLISHED_BLOBS[name]}, got " in error
    assert error.count("\n") == 1
    assert not list(weights_folder.iterdir())


def test_cut_connection_is_told_and_resumed(
    mirror: Mirror, weights_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mirror.cut_after = 1000
    assert fetch(mirror, weights_folder) == 1
    error = capsys.readouterr().err
    assert f"after 1000 of {len(mirror.files[MODEL])} bytes" in error
    assert "run the same command again" in error
    assert not (weights_folder / "cnn_0524.safetensors").exists()
    mirror.cut_after, mirror.asked = None, []
    assert fetch(mirror, weights_folder) == 0
    assert mirror.asked == [(MODEL, "bytes=1000-"), (LABELS, None), (ELEVATION, None)]
    assert read_weights(weights_folder / "cnn_0524.safetensors").kind == "published"


def test_server_that_cannot_resume_sends_all_again(mirror: Mirror, weights_folder: Path) -> None:
    mirror.cut_after = 1000
    assert fetch(mirror, weights_folder) == 1
    mirror.cut_after, mirror.ranges = None, False
    assert fetch(mirror, weights_folder) == 0


def test_partial_file_of_something_else_is_fetched_afresh(mirror: Mirror, weights_folder: Path) -> None:
    part = weights_folder / ".published" / (MODEL + PART)
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(500))
    assert fetch(mirror, weights_folder) == 0
    assert mirror.asked[:2] == [(MODEL, "bytes=500-"), (MODEL, None)]


@pytest.mark.parametrize("sound", [True, False])
def test_partial_file_that_lacks_nothing(sound: bool, mirror: Mirror, weights_folder: Path) -> None:
    part = weights_folder / ".published" / (MODEL + PART)
    part.parent.mkdir(parents=True)
    part.write_bytes(mirror.files[MODEL] if sound else bytes(len(mirror.files[MODEL]) + 5))
    assert fetch(mirror, weights_folder) == 0


def test_files_already_proved_are_not_fetched_again(mirror: Mirror, weights_folder: Path) -> None:
    del mirror.files[ELEVATION]
    assert fetch(mirror, weights_folder) == 1
    mirror.files[ELEVATION], mirror.asked = (weights_folder.parent / "stand-in" / ELEVATION).read_bytes(), []
    assert fetch(mirror, weights_folder) == 0
    assert mirror.asked == [(ELEVATION, None)]


def test_missing_file_on_the_server(mirror: Mirror, weights_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del mirror.files[MODEL]
    assert fetch(mirror, weights_folder) == 1
    error = capsys.readouterr().err
    assert "HTTP 404" in error
    assert error.count("\n") == 1
    assert not list(weights_folder.iterdir())


@pytest.mark.parametrize(
    ("url", "status", "complaint"),
    [
        ("http://127.0.0.1:9/", 1, "cannot be fetched"),
        ("http://127.0.0.1:9/ü", 1, "cannot be fetched"),
        ("http://", 1, "cannot be fetched"),
        ("http://[::1", 2, "is no address"),
    ],
)
def test_no_server(
    url: str, status: int, complaint: str, weights_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--published", "--base-url", url, "-o", str(weights_folder / "x.safetensors")]) == status
    error = capsys.readouterr().err
    assert complaint in error
    assert error.count("\n") == 1
    assert not list(weights_folder.iterdir())


@pytest.mark.parametrize("location", ["http://[::1", "file:///etc/passwd", "ftp://127.0.0.1/x", "data:,x", "mailto:x"])
def test_answer_that_leads_nowhere(
    location: str, mirror: Mirror, weights_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mirror.location = location
    assert fetch(mirror, weights_folder) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "127.0.0.1/x" not in error or "neither http nor https" in error
    assert not list(weights_folder.iterdir())


@pytest.mark.parametrize("url", ["file:///etc/", "ftp://127.0.0.1/", "data:,", "/etc/"])
def test_address_that_is_not_of_the_web(url: str, weights_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--published", "--base-url", url, "-o", str(weights_folder / "x.safetensors")]) == 2
    assert "must begin with http:// or https://" in capsys.readouterr().err


def test_patience_begins_anew_with_each_block(
    mirror: Mirror, weights_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "PATIENCE", 1.5)
    monkeypatch.setattr(published, "BLOCK", 2000)
    mirror.pause = 0.1
    started = time.monotonic()
    assert fetch(mirror, weights_folder) == 0
    assert time.monotonic() - started > 2


@pytest.mark.parametrize("length", ["", "²", "-1", "many"])
def test_server_that_tells_no_length(length: str, mirror: Mirror, weights_folder: Path) -> None:
    mirror.length = length
    assert fetch(mirror, weights_folder) == 0


def test_cut_connection_without_a_length_is_continued(mirror: Mirror, weights_folder: Path) -> None:
    mirror.length, mirror.cut_after = "", max(map(len, mirror.files.values())) - 10
    assert fetch(mirror, weights_folder) == 0
    assert sum(wanted is not None for _, wanted in mirror.asked) == 1


def test_what_came_without_a_length_is_kept(
    mirror: Mirror, weights_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mirror.length, mirror.cut_after = "", 1000
    assert fetch(mirror, weights_folder) == 1
    error = capsys.readouterr().err
    assert "may be incomplete" in error
    assert "run the same command again" in error
    mirror.cut_after, mirror.asked = None, []
    assert fetch(mirror, weights_folder) == 0
    assert mirror.asked[0] == (MODEL, "bytes=2000-")


def test_wrong_file_without_a_length_leaves_nothing_behind(mirror: Mirror, weights_folder: Path) -> None:
    mirror.files[MODEL], mirror.length = bytes(500), ""
    assert fetch(mirror, weights_folder) == 1
    assert not list(weights_folder.iterdir())


def test_file_where_the_downloads_go(mirror: Mirror, weights_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (weights_folder / ".published").touch()
    assert fetch(mirror, weights_folder) == 1
    error = capsys.readouterr().err
    assert ".published" in error
    assert error.count("\n") == 1
