"""A power law against its rivals, each an exact discrete distribution over the same tail.

A comparison is Vuong's: the log-likelihood ratio R, and whether its sign can be told from chance.
Above 0 it favours the power law. The truncated power law contains the power law, so that its R
is never positive. The power law is its rate = 0, at the rim of what the rate can be, so that -2 R
is 0 in half of all samples from a power law, else chi-squared with one degree of freedom.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import erfc, gammaincc

from topolab.errors import AnalysisError
from topolab.metrics.powerlaw.hurwitz import log_z_derivatives
from topolab.metrics.powerlaw.law import PowerLawFit, data_of
from topolab.metrics.powerlaw.rivals.base import FloatArray, Rival, Tail
from topolab.metrics.powerlaw.rivals.exponential import EXPONENTIAL, STRETCHED_EXPONENTIAL
from topolab.metrics.powerlaw.rivals.gamma import GAMMA
from topolab.metrics.powerlaw.rivals.negative_binomial import NEGATIVE_BINOMIAL
from topolab.metrics.powerlaw.rivals.normal import LOGNORMAL, NORMAL
from topolab.metrics.powerlaw.rivals.optimum import lowest
from topolab.metrics.powerlaw.rivals.truncated import TRUNCATED_POWER_LAW

__all__ = ["RIVALS", "RivalTest", "compare", "maximum", "tail_of"]

#: The distributions a power law is held against, by name.
RIVALS: dict[str, Rival] = {
    "lognormal": LOGNORMAL,
    "exponential": EXPONENTIAL,
    "stretched_exponential": STRETCHED_EXPONENTIAL,
    "truncated_power_law": TRUNCATED_POWER_LAW,
    "normal": NORMAL,
    "gamma": GAMMA,
    "negative_binomial": NEGATIVE_BINOMIAL,
}


@dataclass(frozen=True)
class RivalTest:
    """A power law against one rival.

    Attributes
    ----------
    rival : str
    ratio : float
        R, the sum over the tail of ln p_powerlaw(k) - ln p_rival(k): above 0 favours the power law.
    normalised : float
        R / (sqrt(n) s), s the standard deviation of the summands: Vuong's statistic.
    p_value : float
        Chance of a ratio this far from 0 if neither is nearer to the truth (Vuong); for the
        truncated power law, of one this low if the power law is the truth (nested, half the
        chi-squared probability since the rate cannot be below 0).
    parameters : dict of str to float
        Of the rival, by maximum likelihood.
    nested : bool
    reason : str
        Why there is none; empty where there is one.
    boundary : str
        The law that the rival has become, where its likelihood is highest at a rim of its
        parameters; empty inside. At a rim Vuong's test is not regular, and its p rough.
    log_likelihood, log_likelihood_law : float
        Of the tail, under the rival and under the power law.
    n_tail : int
        How many degrees that tail has.
    """

    rival: str
    ratio: float
    normalised: float
    p_value: float
    parameters: dict[str, float]
    nested: bool = False
    reason: str = ""
    boundary: str = ""
    log_likelihood: float = math.nan
    log_likelihood_law: float = math.nan
    n_tail: int = 0

    @property
    def favours(self) -> str:
        """``power law`` or the rival where the sign is significant at 0.05, else ``neither``."""
        if self.reason or not self.p_value < 0.05:
            return "neither"
        return "power law" if self.ratio > 0 else self.rival

    @property
    def aic(self) -> float:
        """Akaike's criterion of the rival, 2 p - 2 ln L for p parameters: the lower the better."""
        return 2 * len(self.parameters) - 2 * self.log_likelihood

    @property
    def bic(self) -> float:
        """Schwarz's criterion of the rival, p ln n_tail - 2 ln L."""
        return len(self.parameters) * self._log_n - 2 * self.log_likelihood

    @property
    def aic_law(self) -> float:
        """Akaike's criterion of the power law, whose one parameter is alpha."""
        return 2 - 2 * self.log_likelihood_law

    @property
    def bic_law(self) -> float:
        """Schwarz's criterion of the power law."""
        return self._log_n - 2 * self.log_likelihood_law

    @property
    def _log_n(self) -> float:
        return math.log(self.n_tail) if self.n_tail else math.nan


def tail_of(degrees: npt.ArrayLike, law: PowerLawFit) -> Tail:
    """The tail that a law was fitted to.

    Raises
    ------
    AnalysisError
        For data that are not those of the fit.
    """
    values = data_of(degrees, law)
    k, weight = np.unique(values[values >= law.x_min], return_counts=True)
    x_max = math.inf if law.x_max is None else float(law.x_max)
    return Tail(k.astype(np.float64), weight.astype(np.float64), float(law.x_min), x_max, law.alpha)


