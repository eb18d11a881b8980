"""Fetching a file once, checked, into the user's cache."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

from topolab.errors import MissingDataError, RunError
from topolab.store.files import replace_file

__all__ = ["cache_folder", "fetch"]

LIMIT = 512 * 2**20


def cache_folder(name: str) -> Path:
    """Where downloads of a data set are kept: TOPOLAB_CACHE_DIR, else the user's cache."""
    base = os.environ.get("TOPOLAB_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    root = Path(base) if base else Path.home() / ".cache"
    return root / "topolab" / name


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
    if not url.startswith(("http://", "https://")):
        raise MissingDataError(f"{url}: only http and https addresses are fetched")
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            announced = answer.headers.get("Content-Length")
            data = answer.read(LIMIT + 1)
    except urllib.error.HTTPError as error:
        error.close()
        raise MissingDataError(f"{url}: the server answered {error.code} {error.reason}") from error
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise MissingDataError(f"{url}: could not be downloaded ({reason})") from error
    if announced is not None and announced.isdigit() and len(data) != int(announced):
        raise MissingDataError(f"{url}: truncated, {len(data)} of {announced} bytes arrived")
    check(data, url)
    try:
        replace_file(to, data)
    except RunError as error:
        raise MissingDataError(f"{to}: the download could not be kept ({error})") from error
