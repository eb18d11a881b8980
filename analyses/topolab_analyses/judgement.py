"""How evidence about the neural selection hypothesis becomes words: the one place where it does.

Three claims are judged apart, for every layer of hidden neurons of every run: that the degrees
follow a power law, that attachment grows with degree, and that the poorly connected decay. p-values
are adjusted by Holm's method over the layers of one run, and never over runs: what else is compared
changes no word. Several seeds are pooled into one row of evidence, to which the same rules apply.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from topolab.metrics.multiple_tests import holm
from topolab_analyses.claims import attachment, decay, power_law
from topolab_analyses.claims.limits import (
    DOES_NOT_APPLY,
    NOT_SUPPORTED,
    SUPPORTED,
    UNDECIDED,
    WORDS,
)

__all__ = ["CLAIMS", "judge", "pool", "sentence", "tally"]

#: By the column of the word.
CLAIMS = {"power_law": power_law, "attachment": attachment, "decay": decay}
_SUBJECT = {"power_law": "the power law", "attachment": "attachment", "decay": "decay"}


def judge(evidence: pd.DataFrame, family: str | None = None) -> pd.DataFrame:
    """Words for rows of evidence, and the sentences behind them.

    Parameters
    ----------
    evidence : DataFrame
        A row per layer with the columns of the ``selection`` table other than words, sentences and
        adjusted p-values.
    family : str, optional
        The column whose equal values mark the layers that are judged together, such as ``run``;
        all rows without it.

    Returns
    -------
    DataFrame
        With the adjusted p-values (``_holm``), the words ``power_law``, ``attachment``, ``decay``
        and ``verdict``, and the sentences ``why`` and ``why_...`` of each claim.
    """
    out = evidence.copy()
    keys = out[family].to_numpy() if family else np.zeros(len(out))
    for claim in CLAIMS.values():
        for column in claim.P_VALUES:
            adjusted = np.full(len(out), np.nan)
            for key in pd.unique(keys):
                adjusted[keys == key] = holm(out[column].to_numpy(dtype=np.float64)[keys == key])
            out[f"{column}_holm"] = adjusted
    rows: list[dict[str, Any]] = [dict(row) for _, row in out.iterrows()]
    for row in rows:
        for name, claim in CLAIMS.items():
            row[name], row[f"why_{name}"] = claim.word(row), claim.why(row)
        row["verdict"] = _verdict(row)
        row["why"] = _why(row)
    for column in (*CLAIMS, *(f"why_{name}" for name in CLAIMS), "verdict", "why"):
        out[column] = [row[column] for row in rows]
    return out


def pool(judged: pd.DataFrame) -> pd.DataFrame:
    """One row for each group and layer: the evidence of its seeds together, judged anew.

    Parameters
    ----------
    judged : DataFrame
        Rows of `judge` with the columns ``group``, ``run`` and ``layer``.

    Returns
    -------
    DataFrame
        The same columns, with ``runs`` and ``tally`` (how often each verdict was given).
    """
    rows = []
    for (group, layer), part in judged.groupby(["group", "layer"], sort=False):
        row: dict[str, Any] = {"group": group, "layer": layer, "runs": len(part)}
        if len(part) == 1:
            row |= {str(k): v for k, v in part.iloc[0].items()}  # one run says what it says alone
        else:
            row |= {"updates": int(part["updates"].median())}
            for claim in CLAIMS.values():
                row |= claim.pool(part)
        row["tally"] = tally(part["verdict"])
        rows.append(row)
    if not rows:
        return pd.DataFrame(columns=["group", "layer", "runs", "tally", "verdict", "why"])
    return judge(pd.DataFrame(rows), family="group")


def tally(words: pd.Series) -> str:
    """How often each word was given.

    Examples
    --------
    >>> tally(pd.Series(["undecided", "supported", "undecided"]))
    'supported 1, undecided 2'
    """
    counts = words.value_counts()
    return ", ".join(f"{word} {counts[word]}" for word in WORDS if word in counts)


def sentence(pooled: pd.DataFrame) -> str:
    """What pooled rows say, in one sentence.

    Examples
    --------
    >>> sentence(pd.DataFrame({"group": ["set", "set", "rigl"], "layer": ["fc1", "fc2", "fc1"],
    ...                        "verdict": ["not supported", "not supported", "undecided"]}))[32:]
    'is not supported in set (fc1, fc2) and is undecided in rigl (fc1).'
    """
    said = {}
    for word in WORDS:
        of_word = pooled[pooled["verdict"] == word]
        if len(of_word):
            said[word] = _listed(
                f"{group} ({', '.join(part['layer'])})"
                for group, part in of_word.groupby("group", sort=False)
            )
    if not said:
        return "The neural selection hypothesis was judged in no layer."
    parts = [f"is {word} in {where}" for word, where in said.items() if word != DOES_NOT_APPLY]
    if DOES_NOT_APPLY in said:
        parts.append(f"does not apply to {said[DOES_NOT_APPLY]}")
    return f"The neural selection hypothesis {_listed(parts)}."


def _listed(parts: Iterable[str]) -> str:
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def _verdict(row: Mapping[str, Any]) -> str:
    words = [row[name] for name in CLAIMS]
    if DOES_NOT_APPLY in words:
        return DOES_NOT_APPLY
    if NOT_SUPPORTED in words:
        return NOT_SUPPORTED
    return SUPPORTED if words == [SUPPORTED] * 3 else UNDECIDED


def _why(row: Mapping[str, Any]) -> str:
    """Which claims carry the verdict, with their sentences."""
    verdict = row["verdict"]
    if verdict in (NOT_SUPPORTED, DOES_NOT_APPLY):
        chosen = [name for name in CLAIMS if row[name] == verdict]
    else:
        chosen = [name for name in CLAIMS if verdict == SUPPORTED or row[name] != SUPPORTED]
    listed = _listed(_SUBJECT[name] for name in chosen)
    verb = "are" if len(chosen) > 1 else "is"
    start = {
        SUPPORTED: "All three claims are supported",
        NOT_SUPPORTED: f"The hypothesis fails, since {listed} {verb} not supported",
        DOES_NOT_APPLY: "The hypothesis does not apply",
        UNDECIDED: f"No claim fails, but {listed} {verb} not established",
    }[verdict]
    return f"{start}. {' '.join(row[f'why_{name}'] for name in chosen)}"
