"""What formats made of text share: names, numbers, and the edges some at a time."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from topolab.graph.layered import LayeredGraph

__all__ = ["attribute", "edge_chunks", "number", "text"]

#: Edges that are written at a time.
CHUNK = 65_536
#: Characters that XML 1.0 has no way to write.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def attribute(value: str) -> str:
    """A value of XML with its quotes.

    Examples
    --------
    >>> attribute('a "run" & more')
    '\\'a "run" &amp; more\\''
    """
    return quoteattr(_FORBIDDEN.sub("?", value))


def text(value: str | int | float) -> str:
    """A value of XML between tags.

    Examples
    --------
    >>> text("a < b"), text(0.5)
    ('a &lt; b', '0.5')
    """
    return escape(_FORBIDDEN.sub("?", value)) if isinstance(value, str) else number(value)


def number(value: float) -> str:
    """A number in words that Java, C and Python all read.

    Examples
    --------
    >>> number(math.nan), number(-math.inf), number(1e-40)
    ('NaN', '-Infinity', '1e-40')
    """
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def edge_chunks(
    graph: LayeredGraph,
) -> Iterator[tuple[list[int], list[int], list[int], list[str] | None]]:
    """Sources, targets, active weights, and weights as text; some edges at a time.

    The last is None where no weights were recorded.
    """
    source, target, active = graph.edges
    weight = graph.weight
    for start in range(0, graph.n_edges, CHUNK):
        part = slice(start, start + CHUNK)
        yield (
            source[part].tolist(), target[part].tolist(), active[part].tolist(),
            None if weight is None else _decimals(weight[part]),
        )  # fmt: skip


def _decimals(values: npt.NDArray[np.float32]) -> list[str]:
    """The shortest decimals that give these float32 back, in words that all readers know."""
    texts: list[str] = values.astype(str).tolist()
    if not np.isfinite(values).all():
        words = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
        texts = [words.get(text, text) for text in texts]
    return texts
