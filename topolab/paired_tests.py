"""Means over seeds, and tests paired by seed: the statistics of a comparison."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from topolab.metrics.multiple_tests import holm
from topolab.tables import Column, check

__all__ = ["GROUPS", "PAIRS", "group_means", "paired_tests", "signed_rank_test"]

GROUPS = (
    Column("measure", str, "1", "As in the values."),
    Column("group", str, "1", "The settings its runs have in common."),
    Column("n", int, "runs", "Runs with a value."),
    Column("mean", float, "of the measure", "Over these runs."),
    Column("std", float, "of the measure", "Sample standard deviation."),
    Column("low", float, "of the measure", "Lower end of Student's 95 % interval of the mean."),
    Column("high", float, "of the measure", "Upper end."),
    Column("reason", str, "1", "Why there is no interval; empty where there is one."),
)
PAIRS = (
    Column("measure", str, "1", "As in the values."),
    Column("a", str, "1", "One group."),
    Column("b", str, "1", "The other."),
    Column("n", int, "seeds", "Seeds with a value in both."),
    Column("difference", float, "of the measure", "Mean over seeds of a - b."),
    Column("cohen_d", float, "1", "That over the standard deviation of the differences."),
    Column("p_value", float, "1", "Wilcoxon's signed-rank test, two-sided, exact where it can be."),
    Column("p_holm", float, "1", "Adjusted over all pairs of groups of the same measure."),
    Column("p_least", float, "1", "The smallest p-value that so many seeds can give."),
    Column("reason", str, "1", "Why there is no test; empty where there is one."),
)


def group_means(values: pd.DataFrame) -> pd.DataFrame:
    """Mean, standard deviation and Student's 95 % interval of every measure in every group.

    Parameters
    ----------
    values : DataFrame
        With the columns ``measure``, ``group``, ``value``.

    Returns
    -------
    DataFrame
        Columns as of `GROUPS`.
    """
    from scipy.stats import t as student

    records = []
    for (measure, group), part in values.groupby(["measure", "group"], sort=False):
        known = part["value"].to_numpy()
        known = known[np.isfinite(known)]
        n = len(known)
        mean = float(known.mean()) if n else math.nan
        std = float(known.std(ddof=1)) if n > 1 else math.nan
        half = float(student.ppf(0.975, n - 1)) * std / math.sqrt(n) if n > 1 else math.nan
        reason = "" if n > 1 else "no run has a value" if not n else "a single run"
        records.append(
            {
                "measure": measure,
                "group": group,
                "n": n,
                "mean": mean,
                "std": std,
                "low": mean - half,
                "high": mean + half,
                "reason": reason,
            }
        )
    return check(pd.DataFrame(records, columns=[c.name for c in GROUPS]), GROUPS, name="groups")


def paired_tests(values: pd.DataFrame) -> pd.DataFrame:
    """Wilcoxon's signed-rank test of every measure between every two groups, paired by seed.

    Parameters
    ----------
    values : DataFrame
        With the columns ``measure``, ``group``, ``seed``, ``value``.

    Returns
    -------
    DataFrame
        Columns as of `PAIRS`; p-values adjusted by Holm's method over the pairs of a measure.
    """
    records: list[dict[str, Any]] = []
    groups = list(dict.fromkeys(values["group"]))
    for measure, part in values.groupby("measure", sort=False):
        wide = part.pivot(index="seed", columns="group", values="value")
        of_measure = [
            {"measure": measure, "a": a, "b": b, **signed_rank_test(wide, a, b)}
            for a, b in combinations([g for g in groups if g in wide], 2)
        ]
        adjusted = holm([row["p_value"] for row in of_measure])
        for row, q in zip(of_measure, adjusted, strict=True):
            records.append({**row, "p_holm": q})
    return check(pd.DataFrame(records, columns=[c.name for c in PAIRS]), PAIRS, name="pairs")


def signed_rank_test(wide: pd.DataFrame, a: str, b: str) -> dict[str, Any]:
    """The test of one measure between two groups.

    Parameters
    ----------
    wide : DataFrame
        A row per seed, a column per group.
    a, b : str
        The columns that are compared.

    Returns
    -------
    dict
        What `PAIRS` names, but for ``measure``, ``a``, ``b`` and ``p_holm``.
    """
    from scipy.stats import PermutationMethod, wilcoxon

    nan = math.nan
    difference = (wide[a] - wide[b]).to_numpy(dtype=np.float64)
    difference = difference[np.isfinite(difference)]
    n = len(difference)
    out: dict[str, Any] = {
        "n": n,
        "difference": float(difference.mean()) if n else nan,
        "cohen_d": nan,
        "p_value": nan,
        "p_least": 2.0 ** (1 - n) if n else nan,
        "reason": "",
    }
    if n < 2:
        return {**out, "reason": f"{n} seeds with a value in both groups"}
    if not np.abs(difference).max() > 0:
        return {**out, "reason": "no difference with any seed"}
    spread = float(difference.std(ddof=1))
    if spread > 1e-12 * abs(out["difference"]):
        out["cohen_d"] = out["difference"] / spread
    # Differences that are equal but for rounding are ties, and ties change the distribution: with
    # few seeds all signs are gone through.
    level = np.round(difference / np.abs(difference).max(), 9)
    method: Any = "approx"
    if n <= 13:
        method = PermutationMethod(n_resamples=2**14)
    elif n <= 50 and len(np.unique(np.abs(level))) == n and (level != 0).all():
        method = "exact"
    out["p_value"] = float(wilcoxon(level, method=method).pvalue)
    return out
