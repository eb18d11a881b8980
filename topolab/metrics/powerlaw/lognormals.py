"""Can a power law be told from every lognormal that is not too wide?"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy.typing as npt
from scipy.special import ndtr

from topolab.errors import AnalysisError
from topolab.metrics.powerlaw.law import PowerLawFit
from topolab.metrics.powerlaw.rivals import RIVALS, RivalTest, tail_of
from topolab.metrics.powerlaw.rivals.comparison import maximum

__all__ = ["against_lognormals"]


def against_lognormals(degrees: npt.ArrayLike, law: PowerLawFit, sigma: float = 2.0) -> RivalTest:
    """Hold a power law against the best of all lognormals up to a width, on the same tail.

    The lognormal of unbounded width contains the power law as a limit, so that no data can beat
    it. A bounded one can be beaten: the hypothesis is that the data are from a lognormal of at most
    this sigma, and the p-value is that of the likelihood ratio, one-sided.

    Parameters
    ----------
    degrees : array_like of int, shape (n,)
        The data that `law` was fitted to.
    law : PowerLawFit
    sigma : float
        The widest lognormal, in natural logarithms. Between degrees a and b the local exponent of a
        lognormal changes by ln(b / a) / sigma^2.

    Returns
    -------
    RivalTest
        `ratio` is above 0 where the power law is better, `normalised` the signed root of twice the
        ratio, and `p_value` the chance of a root that high if such a lognormal is the truth. NaN
        with a reason where there is no law, or fewer than ten degrees in its tail.

    Raises
    ------
    AnalysisError
        For a sigma that is not above 0, or data that are not those of the fit.

    References
    ----------
    S. S. Wilks, Annals of Mathematical Statistics 9 (1938). On lognormals that look like power
    laws: M. Mitzenmacher, Internet Mathematics 1 (2004).

    Examples
    --------
    >>> import numpy as np
    >>> from topolab.metrics.powerlaw import fit
    >>> data = np.random.default_rng(0).zipf(2.2, 5000)
    >>> test = against_lognormals(data, fit(data, x_min=1))
    >>> test.ratio > 0, test.p_value < 0.001
    (True, True)
    """
    if not (math.isfinite(sigma) and sigma > 0):
        raise AnalysisError(f"sigma = {sigma} must be above 0")
    name, nan = f"lognormal up to {sigma:g}", math.nan
    if law.reason:
        return RivalTest(name, nan, nan, nan, {}, reason=law.reason)
    tail = tail_of(degrees, law)
    if tail.n < 10:
        reason = f"{tail.n:.0f} degrees in the tail are fewer than ten"
        return RivalTest(name, nan, nan, nan, {}, reason=reason)
    lognormal = RIVALS["lognormal"]
    first, (_, narrowest) = lognormal.bounds
    # The second parameter is the curvature of ln p over ln k, 1 / (2 sigma^2).
    bounded = replace(lognormal, bounds=(first, (1 / (2 * sigma**2), narrowest)))
    found = maximum(bounded, tail)
    if found is None:
        reason = "no lognormal has a finite likelihood on this tail"
        return RivalTest(name, nan, nan, nan, {}, reason=reason)
    theirs = float(lognormal.log_pmf(tail.k, found[None], tail.x_min, tail.x_max)[0] @ tail.weight)
    ratio = law.log_likelihood - theirs
    root = math.copysign(math.sqrt(2 * abs(ratio)), ratio)
    return RivalTest(
        name, ratio, root, float(ndtr(-root)), lognormal.names(found, tail.x_min),
        log_likelihood=theirs, log_likelihood_law=law.log_likelihood, n_tail=law.n_tail,
    )  # fmt: skip
