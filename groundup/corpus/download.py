"""Downloads that can be cut off: kept in a cache, resumed, checked, tried again."""

import hashlib
import os
import re
import ssl
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse, InvalidURL
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urldefrag, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from rich.progress import Progress

from groundup import __version__
from groundup.errors import UserError
from groundup.files import expand_user, write_atomic

CHUNK = 1 << 20
"""Bytes asked of the network at a time."""

PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP statuses that say "try again"; every other error is final."""


class InterruptedTransferError(Exception):
    """The transfer stopped early; what has arrived is kept."""


@dataclass(frozen=True, slots=True)
class Address:
    """What to download, and the SHA-256 that it should have (64 hex digits, None: not checked)."""

    url: str
    sha256: str | None = None

    @classmethod
    def parse(cls, source: str) -> "Address":
        """Take ``https://…#sha256=HEX`` apart; the configuration has checked its form."""
        url, fragment = urldefrag(source)
        return cls(url, fragment.removeprefix("sha256=").lower() or None)

    @property
    def file_name(self) -> str:
        """The last part of the address's path, as a safe file name."""
        name = unquote(urlsplit(self.url).path.rstrip("/").rpartition("/")[2])
        return re.sub(r"[^\w.-]", "_", name, flags=re.ASCII).lstrip(".")[-100:] or "download"


def download_folder() -> Path:
    """Return where downloads are kept: ``$GROUNDUP_CACHE/downloads``, by default in ~/.cache."""
    cache = os.environ.get("GROUNDUP_CACHE")
    if cache:
        return expand_user(cache) / "downloads"
    root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return expand_user(root) / "groundup" / "downloads"


def download(
    source: str,
    folder: Path,
    progress: Progress,
    *,
    attempts: int = 5,
    timeout: float = 30.0,
    backoff: float = 1.0,
) -> Path:
    """Return the file at an address: from ``folder`` if it is there, downloaded otherwise.

    A transfer that stops is resumed where it stopped, also by a later call, as long as the server
    vouches (ETag or Last-Modified) that the file is the same; otherwise it starts again.

    Args:
        source: an http(s) URL, optionally ending in ``#sha256=HEX``.
        folder: where downloads are kept; made if missing.
        progress: shows bytes, rate and time left.
        attempts: tries in a row that bring nothing new before giving up.
        timeout: seconds without a byte after which a try has failed.
        backoff: seconds before the second try; doubles with each.

    Raises:
        UserError: the server refuses, cannot be reached, or the file has another checksum.
        OSError: the folder cannot be written or the disk is full.
    """
    address = Address.parse(source)
    folder.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256(address.url.encode()).hexdigest()[:16]
    path = folder / f"{key}-{address.file_name}"
    with _alone(path.with_name(f".{path.name}.lock")):
        # With another checksum it is an older version, or damaged since; it stays until the new
        # one is whole.
        if path.exists() and address.sha256 in (None, _sha256(path)):
            return path
        part = path.with_name(f"{path.name}.part")
        _fetch(address.url, part, progress, attempts, timeout, backoff)
        _check(address, part)
        part.replace(path)
        _validator_path(part).unlink(missing_ok=True)
    return path


def _fetch(
    url: str, part: Path, progress: Progress, attempts: int, timeout: float, backoff: float
) -> None:
    """Bring ``part`` to its full length, however many tries that takes."""
    task = progress.add_task(f"download {Address(url).file_name}", total=None, unit="bytes")
    furthest = _size(part)
    failures = 0
    while True:
        try:
            for done, total in _transfer(url, part, timeout):
                progress.update(task, completed=done, total=total)
            break
        except InterruptedTransferError as error:
            size = _size(part)
            # A server that cannot resume starts from 0 each time: only new ground counts.
            failures = 1 if size > furthest else failures + 1
            furthest = max(furthest, size)
            if failures >= attempts:
                raise UserError(
                    f"{url}: {error}, after {attempts} tries ({size:,} bytes are kept);"
                    " check the address and the network, then run again"
                ) from None
            time.sleep(backoff * 2 ** (failures - 1))
    progress.remove_task(task)


