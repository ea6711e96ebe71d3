"""The University of Calgary's server as far as a download speaks with it, on this machine, with every fault."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fake_camera import write_minute

SITES = ("fsim", "gill")
_DATASET = {
    "name": "THEMIS_ASI_RAW",
    "short_description": "",
    "long_description": "",
    "data_tree_url": "",
    "file_listing_supported": True,
    "level": "L0",
    "supported_libraries": ["pyucalgarysrs"],
    "file_time_resolution": "1min",
}


class FakeServer:
    """What the server has and how it fails.

    Attributes
    ----------
    files : bytes by path below the folder of the years
    faults : what the next answers for a path do instead: a status, or "cut", "short", "html", "spoiled", "no length",
        "slow", "late", "unanswered"; the last one stays
    asked : how often each path was asked for
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[Any]] = {}
        self.asked: Counter[str] = Counter()
        self.at_once = 0
        self.most_at_once = 0
        self.lock = threading.Lock()
        self.url = ""

    def add_minutes(self, folder: Path, first: datetime, count: int, site: str = "gill") -> list[str]:
        """Have minutes of two frames, and give their paths."""
        device = {"gill": "themis19", "fsim": "themis05"}[site]
        paths = []
        for number in range(count):
            path = write_minute(folder, first + timedelta(minutes=number), 2, site=site, device=device)
            paths.append(path.relative_to(folder).as_posix())
            self.files[paths[-1]] = path.read_bytes()
        return paths

    def fault(self, path: str) -> Any:
        with self.lock:
            self.asked[path] += 1
            faults = self.faults.get(path, [None])
            return faults.pop(0) if len(faults) > 1 else faults[0]

    def listing(self, query: dict[str, list[str]]) -> dict[str, Any]:
        assert query["name"] == ["THEMIS_ASI_RAW"]
        start, end = (datetime.fromisoformat(query[name][0]) for name in ("start", "end"))
        site = query.get("site_uid", [""])[0]
        prefix = f"{self.url}/stream0"
        urls = []
        for path in self.files:
            name = path.rsplit("/", 1)[1]
            try:
                when = datetime.strptime(name[:13], "%Y%m%d_%H%M")
            except ValueError:
                when = start
            if start <= when <= end and site in name:
                urls.append(f"{prefix}/{path}")
        size = sum(map(len, self.files.values()))
        return {"urls": urls, "path_prefix": prefix, "count": len(urls), "dataset": _DATASET, "total_bytes": size}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: FakeServer

    def do_GET(self) -> None:
        fake = self.fake
        with fake.lock:
            fake.at_once += 1
            fake.most_at_once = max(fake.most_at_once, fake.at_once)
        try:
            self.answer()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            with fake.lock:
                fake.at_once -= 1

    def answer(self) -> None:
        parts = urlsplit(self.path)
        what = parts.path.removeprefix("/stream0/") if parts.path.startswith("/stream0/") else parts.path
        what = {"/api/v1/data_distribution/urls": "urls", "/api/v1/data_distribution/observatories": "sites"}.get(
            what, what
        )
        fault = self.fake.fault(what)
        if what == "urls":
            content = json.dumps(self.fake.listing(parse_qs(parts.query))).encode()
        elif what == "sites":
            sites = [
                {"uid": site, "full_name": site, "geodetic_latitude": 0, "geodetic_longitude": 0} for site in SITES
            ]
            content = json.dumps(sites).encode()
        else:
            content = self.fake.files.get(what, b"")
            fault = fault or (None if what in self.fake.files else 404)
        self.give(content, fault)

    def give(self, content: bytes, fault: Any) -> None:
        if fault == "unanswered":
            self.close_connection = True
            return
        if fault == "late":
            time.sleep(0.1)
        self.send_response(fault if isinstance(fault, int) else 200)
        if isinstance(fault, int):
            content = b'{"detail": "no"}'
        elif fault == "html":
            content = b"<html>welcome</html>"
        elif fault == "spoiled":
            content = content[:200] + bytes(50) + content[250:]
        self.send_header("content-type", "text/html" if fault == "html" else "application/octet-stream")
        if fault == "no length" or fault == "short":
            self.send_header("connection", "close")
        else:
            self.send_header("content-length", str(len(content)))
        self.end_headers()
        if fault in ("cut", "short"):
            content = content[: len(content) // 2]
        if fault == "slow":
            for place in range(0, len(content), 100):
                self.wfile.write(content[place : place + 100])
                self.wfile.flush()
                time.sleep(0.05)
            return
        self.wfile.write(content)
        if fault in ("cut", "short", "no length"):
            self.close_connection = True

    def log_message(self, *arguments: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that has left."""


@contextmanager
def serving() -> Iterator[FakeServer]:
    """Serve until the block is left."""
    fake = FakeServer()
    handler = type("Handler", (_Handler,), {"fake": fake})
    server = _Server(("127.0.0.1", 0), handler)
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