def compare(degrees: npt.ArrayLike, law: PowerLawFit, rival: str) -> RivalTest:
    """Hold a fitted power law against a rival on the same tail.

    Parameters
    ----------
    degrees : array_like of int, shape (n,)
        The data that `law` was fitted to.
    law : PowerLawFit
    rival : str
        One of `RIVALS`.

    Returns
    -------
    RivalTest
        With NaN and a reason where there is no law, or fewer than ten degrees in its tail.

    Raises
    ------
    AnalysisError
        For an unknown rival, or data that are not those of the fit.

    References
    ----------
    Q. H. Vuong, "Likelihood ratio tests for model selection and non-nested hypotheses",
    Econometrica 57 (1989); Clauset, Shalizi and Newman (2009), section 5; S. G. Self, K.-Y. Liang,
    "Asymptotic properties of maximum likelihood estimators and likelihood ratio tests under
    nonstandard conditions", Journal of the American Statistical Association 82 (1987), case 5.

    Examples
    --------
    >>> from topolab.metrics.powerlaw import fit
    >>> data = np.random.default_rng(0).zipf(2.2, 2000)
    >>> against = compare(data, fit(data, x_min=1), "exponential")
    >>> against.favours, against.p_value < 0.001
    ('power law', True)
    """
    if rival not in RIVALS:
        raise AnalysisError(f"rival {rival!r} is none of {', '.join(RIVALS)}")
    spec = RIVALS[rival]
    nan = math.nan

    def none(reason: str) -> RivalTest:
        return RivalTest(rival, nan, nan, nan, {}, spec.nested, reason)

    if law.reason:
        return none(law.reason)
    tail = tail_of(degrees, law)
    n = tail.n
    if n < 10:
        return none(f"{n:.0f} degrees in the tail are fewer than ten")
    found = maximum(spec, tail)
    word = rival.replace("_", " ")
    if found is None:
        return none(f"the {word} has no finite likelihood on this tail")
    rims = _rims(spec, tail, found)
    if "" in rims:
        return none(
            f"the likelihood of the {word} still rises at the edge of the parameters looked at"
        )
    theirs = spec.log_pmf(tail.k, found[None], tail.x_min, tail.x_max)[0]
    log_z = float(log_z_derivatives(law.alpha, tail.x_min, tail.x_max)[0])
    difference = -law.alpha * np.log(tail.k / tail.x_min) - log_z - theirs
    ratio = float(tail.weight @ difference)
    spread = math.sqrt(max(float(tail.weight @ (difference - ratio / n) ** 2) / n, 0.0))
    normalised = ratio / (math.sqrt(n) * spread) if spread > 0 else nan
    reason = ""
    if spec.nested:
        # It contains the power law: nearer to 0 than the optimiser is exact, it is the power law.
        ratio = ratio if ratio < -1e-6 else 0.0
        # chi-squared with 0 and with 1 degrees of freedom, half and half
        p_value = 0.5 * float(gammaincc(0.5, -ratio)) if ratio < 0 else 1.0
    else:
        p_value = float(erfc(abs(normalised) / math.sqrt(2))) if spread > 0 else nan
        reason = "" if spread > 0 else "the two laws are equal on this tail"
    return RivalTest(
        rival, ratio, normalised, p_value, spec.names(found, tail.x_min), spec.nested, reason,
        " and ".join(rims), float(tail.weight @ theirs), law.log_likelihood, law.n_tail,
    )  # fmt: skip


def maximum(spec: Rival, tail: Tail) -> FloatArray | None:
    """Parameters of the highest likelihood."""

    def cost(q: FloatArray) -> FloatArray:
        value = -(spec.log_pmf(tail.k, q, tail.x_min, tail.x_max) @ tail.weight) / tail.n
        return np.where(np.isfinite(value), value, np.inf)

    low, high = np.array(spec.bounds).T
    found = lowest(cost, np.array(spec.starts(tail)), low, high, np.array(spec.scales(tail)))
    return None if found is None else found[0]


def _rims(spec: Rival, tail: Tail, q: FloatArray) -> list[str]:
    """The laws whose parameters these are, one for each parameter at a bound."""
    return [
        name
        for value, scale, bounds, names in zip(
            q, spec.scales(tail), spec.bounds, spec.rims, strict=True
        )
        for bound, name in zip(bounds, names, strict=True)
        if abs(value - bound) <= 1e-3 * scale
    ]
