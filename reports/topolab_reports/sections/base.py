"""What a section of the report is: a sentence, figures by name, and a small table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from topolab_reports.figures.base import RunFigure
from topolab_reports.report_data import ReportData

__all__ = [
    "Content",
    "Section",
    "join",
    "over_seeds",
    "p_value",
    "percent",
    "sentence",
    "sentences",
    "spread",
]


@dataclass(frozen=True)
class Content:
    """What a section says.

    Attributes
    ----------
    finding : str
        One sentence, or one for each group, made from the numbers.
    figures : sequence of str or RunFigure
        In order: names of registered figures, or figures of your own.
    facts : DataFrame or None
        A small table of strings, for what is better read than seen.
    notes : sequence of str
    facts_first : bool
        Show the table before the figures.
    """

    finding: str
    figures: Sequence[str | RunFigure] = ()
    facts: pd.DataFrame | None = None
    notes: Sequence[str] = ()
    facts_first: bool = False


class Section:
    """The base of every section.

    A subclass sets ``title``, ``order`` (where it stands; ours are 10, 20, ...), ``needs`` (the
    analyses whose tables it reads), ``figures`` (the names of those it shows; what they need is
    computed too) and implements `build`. With ``optional`` it is shown only where its analyses
    have been computed already, or if asked for.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    order: ClassVar[int] = 1000
    needs: ClassVar[tuple[str, ...]] = ()
    figures: ClassVar[tuple[str, ...]] = ()
    optional: ClassVar[bool] = False

    def build(self, data: ReportData) -> Content:
        """Say what is to be seen. An error here costs only this section."""
        raise NotImplementedError


def percent(share: float, digits: int = 1) -> str:
    """A share as text.

    Examples
    --------
    >>> percent(0.1234), percent(float("nan"))
    ('12.3 %', 'not defined')
    """
    return f"{100 * share:.{digits}f} %" if np.isfinite(share) else "not defined"


def join(parts: Iterable[str]) -> str:
    """Parts of a sentence, with commas and an "and".

    Examples
    --------
    >>> join(["a"]), join(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    items = list(parts)
    if len(items) < 2:
        return "".join(items)
    return ", ".join(items[:-1]) + " and " + items[-1]


def sentence(parts: Iterable[str]) -> str:
    """Clauses that begin with a word, not with a name, as one sentence.

    Examples
    --------
    >>> sentence(["in a it rose", "in b it fell"])
    'In a it rose and in b it fell.'
    """
    text = join(parts) + "."
    return text[:1].upper() + text[1:]


def sentences(clauses: Iterable[str]) -> str:
    """Clauses that begin with a word, each as a sentence of its own: where they are long.

    Examples
    --------
    >>> sentences(["in a it rose, by 3", "in b it fell"])
    'In a it rose, by 3. In b it fell.'
    """
    return " ".join(sentence([clause]) for clause in clauses)


def p_value(p: float) -> str:
    """A p-value in words.

    Examples
    --------
    >>> p_value(0.614), p_value(0.0004), p_value(0.996)
    ('p = 0.61', 'p < 0.01', 'p > 0.99')
    """
    if p < 0.01:
        return "p < 0.01"
    return f"p = {p:.2f}" if p <= 0.99 else "p > 0.99"


def spread(values: Iterable[float], digits: int = 2) -> str:
    """From the smallest to the largest of several values; those that are missing are left out.

    Examples
    --------
    >>> spread([2.5, 3.125]), spread([7, 7], 0), spread([float("nan")])
    ('2.50 to 3.12', '7', 'not defined')
    """
    known = [float(v) for v in values if np.isfinite(v)]
    if not known:
        return "not defined"
    low, high = f"{min(known):z.{digits}f}", f"{max(known):z.{digits}f}"
    return low if low == high else f"{low} to {high}"


def over_seeds(values: Sequence[float], digits: int = 2, *, shares: bool = False) -> str:
    """A value, or the mean and range of several.

    Examples
    --------
    >>> over_seeds([0.5]), over_seeds([0.4, 0.6]), over_seeds([0.5], 1, shares=True)
    ('0.50', '0.50 (0.40 to 0.60 over 2 seeds)', '50.0 %')
    """
    known = [float(v) for v in values if np.isfinite(v)]
    if not known:
        return "not defined"
    unit, scale = (" %", 100.0) if shares else ("", 1.0)
    mean = f"{scale * sum(known) / len(known):z.{digits}f}{unit}"
    if len(known) == 1:
        return mean
    low, high = (f"{scale * v:z.{digits}f}" for v in (min(known), max(known)))
    return f"{mean} ({low} to {high}{unit} over {len(known)} seeds)"
