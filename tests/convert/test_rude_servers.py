"""Servers that keep a download waiting: each is given up in good time, in one line."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from convert.__main__ import main
from convert.source import published


def trickle(connection: socket.socket) -> None:
    """Send a byte before every patience for a byte ends, for ever."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        connection.sendall(b"x")
        time.sleep(0.05)


def trickling_headers(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        connection.sendall(b"x")
        time.sleep(0.05)


def endless_continue(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


def endless_redirect(connection: socket.socket) -> None:
    """Send a redirect to itself whose body has no end."""
    connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /again\r\n\r\n")
    while True:
        connection.sendall(bytes(2**16))


def silence(connection: socket.socket) -> None:
    time.sleep(5)


@pytest.fixture
def rude_server() -> Iterator[Callable[[Callable[[socket.socket], None]], str]]:
    """Serve each connection by a function, and give the address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(answer: Callable[[socket.socket], None]) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=quietly, args=(answer, connection), daemon=True).start()

    def quietly(answer: Callable[[socket.socket], None], connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.recv(2**16)
            answer(connection)

    def start(answer: Callable[[socket.socket], None]) -> str:
        threading.Thread(target=serve, args=(answer,), daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"

    yield start
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.mark.parametrize("answer", [trickle, trickling_headers, endless_continue, endless_redirect, silence])
def test_server_that_never_ends(
    answer: Callable[[socket.socket], None],
    rude_server: Callable[[Callable[[socket.socket], None]], str],
    weights_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(published, "PATIENCE", 0.3)
    started = time.monotonic()
    command = ["--published", "--base-url", rude_server(answer), "-o", str(weights_folder / "x.safetensors")]
    assert main(command) == 1
    assert time.monotonic() - started < 3
    error = capsys.readouterr().err
    assert "cannot be fetched" in error
    assert error.count("\n") == 1
