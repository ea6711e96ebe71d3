"""The University of Calgary's server: which minute files it has, and their bytes, through PyUCalgarySRS.

Of that package the listings are used. It fetches files too, but keeps what a connection gives before it is cut, and
takes every file that is there for a whole one; so files are fetched here.
"""

import importlib
import re
import threading
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from time import monotonic
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from aurorapt.archive.names import CAMERA_FOLDER, DOWNLOAD_FOLDER, MINUTE_FILE
from aurorapt.archive.packed_file import MINUTE_BYTES_LIMIT
from aurorapt.errors import DownloadError, counted
from aurorapt.machine.extras import load_extra

SERVER = "https://api.phys.ucalgary.ca"
WAITS = (1.0, 4.0, 15.0)  # seconds, before a call is tried again that may succeed another time
CONNECT_WITHIN, ANSWER_WITHIN = 10, 30  # seconds
FILE_WITHIN = 300  # seconds for one file of 2 MB, however steadily it trickles
PIECE_BYTES = 2**16
MAY_PASS = (408, 425, 429)  # HTTP statuses that may be others soon, besides those from 500 on
CAMERAS = "themis_asi"  # the server's name of all THEMIS cameras
_API_STATUS = re.compile(r"API error code (\d+)")
# below the server's folder of the years, as in any stream0
_RELATIVE = re.compile(r"(?P<date>\d{4}/\d\d/\d\d)/(?P<camera>\w+)/ut\d\d/(?P<name>[^/]+)", re.ASCII)

Answer = TypeVar("Answer")


class RemoteMinute(NamedTuple):
    """A minute file on the server: its URL, and its path in an archive, below the folder of the years."""

    url: str
    path: str


class ServerError(DownloadError):
    """An answer that is none; ``may_pass`` where another try may bring one, ``unreachable`` where nobody answered."""

    def __init__(self, reason: str, may_pass: bool = False, unreachable: bool = False) -> None:
        super().__init__(reason)
        self.may_pass, self.unreachable = may_pass, unreachable


