"""Fetching a file once, checked, into the user's cache."""

from __future__ import annotations

import hashlib
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPException
from pathlib import Path

from topolab.errors import MissingDataError, RunError
from topolab.store.files import replace_file, replace_with

__all__ = ["cache_folder", "fetch", "fetch_large", "named_folders"]

LIMIT = 512 * 2**20


def cache_folder(name: str) -> Path:
    """Where downloads of a data set are kept: TOPOLAB_CACHE_DIR, else the user's cache."""
    base = os.environ.get("TOPOLAB_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    root = Path(base) if base else Path.home() / ".cache"
    return root / "topolab" / name


def named_folders(name: str, data_dir: str | Path | None) -> list[Path]:
    """Folders that the user named: `data_dir`, else TOPOLAB_DATA_DIR; each with a subfolder."""
    named = data_dir or os.environ.get("TOPOLAB_DATA_DIR")
    return [Path(named), Path(named) / name] if named else []


def fetch_large(
    url: str, to: Path, algorithm: str, digest: str, *, timeout: float = 30, limit: int = 2**31
) -> None:
    """Download a large file to disk, never holding more than a part of it; keep it if it is right.

    Parameters
    ----------
    url : str
    to : Path
        Written atomically: it holds the whole checked file or does not exist.
    algorithm : {"md5", "sha256"}
        Whatever its publisher gives.
    digest : str
        Expected, in hexadecimal.
    timeout : float
        Seconds without an answer.
    limit : int
        Bytes at the most.

    Raises
    ------
    MissingDataError
        As `fetch`.
    """
    _check_address(url)
    running = hashlib.new(algorithm, usedforsecurity=False)

    def write(temporary: Path) -> None:
        with temporary.open("xb") as file, closing(_parts(url, timeout, limit)) as parts:
            for part in parts:
                running.update(part)
                file.write(part)
        if running.hexdigest() != digest:
            raise MissingDataError(
                f"{url}: not the expected file ({algorithm.upper()} is "
                f"{running.hexdigest()[:16]}..., expected {digest[:16]}...)"
            )

    try:
        replace_with(to, write)
    except RunError as error:
        raise MissingDataError(f"{to}: the download could not be kept ({error})") from error


def _parts(url: str, timeout: float, limit: int) -> Generator[bytes, None, None]:
    """What the server sends, part by part; errors of the disk stay with who writes them."""
    size = 0
    with _web_errors(url), urllib.request.urlopen(url, timeout=timeout) as answer:
        announced = answer.headers.get("Content-Length")
        while part := answer.read(2**20):
            size += len(part)
            if size > limit:
                raise MissingDataError(f"{url}: larger than {limit} bytes, which is not it")
            yield part
    if announced is not None and announced.isdigit() and size != int(announced):
        raise MissingDataError(f"{url}: truncated, {size} of {announced} bytes arrived")


@contextmanager
def _web_errors(url: str) -> Iterator[None]:
    try:
        yield
    except urllib.error.HTTPError as error:
        error.close()
        raise MissingDataError(f"{url}: the server answered {error.code} {error.reason}") from error
    except (OSError, HTTPException, ValueError) as error:  # ValueError: an address that is none
        reason = getattr(error, "reason", None) or error
        raise MissingDataError(f"{url}: could not be downloaded ({reason})") from error


def _check_address(url: str) -> None:
    if not url.startswith(("http://", "https://")):
        raise MissingDataError(f"{url}: only http and https addresses are fetched")


def fetch(
    url: str, to: Path, check: Callable[[bytes, str], object], *, timeout: float = 30
) -> None:
    """Download a file; keep it only if `check` accepts its bytes.

    Parameters
    ----------
    url : str
    to : Path
        Written atomically: it holds the whole checked file or does not exist.
    check : callable
        Called with (bytes, source); raises MissingDataError for a wrong file.
    timeout : float
        Seconds without an answer.

    Raises
    ------
    MissingDataError
        If the server cannot be reached, answers an error or sends less than it announced, or
        the file is not the expected one.
    """
    _check_address(url)
    with _web_errors(url), urllib.request.urlopen(url, timeout=timeout) as answer:
        announced = answer.headers.get("Content-Length")
        data = answer.read(LIMIT + 1)
    if announced is not None and announced.isdigit() and len(data) != int(announced):
        raise MissingDataError(f"{url}: truncated, {len(data)} of {announced} bytes arrived")
    check(data, url)
    try:
        replace_file(to, data)
    except RunError as error:
        raise MissingDataError(f"{to}: the download could not be kept ({error})") from error