def _transfer(url: str, part: Path, timeout: float) -> Iterator[tuple[int, int | None]]:
    """Try once to add to ``part`` what it lacks; yields bytes there and, where known, in all.

    Raises:
        InterruptedTransferError: it stopped early, or the server asks to try again.
        UserError: the server refuses.
    """
    validator = _read_validator(part)
    done = _size(part) if validator else 0
    headers = {"User-Agent": f"groundup/{__version__}", "Accept-Encoding": "identity"}
    if validator and done:
        # the rest if the file is still the same, else all of the new one (RFC 9110, 13.1.5)
        headers |= {"Range": f"bytes={done}-", "If-Range": validator}
    try:
        response = _open(url, headers, timeout)
    except HTTPError as error:  # 416: nothing lies beyond the bytes we have
        if done and error.headers["Content-Range"] == f"bytes */{done}":
            return  # all is here: killed after the last byte, before the file got its name
        part.unlink(missing_ok=True)
        raise InterruptedTransferError("the server cannot resume the download") from None
    with response:
        start, total = _extent(response)
        if start not in (0, done):
            part.unlink()
            raise InterruptedTransferError("the server sent another part than was asked for")
        with part.open("r+b" if start else "wb") as file:
            if not start:  # after the old bytes are gone: never old bytes with a new validator
                _write_validator(part, response)
            file.seek(start)
            done = start
            yield done, total
            while chunk := _read(response):
                file.write(chunk)
                done += len(chunk)
                yield done, total
            file.flush()
            os.fsync(file.fileno())
    if total is not None and done != total:
        raise InterruptedTransferError(f"the connection broke at {done:,} of {total:,} bytes")


def _open(url: str, headers: dict[str, str], timeout: float) -> HTTPResponse:
    """Send the request.

    Raises:
        HTTPError: status 416, the range that was asked for cannot be had.
        InterruptedTransferError, UserError: as ``_transfer``.
    """
    try:
        # the configuration lets http and https through, nothing else
        request = Request(url, headers=headers)  # noqa: S310
        response: HTTPResponse = build_opener(_WebRedirects).open(request, timeout=timeout)
        return response
    except HTTPError as error:
        error.close()
        if error.code == 416:
            raise
        status = f"HTTP {error.code} {_one_line(error.reason)}"
        if error.code in PASSING:
            raise InterruptedTransferError(status) from None
        raise UserError(f"{url}: {status}; check the address in sources") from None
    except URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise UserError(
                f"{url}: the server's certificate is not trusted ({error.reason.verify_message});"
                " check the address, or this machine's clock and certificates"
            ) from None
        raise InterruptedTransferError(f"no connection ({_one_line(error.reason)})") from None
    except (ValueError, InvalidURL) as error:  # the configuration has checked the first address
        raise UserError(
            f"{url}: it leads to no valid address ({_one_line(error)}); check it in sources"
        ) from None
    except (OSError, HTTPException) as error:
        raise InterruptedTransferError(f"no connection ({_one_line(error)})") from None


class _WebRedirects(HTTPRedirectHandler):
    """Follows redirects within the web; urllib would also go to ftp://, and leave encryption."""

    def redirect_request(
        self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        scheme = urlsplit(newurl).scheme
        if scheme != "https" and (scheme != "http" or req.type == "https"):
            raise HTTPError(newurl, code, f"to {newurl}, which is not safe to follow", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _one_line(words: object) -> str:
    """Return what a server or a library says, fit for an error's one line."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(words)).split())[:300]


def _read(response: HTTPResponse) -> bytes:
    """Read some; the network's errors are told apart here from those of the disk."""
    try:
        return response.read1(CHUNK)
    except (OSError, HTTPException) as error:
        raise InterruptedTransferError(f"the connection broke ({_one_line(error)})") from None


def _extent(response: HTTPResponse) -> tuple[int, int | None]:
    """Return where the body begins in the file, and the file's size where the server tells."""
    if response.status == 206:
        match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", response.headers["Content-Range"] or "")
        if match is None:
            raise InterruptedTransferError("the server sent a part but not which")
        start, last, total = match.groups()
        return int(start), int(last) + 1 if total == "*" else int(total)
    return 0, response.length  # None where the header is missing or nonsense


def _check(address: Address, part: Path) -> None:
    """Compare the checksum; a file with another one is deleted."""
    if address.sha256 is None or (actual := _sha256(part)) == address.sha256:
        return
    part.unlink()
    _validator_path(part).unlink(missing_ok=True)
    raise UserError(
        f"{address.url}: its SHA-256 is {actual}, not the {address.sha256} asked for; the download"
        " was deleted: correct the checksum, or find out why the file has changed"
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _validator_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.validator")


def _read_validator(part: Path) -> str:
    path = _validator_path(part)
    return path.read_text() if path.exists() else ""


def _write_validator(part: Path, response: HTTPResponse) -> None:
    """Keep what names this version of the file; without it a transfer cannot be resumed."""
    etag = response.headers["ETag"] or ""
    strong = etag if not etag.startswith("W/") else ""  # If-Range takes no weak one
    write_atomic(_validator_path(part), strong or response.headers["Last-Modified"] or "")


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Wait until no other process is downloading the same file."""
    with path.open("w") as file:
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
