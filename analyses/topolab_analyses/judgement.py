"""How evidence about the neural selection hypothesis becomes words.

Three claims are judged apart, for every layer of hidden neurons of every run: that the degrees
follow a power law, that attachment grows with degree, and that the poorly connected decay. Each
word follows from numbers that stand beside it, corrected by Holm's method over all rows that are
judged together.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from topolab.metrics.multiple_tests import holm

__all__ = ["ALPHA", "CSN", "LEAST_TAIL", "PAPER", "WORDS", "holm", "judge", "sentence"]

#: CSN reject a power law where p <= 0.1; NSH where p < 0.95. Tests of significance are at 0.05.
CSN, PAPER, ALPHA = 0.1, 0.95, 0.05
#: With fewer degrees in the tail hardly any law can be rejected, so nothing is said (CSN's n > 50).
LEAST_TAIL = 50
#: With fewer updates, or fewer poor neurons, nothing is said of decay.
LEAST_UPDATES, LEAST_POOR = 5, 20
SUPPORTED, AGAINST, UNDECIDED = WORDS = ("supported", "not supported", "undecided")


def judge(evidence: pd.DataFrame) -> pd.DataFrame:
    """Words for rows of evidence that are judged together.

    Parameters
    ----------
    evidence : DataFrame
        A row per run and layer with the columns of the ``selection`` table other than words and
        adjusted p-values.

    Returns
    -------
    DataFrame
        With ``p_law_holm``, ``p_rival_holm``, ``p_thin_holm``, ``p_gain_holm``, ``p_drift_holm``,
        ``p_decay_holm`` and the words ``power_law``, ``attachment``, ``decay`` and ``verdict``.

    Examples
    --------
    Ordinary attachment, a law that is plausible and beats its rivals, but nothing decays:

    >>> row = dict(n_tail=400, p_law=0.4, p_rival=0.3, p_thin=1e-9, p_gain=1e-6, gain_low=0.5,
    ...            gain_high=0.9, p_decay=0.7, p_drift=0.9, drift=0.1, drift_error=0.01, dormant=0,
    ...            poor=100, updates=50)
    >>> judge(pd.DataFrame([row]))[["power_law", "attachment", "decay", "verdict"]].iloc[0].tolist()
    ['supported', 'supported', 'not supported', 'not supported']
    """
    out = evidence.copy()
    for column in ("p_law", "p_rival", "p_thin", "p_gain", "p_drift", "p_decay"):
        out[f"{column}_holm"] = holm(out[column].to_numpy(dtype=np.float64))
    out["power_law"] = [_power_law(row) for _, row in out.iterrows()]
    out["attachment"] = [_attachment(row) for _, row in out.iterrows()]
    out["decay"] = [_decay(row) for _, row in out.iterrows()]
    out["verdict"] = [
        _verdict(row["power_law"], row["attachment"], row["decay"]) for _, row in out.iterrows()
    ]
    return out


def _power_law(row: pd.Series) -> str:
    """Plausible, not beaten by a rival, and better than a thin tail."""
    if not math.isfinite(row["p_law"]):
        return UNDECIDED
    if row["p_law_holm"] <= CSN or row["p_rival_holm"] < ALPHA:
        return AGAINST
    if row["p_law"] <= CSN:  # rejected alone, not among so many
        return UNDECIDED
    if row["n_tail"] < LEAST_TAIL or not row["p_thin_holm"] < ALPHA:
        return UNDECIDED
    return SUPPORTED


def _attachment(row: pd.Series) -> str:
    """The gain kernel rises with degree beyond chance."""
    if not (math.isfinite(row["gain_low"]) and math.isfinite(row["p_gain"])):
        return UNDECIDED
    if row["gain_low"] > 0 and row["p_gain_holm"] < ALPHA:
        return SUPPORTED
    # The interval says how steep it can be at most: a tenth of proportional growth is none.
    return AGAINST if row["gain_high"] < 0.1 else UNDECIDED


def _decay(row: pd.Series) -> str:
    """More of the poorly connected become dormant than by chance; or they lose no edges."""
    enough = row["updates"] >= LEAST_UPDATES and row["poor"] >= LEAST_POOR
    if not (enough and math.isfinite(row["drift"]) and math.isfinite(row["p_drift"])):
        return UNDECIDED
    if row["dormant"] > 0 and row["p_decay_holm"] < ALPHA and row["drift"] < 0:
        return SUPPORTED
    if row["p_drift_holm"] < ALPHA and row["drift"] <= 2 * row["drift_error"]:
        return UNDECIDED  # they lose, more than by chance, but are not dormant (yet)
    return AGAINST


def _verdict(power_law: str, attachment: str, decay: str) -> str:
    words = (power_law, attachment, decay)
    if AGAINST in words:
        return AGAINST
    return SUPPORTED if words == (SUPPORTED,) * 3 else UNDECIDED


def sentence(judged: pd.DataFrame) -> str:
    """What a judged table says, in one sentence.

    Examples
    --------
    >>> sentence(pd.DataFrame({"verdict": ["undecided", "not supported"]}))
    'Neural selection: supported in 0, not supported in 1, undecided in 1 of 2 layers.'
    """
    counts = judged["verdict"].value_counts()
    parts = ", ".join(f"{word} in {int(counts.get(word, 0))}" for word in WORDS)
    return f"Neural selection: {parts} of {len(judged)} layers."
