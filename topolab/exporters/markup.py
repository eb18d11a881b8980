"""What the two formats made of XML share."""

from __future__ import annotations

import math
import re
from xml.sax.saxutils import escape, quoteattr

__all__ = ["attribute", "number", "text"]

#: Characters that XML 1.0 has no way to write.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def attribute(value: str) -> str:
    """A value with its quotes.

    Examples
    --------
    >>> attribute('a "run" & more')
    '\\'a "run" &amp; more\\''
    """
    return quoteattr(_FORBIDDEN.sub("?", value))


def text(value: str | int | float) -> str:
    """A value between tags."""
    return escape(_FORBIDDEN.sub("?", value)) if isinstance(value, str) else number(value)


def number(value: float) -> str:
    """A number in words that Java, C and Python all read."""
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
