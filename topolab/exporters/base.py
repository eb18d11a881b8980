"""What a format to export to has to say and do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from topolab.graph import LayeredGraph

__all__ = ["Exporter"]


class Exporter:
    """The base of every export format; a subclass without state for each.

    Attributes
    ----------
    name : str
        As in the entry point and after ``--to``.
    summary : str
        One line: what opens it.
    suffix : str
        How its files end, with the dot.
    parts : tuple of str
        Empty for one file; else one file for each part, ``<name>.<part><suffix>``.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    suffix: ClassVar[str]
    parts: ClassVar[tuple[str, ...]] = ()

    def write(self, graph: LayeredGraph, paths: Sequence[Path]) -> None:
        """Write a graph.

        Parameters
        ----------
        graph : LayeredGraph
        paths : sequence of Path
            New files in the order of `parts`, or the one file. They are moved into place when all
            are written, so their names mean nothing, and equal graphs give equal bytes.

        Raises
        ------
        OSError
            If the disk refuses.
        """
        raise NotImplementedError

    def files(self, out: Path) -> list[Path]:
        """The files that stand for `out`, a name that ends with the suffix.

        Examples
        --------
        >>> from topolab.exporters.parquet import Parquet
        >>> [path.name for path in Parquet().files(Path("mine.parquet"))]
        ['mine.nodes.parquet', 'mine.edges.parquet']
        """
        if not self.parts:
            return [out]
        stem = out.name.removesuffix(self.suffix)
        return [out.with_name(f"{stem}.{part}{self.suffix}") for part in self.parts]
