"""The table behind a figure as files that travel inside the page."""

from __future__ import annotations

import base64
import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

__all__ = ["Download", "downloads"]

#: Larger ones stay in the run's folder: a page should open fast.
MOST = 300_000
_PLAIN = 60_000  # a CSV up to this size is not compressed


@dataclass(frozen=True)
class Download:
    """A file: what to call it, and its bytes as a data address."""

    name: str
    src: str
    size: int


def downloads(table: pd.DataFrame, name: str) -> Iterator[Download]:
    """The table as CSV (compressed if it is long) and as Parquet, if they are not too large."""
    if table.empty:
        return
    text = table.to_csv(index=False, float_format="%.7g").encode()
    if len(text) <= _PLAIN:
        yield _download(f"{name}.csv", "text/csv", text)
    else:
        yield from _if_small(f"{name}.csv.gz", "application/gzip", gzip.compress(text, mtime=0))
    raw = io.BytesIO()
    table.reset_index(drop=True).to_parquet(raw, index=False, compression="zstd")
    yield from _if_small(f"{name}.parquet", "application/vnd.apache.parquet", raw.getvalue())


def _if_small(name: str, kind: str, data: bytes) -> Iterator[Download]:
    if len(data) <= MOST:
        yield _download(name, kind, data)


def _download(name: str, kind: str, data: bytes) -> Download:
    return Download(name, f"data:{kind};base64,{base64.b64encode(data).decode()}", len(data))
