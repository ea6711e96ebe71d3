"""Fetch the model that the original's authors published, and prove that it is that one."""

import http.client
import shutil
import urllib.error
import urllib.parse
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import IO
from urllib.request import getproxies

from tqdm import tqdm

from aurorapt.errors import ConversionError, OptionError
from aurorapt.machine.time_limit import TimeLimitError, time_limit

from .blob import PUBLISHED_BLOBS, blob_id

LARGEST_FILE = 2**30  # bytes; a ResNet-50 takes about 10**8
BLOCK = 2**16  # bytes
PATIENCE = 30  # seconds for an answer, and for each block after it
SCHEMES = ("http", "https")
PART = ".part"


def fetch_published(base_url: str, folder: Path) -> None:
    """Fetch the published files into a folder; those already there and proved are kept, partial ones continued.

    Parameters
    ----------
    base_url : http or https address that the files' names follow
    folder : where they go, in the layout of a CNN_model folder

    Raises
    ------
    OptionError
        If ``base_url`` is not such an address.
    ConversionError
        If a file cannot be fetched (what came of it is kept, for another try), or is not the published one (then
        nothing is kept).
    """
    _require_address(base_url)
    try:
        for name, wanted in PUBLISHED_BLOBS.items():
            path = folder / name
            if path.is_file() and blob_id(path) == wanted:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            _fetch_proved(f"{base_url.rstrip('/')}/{name}", path, wanted, folder)
    except OSError as error:
        raise ConversionError(f"{error.filename or folder}: cannot be written: {error.strerror}") from None
    finally:
        for empty in (*((folder / name).parent for name in PUBLISHED_BLOBS), folder):
            with suppress(OSError):  # it is not empty
                empty.rmdir()


def _require_address(base_url: str) -> None:
    try:
        scheme = urllib.parse.urlsplit(base_url).scheme
    except ValueError as error:
        raise OptionError(f"--base-url {base_url} is no address: {error}") from None
    if scheme not in SCHEMES:
        raise OptionError(f"--base-url {base_url} must begin with http:// or https://")


def _fetch_proved(url: str, path: Path, wanted: str, folder: Path) -> None:
    part = path.with_name(path.name + PART)
    resumed = part.is_file()
    whole = _fetch(url, part)
    if not whole and blob_id(part) != wanted:
        whole = _fetch(url, part)
    if resumed and whole and blob_id(part) != wanted:  # the older piece may have been of something else
        part.unlink()
        whole = _fetch(url, part)
    found = blob_id(part)
    if found != wanted and not whole:
        raise ConversionError(
            f"{url}: no Content-Length; the download may be incomplete; run the same command again to go on"
        )
    if found != wanted:
        shutil.rmtree(folder)
        raise ConversionError(
            f"{url} is not the published file: expected git blob {wanted}, got {found}; nothing is kept"
        )
    part.replace(path)


def _fetch(url: str, part: Path) -> bool:
    """Fetch what is missing of a file, and tell whether it is whole for sure."""
    have = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with time_limit(PATIENCE):
            response = _opener().open(request, timeout=PATIENCE)
        with response:
            if have and not _continues(response, have):
                have = 0
            return _receive(response, part, have)
    except TimeLimitError:
        raise ConversionError(
            f"{url} cannot be fetched: no answer, or less than {BLOCK} bytes, came in {PATIENCE} seconds; "
            "run the same command again to go on"
        ) from None
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing is missing
            return True
        raise ConversionError(f"{url} cannot be fetched: HTTP {error.code} {error.reason}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise ConversionError(
            f"{url} cannot be fetched: {reason!s:.200}; run the same command again to go on"
        ) from None


class _WebOnly(urllib.request.HTTPRedirectHandler):
    """Follow redirects within the web, whatever is in their bodies."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        fp.close()  # it would be read to its end, which may never come
        if urllib.parse.urlsplit(newurl).scheme not in SCHEMES:
            raise urllib.error.URLError(f"it leads to {newurl:.200}, which is neither http nor https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """Make an opener that knows nothing but the web: the usual one opens files and ftp too."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler({name: proxy for name, proxy in getproxies().items() if name in (*SCHEMES, "no")}),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _WebOnly(),
    ):
        opener.add_handler(handler)
    return opener


def _continues(response: http.client.HTTPResponse, have: int) -> bool:
    return response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {have}-")


def _next_block(response: http.client.HTTPResponse) -> bytes:
    with time_limit(PATIENCE):
        return response.read(BLOCK)


def _receive(response: http.client.HTTPResponse, part: Path, have: int) -> bool:
    length = response.headers.get("Content-Length", "")
    total = have + int(length) if length.isascii() and length.isdecimal() else None
    name = part.name.removesuffix(PART)
    with (
        part.open("ab" if have else "wb") as file,
        tqdm(total=total, initial=have, unit="B", unit_scale=True, desc=name, disable=None) as bar,
    ):
        while block := _next_block(response):
            have += len(block)
            if have > LARGEST_FILE:
                raise OSError(f"more than {LARGEST_FILE} bytes came")
            file.write(block)
            bar.update(len(block))
    if total is not None and have < total:
        raise OSError(f"the connection ended after {have} of {total} bytes")
    return total is not None or response.chunked  # a cut is seen in both
