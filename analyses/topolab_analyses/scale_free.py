"""Broido and Clauset's categories: how scale free a set of degree sequences is.

A category is said of many degree sequences, of which some share has to pass each test. Here they
are those of a run, its hidden layers and the three ends of their edges at every step that has
rivals, and those of several runs together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from topolab.hooks import LAYER
from topolab.tables import Column

__all__ = [
    "CATEGORIES",
    "SCALE_FREE",
    "SCALE_FREE_POOLED",
    "category",
    "pool_counts",
    "scale_free_rows",
    "scale_free_statements",
]

#: The rivals that they test, and the p up to which one is favoured.
RIVALS = ("exponential", "lognormal", "stretched_exponential", "truncated_power_law")
FAVOURED, REJECTED, LONG = 0.1, 0.1, 50
#: From the weakest evidence to the strongest.
CATEGORIES = ("Not scale free", "Super-Weak", "Weakest", "Weak", "Strong", "Strongest")

_COUNTS = (
    Column("graphs", int, "1", "Degree sequences with a fit: steps with rivals, layers, ends."),
    Column("unfitted", int, "1", "Degree sequences without one, which are left out."),
    Column("unbeaten", int, "1", "Those against which no rival is favoured at 0.1."),
    Column("plausible", int, "1", "Those whose p is above 0.1."),
    Column("long_tail", int, "1", "Of these, those with a tail of at least 50 neurons."),
    Column("steep", int, "1", "Of these, those with an exponent between 2 and 3."),
    Column("strong", int, "1", "Of these, those that are unbeaten too."),
)
_WORD = Column("scale_free", str, "1", "Broido and Clauset's category; empty with a reason.")
SCALE_FREE = (
    LAYER,
    *_COUNTS,
    _WORD,
    Column("reason", str, "1", "Why there is no category; empty where there is one."),
)
SCALE_FREE_POOLED = (
    Column("group", str, "1", "The settings that the runs share."),
    LAYER,
    Column("runs", int, "1", "Runs whose degree sequences are counted together."),
    *_COUNTS,
    _WORD,
    Column("tally", str, "1", "How many runs have each category by themselves."),
)


def category(counts: Mapping[str, int]) -> str:
    """The strongest category that a set of degree sequences reaches.

    Super-Weak: no rival is favoured in at least half of them. Weakest: a power law is plausible in
    at least half. Weak: in half with a tail of 50. Strong: half have all that, an exponent
    between 2 and 3, and no rival favoured. Strongest: nine of ten have the exponent and the tail,
    and no rival is favoured in 95 of 100.

    Parameters
    ----------
    counts : mapping
        The counts of `SCALE_FREE`, by name.

    Examples
    --------
    >>> passed = {"unbeaten": 1, "plausible": 3, "long_tail": 2, "steep": 0, "strong": 0}
    >>> category({"graphs": 4, **passed})
    'Weak'
    """
    n = counts["graphs"]
    if not n:
        return ""
    share = {name: counts[name] / n for name in counts}
    if share["steep"] >= 0.9 and share["unbeaten"] >= 0.95:
        return "Strongest"
    for name, word in (
        ("strong", "Strong"), ("long_tail", "Weak"), ("plausible", "Weakest"),
        ("unbeaten", "Super-Weak"),
    ):  # fmt: skip
        if share[name] >= 0.5:
            return word
    return "Not scale free"


def scale_free_rows(fits: pd.DataFrame, rivals: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The category of every hidden layer, and of all (``hidden``), each sequence for itself.

    Parameters
    ----------
    fits, rivals : DataFrame
        The tables ``powerlaw`` and ``powerlaw_rivals`` of a run, whose pooled rows are not used.
    """
    keys = ["step", "layer", "end"]
    fits = fits[(fits["variant"] == "searched") & (fits["layer"] != "hidden")]
    rivals = rivals[(rivals["variant"] == "searched") & rivals["rival"].isin(RIVALS)]
    lost = rivals[(rivals["ratio"] < 0) & (rivals["p_value"] <= FAVOURED)]
    compared = set(map(tuple, rivals[keys].to_numpy()))
    beaten = set(map(tuple, lost[keys].to_numpy()))
    where = list(map(tuple, fits[keys].to_numpy()))
    fits = fits.assign(unbeaten=np.array([key not in beaten for key in where], dtype=bool))
    chosen = fits[np.array([key in compared for key in where], dtype=bool)]
    for layer in (*dict.fromkeys(fits["layer"]), "hidden"):
        of = chosen if layer == "hidden" else chosen[chosen["layer"] == layer]
        counts = _count(of)
        reason = ""
        if not len(of):
            reason = "no rivals were asked for"
        elif not counts["graphs"]:
            reason = "no degree sequence has a fit"
        elif of["p_value"].isna().all():
            reason = "no goodness of fit was asked for"
        word = "" if reason else category(counts)
        yield {"layer": layer, **counts, "scale_free": word, "reason": reason}


def _count(fits: pd.DataFrame) -> dict[str, int]:
    known = fits[np.isfinite(fits["alpha"])]
    plausible = known["p_value"] > REJECTED
    long = plausible & (known["n_tail"] >= LONG)
    steep = long & (known["alpha"] > 2) & (known["alpha"] < 3)
    found = {
        "unbeaten": known["unbeaten"],
        "plausible": plausible,
        "long_tail": long,
        "steep": steep,
        "strong": steep & known["unbeaten"],
    }
    counts = {"graphs": len(known), "unfitted": len(fits) - len(known)}
    return {**counts, **{name: int(passed.sum()) for name, passed in found.items()}}


def pool_counts(across: pd.DataFrame) -> pd.DataFrame:
    """One category for each group and layer, from the degree sequences of all its runs."""
    rows = []
    for (group, layer), part in across.groupby(["group", "layer"], sort=False):
        counts = {column.name: int(part[column.name].sum()) for column in _COUNTS}
        known = part[part["scale_free"] != ""]
        rows.append(
            {
                "group": group,
                "layer": layer,
                "runs": len(part),
                **counts,
                "scale_free": category(counts) if len(known) else "",
                "tally": _tally(known["scale_free"]),
            }
        )
    return pd.DataFrame(rows, columns=[column.name for column in SCALE_FREE_POOLED])


def _tally(words: Iterable[str]) -> str:
    found = list(words)
    return ", ".join(f"{found.count(word)} {word}" for word in CATEGORIES if word in found)


def scale_free_statements(table: pd.DataFrame) -> Iterator[str]:
    """A sentence for the hidden layers of each row of a table with categories."""
    for _, row in table[table["layer"] == "hidden"].iterrows():
        if not row["scale_free"]:
            continue
        whose = "the hidden layers"
        if "runs" in row:
            runs = f" in {row['runs']} runs" if row["runs"] > 1 else ""
            whose = f"the hidden layers of {row['group']}{runs}"
        yield (
            f"By Broido and Clauset's scale {whose} are {row['scale_free']}: of {row['graphs']} "
            f"degree sequences a power law is plausible in {row['plausible']} "
            f"({row['long_tail']} with 50 neurons or more in the tail, {row['steep']} also with an "
            f"exponent between 2 and 3), and no rival is favoured in {row['unbeaten']}."
        )