class CalgaryServer:
    """The server, asked patiently: what may pass is tried again, three times.

    Parameters
    ----------
    stopping : set when nothing more is wanted; whoever waits then gets a `ServerError`
    url : of its API

    Raises
    ------
    OptionError
        If PyUCalgarySRS is not installed.
    """

    def __init__(self, stopping: threading.Event, url: str) -> None:
        package = load_extra("pyucalgarysrs", "download", "aurorapt download needs PyUCalgarySRS")
        self.host = urlsplit(url).netloc
        self._srs = package.PyUCalgarySRS(api_base_url=url, api_timeout=ANSWER_WITHIN)
        self._requests: Any = importlib.import_module("requests")
        self._urllib3: Any = importlib.import_module("urllib3")
        self._stopping = stopping
        self._own = threading.local()  # a session is not safe to share

    def sites(self) -> list[str]:
        """Give the sites that have a THEMIS camera, lower case.

        Raises
        ------
        ServerError
            If there is no answer.
        """
        observatories = self._patiently(lambda: self._srs.data.list_observatories(CAMERAS))
        return sorted({str(observatory.uid).lower() for observatory in observatories})

    def minutes(self, day: date, site: str | None) -> list[RemoteMinute]:
        """List the minute files of a UT date, of one site or of all.

        Raises
        ------
        ServerError
            If there is no answer, or files are listed but none as the archive has them.
        """
        start, end = datetime.combine(day, time(0, 0)), datetime.combine(day, time(23, 59))
        listing = self._patiently(lambda: self._srs.data.get_urls(DOWNLOAD_FOLDER, start, end, site_uid=site))
        urls, prefix = list(map(str, listing.urls)), str(listing.path_prefix)
        if urls and not any(_RELATIVE.fullmatch(_below(url, prefix)) for url in urls):
            raise ServerError(f"{self.host} lists {counted(len(urls), 'file')}, none where an archive has minute files")
        return sorted(set(_minutes(urls, prefix, day, site)), key=lambda minute: minute.path)

    def fetch(self, url: str, fault: Callable[[bytes], str]) -> bytes:
        """Fetch a file.

        Parameters
        ----------
        fault : says what is wrong with the bytes of a file, nothing where all is right

        Raises
        ------
        ServerError
            If it cannot be had whole.
        """

        def once() -> bytes:
            content = self._fetch_once(url)
            if reason := fault(content):
                raise ServerError(f"what {self.host} gives is damaged: {reason}", may_pass=True)
            return content

        return self._patiently(once)

    def _fetch_once(self, url: str) -> bytes:
        if not hasattr(self._own, "session"):
            self._own.session = self._requests.Session()
        deadline = monotonic() + FILE_WITHIN
        # not unpacked on the way: the archive's files are gzip themselves
        headers = {**self._srs.api_headers, "accept-encoding": "identity"}
        with self._own.session.get(
            url, headers=headers, stream=True, timeout=(CONNECT_WITHIN, ANSWER_WITHIN)
        ) as response:
            if response.status_code != 200:
                raise _of_status(self.host, response.status_code)
            if "text/html" in response.headers.get("content-type", "").lower():
                raise ServerError(f"{self.host} gives a page instead of the file")
            content = bytearray()
            read = getattr(response.raw, "read1", response.raw.read)  # what has come, rather than a whole piece
            while piece := read(PIECE_BYTES):
                content += piece
                if monotonic() > deadline:
                    raise ServerError(f"{self.host} gave {len(content)} bytes in {FILE_WITHIN} s", may_pass=True)
                if self._stopping.is_set():
                    raise ServerError("stopped")
                if len(content) > MINUTE_BYTES_LIMIT:
                    raise ServerError(f"{self.host} gives more than {MINUTE_BYTES_LIMIT // 2**20} MiB, no minute file")
            expected = response.headers.get("content-length")
        if expected is not None and expected != str(len(content)):
            raise ServerError(f"{self.host} gave {len(content)} of {expected} bytes", may_pass=True)
        return bytes(content)

    def _patiently(self, call: Callable[[], Answer]) -> Answer:
        for wait in (*WAITS, None):
            try:
                return call()
            except Exception as error:
                told = self._explained(error)
            if wait is None or not told.may_pass:
                raise told
            if self._stopping.wait(wait):
                raise ServerError("stopped")
        raise AssertionError

    def _explained(self, error: BaseException) -> ServerError:
        """Say in one line why there is no answer; the package wraps what requests raises."""
        if isinstance(error, ServerError):
            return error
        cause = error.__cause__ or error
        if isinstance(cause, self._requests.Timeout):
            return ServerError(f"{self.host} does not answer in time", may_pass=True)
        if isinstance(cause, self._requests.ConnectionError) and not _was_cut(cause):
            return ServerError(f"cannot reach {self.host}; is this machine offline?", may_pass=True, unreachable=True)
        if isinstance(cause, ValueError):  # before the next, as requests' own error of JSON is both
            return ServerError(f"{self.host} gives an answer that makes no sense: {type(cause).__name__}: {cause}")
        if isinstance(cause, (self._requests.RequestException, self._urllib3.exceptions.HTTPError, OSError)):
            return ServerError(f"the connection to {self.host} broke: {type(cause).__name__}", may_pass=True)
        if match := _API_STATUS.search(str(error)):
            return _of_status(self.host, int(match[1]))
        return ServerError(f"{self.host} gives an answer that makes no sense: {type(error).__name__}: {error}")


def _was_cut(error: BaseException) -> bool:
    """Whether there was a connection, which then broke."""
    return "Connection aborted" in str(error) or "Connection broken" in str(error)


def _of_status(host: str, status: int) -> ServerError:
    return ServerError(f"{host} answers with HTTP status {status}", may_pass=status >= 500 or status in MAY_PASS)


def _below(url: str, prefix: str) -> str:
    return url.removeprefix(prefix).removeprefix("/")


def _minutes(urls: list[str], prefix: str, day: date, site: str | None) -> Iterator[RemoteMinute]:
    """Give the minute files among what is listed, which may have files of other modes and of the next minute too."""
    for url in urls:
        match = _RELATIVE.fullmatch(_below(url, prefix))
        if match is None or match["date"] != f"{day:%Y/%m/%d}" or MINUTE_FILE.fullmatch(match["name"]) is None:
            continue
        camera = CAMERA_FOLDER.fullmatch(match["camera"])
        if camera and site in (None, camera["site"].lower()):
            yield RemoteMinute(url, match[0])
