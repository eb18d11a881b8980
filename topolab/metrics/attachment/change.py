"""Does the exponent of a kernel change in the course of a run?"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.special import fdtrc

from topolab.metrics.attachment.counts import check_counts, number_updates
from topolab.metrics.attachment.draws import drawn_once, gather, maximise, null_information

__all__ = ["change_p"]


def change_p(
    events: npt.ArrayLike,
    places: npt.ArrayLike,
    *,
    update: npt.ArrayLike | None = None,
    windows: int = 4,
) -> float:
    """p-value of one exponent for all parts of a run: small where it changes from part to part.

    Wald's test of the windows' exponents against the common one. Each is a Newton step away from
    that, weighted by its information; the scatter of single updates within the windows is the
    measure of theirs, so that the statistic is F distributed: an analysis of variance.

    Parameters
    ----------
    events, places, update
        As for `fit_slope`.
    windows : int
        Parts, with equal numbers of updates.

    Returns
    -------
    float
        NaN if there are fewer than two windows, two updates a window, or no exponent.

    Examples
    --------
    >>> places = np.array([[0, 2000.0, 2000, 2000]] * 12)
    >>> draw = np.random.default_rng(0).binomial
    >>> steady = draw(places.astype(int), 1 - np.exp(-0.1 * np.arange(4)))
    >>> power = np.repeat([0.5, 1.5], 6)[:, None]
    >>> rising = draw(places.astype(int), 1 - np.exp(-0.1 * np.arange(4) ** power))
    >>> change_p(steady, places, windows=2) > 0.05, change_p(rising, places, windows=2) < 0.001
    (True, True)
    """
    e, p = check_counts(events, places)
    draws = gather(e, p, number_updates(update, len(e)), full=True)
    if draws.events.sum() < 10 or not null_information(draws, once=True) > 1e-9:
        return math.nan
    found = maximise(draws, drawn_once)
    told = found.information > 0
    score, information = found.score[told], found.information[told]
    within = len(score) - windows
    if not math.isfinite(found.gamma) or windows < 2 or len(score) < 2 * windows:
        return math.nan
    part = np.repeat(np.arange(windows), [len(a) for a in np.array_split(score, windows)])
    shift = np.bincount(part, score) / np.bincount(part, information)
    common = score.sum() / information.sum()
    between = float((np.bincount(part, information) * (shift - common) ** 2).sum())
    scatter = float(((score - information * shift[part]) ** 2 / information).sum())
    if not scatter > 0:
        return math.nan
    return float(fdtrc(windows - 1, within, (between / (windows - 1)) / (scatter / within)))
