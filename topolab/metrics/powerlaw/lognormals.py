"""Can a power law be told from every lognormal that is not too wide?"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import ndtr

from topolab.errors import AnalysisError
from topolab.metrics.powerlaw.hurwitz import log_z_derivatives
from topolab.metrics.powerlaw.law import PowerLawFit, data_of
from topolab.metrics.powerlaw.rivals import RIVALS, RivalTest

__all__ = ["against_lognormals"]

FloatArray = npt.NDArray[np.float64]
# Within this many sigmas of the data's mean lies the mu of any lognormal that is near them.
_FAR = 60.0


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
    values = data_of(degrees, law)
    inside = values[values >= law.x_min]
    if len(inside) < 10:
        reason = f"{len(inside)} degrees in the tail are fewer than ten"
        return RivalTest(name, nan, nan, nan, {}, reason=reason)
    distinct, counts = np.unique(inside, return_counts=True)
    k, weight = distinct.astype(np.float64), counts.astype(np.float64)
    x_min, x_max = float(law.x_min), math.inf if law.x_max is None else float(law.x_max)
    log_pmf = RIVALS["lognormal"].log_pmf
    middle = float(weight @ np.log(k) / weight.sum())

    def best_mu(width: float) -> tuple[float, float]:
        def cost(mu: float) -> float:
            value = -float(weight @ log_pmf(k, np.array([mu, math.log(width)]), x_min, x_max))
            return value if math.isfinite(value) else 1e300

        # Wide ones peak far below the tail: at ln x_min - (alpha - 1) sigma^2 for this law.
        far = middle - max(law.alpha, 1.0) * 2 * width**2 - 2
        found = minimize_scalar(
            cost, bounds=(max(far, middle - _FAR * width), middle + 6 * width), method="bounded",
            options={"xatol": 1e-6},
        )  # fmt: skip
        return -float(found.fun), float(found.x)

    # The likelihood has one peak in sigma, or rises all the way to the power law.
    narrow = minimize_scalar(
        lambda s: -best_mu(math.exp(s))[0], bounds=(math.log(sigma) - 5, math.log(sigma)),
        method="bounded", options={"xatol": 1e-4},
    )  # fmt: skip
    at_limit = best_mu(sigma)
    width = sigma if at_limit[0] >= -float(narrow.fun) else math.exp(float(narrow.x))
    theirs, mu = best_mu(width)
    log_norm = float(log_z_derivatives(law.alpha, x_min, x_max)[0])
    ours = float(weight @ (-law.alpha * np.log(k / x_min) - log_norm))
    ratio = ours - theirs
    root = math.copysign(math.sqrt(2 * abs(ratio)), ratio)
    return RivalTest(name, ratio, root, float(ndtr(-root)), {"mu": mu, "sigma": width})
