"""Doors out: the graph of a snapshot as a file that other programs open.

One file per format, found by the entry-point group ``topolab.exporters``; `export` is the way in.
"""

from __future__ import annotations

from topolab.exporters.api import export
from topolab.exporters.base import Exporter

__all__ = ["Exporter", "export"]
