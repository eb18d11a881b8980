"""The rivals of a power law, each an exact discrete distribution over the same tail.

A comparison is Vuong's: the log-likelihood ratio R, and whether its sign can be told from chance.
Above 0 it favours the power law. The truncated power law contains the power law, so that its R
is never positive and is judged as twice its size against chi-squared with one degree of freedom.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import erfc, gammaincc, log_ndtr

from topolab.errors import AnalysisError
from topolab.metrics.powerlaw.law import PowerLawFit, data_of

__all__ = ["RIVALS", "RivalTest", "compare"]

FloatArray = npt.NDArray[np.float64]
# ln of a pmf at the given degrees, for parameters, x_min and x_max.
LogPmf = Callable[[FloatArray, FloatArray, float, float], FloatArray]


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
        truncated power law, of one this low if the power law is the truth (nested).
    parameters : dict of str to float
        Of the rival, by maximum likelihood.
    nested : bool
    reason : str
        Why there is none; empty where there is one.
    """

    rival: str
    ratio: float
    normalised: float
    p_value: float
    parameters: dict[str, float]
    nested: bool = False
    reason: str = ""

    @property
    def favours(self) -> str:
        """``power law`` or the rival where the sign is significant at 0.05, else ``neither``."""
        if self.reason or not self.p_value < 0.05:
            return "neither"
        return "power law" if self.ratio > 0 else self.rival


def _log_difference(high: FloatArray, low: FloatArray) -> FloatArray:
    """ln(e^high - e^low), high >= low."""
    with np.errstate(divide="ignore", invalid="ignore"):
        # expm1, not exp: two survivals that are nearly equal must not cancel
        out = high + np.log(-np.expm1(np.minimum(low - high, 0.0)))
    return np.asarray(np.where(np.isneginf(high), -np.inf, out))


def _interval(log_survival: Callable[[FloatArray], FloatArray], k: FloatArray,
              x_min: float, x_max: float) -> FloatArray:  # fmt: skip
    """ln of P(K = k) where P(K >= k) is given, restricted to x_min ... x_max."""
    top = log_survival(np.array([x_min]))
    if math.isfinite(x_max):
        top = _log_difference(top, log_survival(np.array([x_max + 1.0])))
    if not np.isfinite(top).all():
        return np.full(len(k), -np.inf)
    return np.asarray(_log_difference(log_survival(k), log_survival(k + 1.0)) - top)


def _lognormal(k: FloatArray, q: FloatArray, x_min: float, x_max: float) -> FloatArray:
    """A lognormal variable rounded to the nearest integer: P(K >= k) = P(X >= k - 1/2)."""
    mu, sigma = q[0], math.exp(q[1])
    return _interval(lambda v: log_ndtr((mu - np.log(v - 0.5)) / sigma), k, x_min, x_max)


def _exponential(k: FloatArray, q: FloatArray, x_min: float, x_max: float) -> FloatArray:
    rate = math.exp(q[0])
    return _interval(lambda v: -rate * (v - x_min), k, x_min, x_max)


def _stretched(k: FloatArray, q: FloatArray, x_min: float, x_max: float) -> FloatArray:
    """Discrete Weibull, P(K >= k) = exp(-(k / tau)^beta); q = (ln (x_min / tau)^beta, ln beta)."""
    beta = math.exp(q[1])
    with np.errstate(over="ignore"):
        return _interval(
            lambda v: -np.exp(np.minimum(q[0] + beta * np.log(v / x_min), 690.0)), k, x_min, x_max
        )


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(160)


def _truncated(k: FloatArray, q: FloatArray, x_min: float, x_max: float) -> FloatArray:
    """k^-alpha e^(-lambda k), lambda >= 0."""
    alpha, rate = q[0], max(q[1], 0.0)
    log_term = -alpha * np.log(k / x_min) - rate * (k - x_min)
    return np.asarray(log_term - _log_lerch(alpha, rate, x_min, x_max, float(k.max())))


def _log_lerch(alpha: float, rate: float, x_min: float, x_max: float, seen: float) -> float:
    """ln sum_{k = x_min}^{x_max} (k / x_min)^-alpha e^(-rate (k - x_min)).

    Term by term beyond the largest degree seen, as far as 2^14 terms go; the rest, where the terms
    only fall, by Euler-Maclaurin with the integral in u = ln k.
    """
    edge = min(x_min + max(256.0, min(2 * (seen - x_min), 2.0**14)), x_max + 1.0)

    def log_term(t: FloatArray) -> FloatArray:
        return np.asarray(-alpha * np.log(t / x_min) - rate * (t - x_min))

    first = log_term(np.arange(x_min, edge))
    peak = float(first.max())
    total = float(np.exp(first - peak).sum())
    if edge > x_max:
        return peak + math.log(total)
    # Beyond `far` either factor has fallen below rounding.
    far = math.inf if rate <= 0 else edge + (60.0 + max(-alpha, 0.0)) / rate
    if alpha > 1:
        far = min(far, edge * math.exp(min(60.0 / (alpha - 1.0), 690.0)))
    far = min(far, x_max + 1.0)
    if not math.isfinite(far):
        return math.inf  # no law
    u = math.log(edge) + math.log(far / edge) * (_NODES + 1) / 2
    t = np.exp(u)
    with np.errstate(over="ignore"):
        integrand = np.exp(log_term(t) - peak) * t
        ends = np.array([edge, far])
        at, before = np.exp(log_term(ends) - peak), -(alpha / ends + rate)
    total += float(math.log(far / edge) / 2 * (_WEIGHTS * integrand).sum())
    total += float(at[0] / 2 - before[0] * at[0] / 12)
    if far == x_max + 1.0:
        total -= float(at[1] / 2 - before[1] * at[1] / 12)
    return peak + math.log(total) if math.isfinite(total) and total > 0 else math.inf


def _starts_lognormal(logs: FloatArray, k: FloatArray, law: PowerLawFit) -> list[list[float]]:
    mean, sd = float(logs.mean()), max(float(logs.std()), 0.05)
    # The last ones are near a power law: a wide bell whose far side is seen.
    return [
        [mean, math.log(sd)],
        [mean - 2 * sd, math.log(1.5 * sd)],
        *(
            [math.log(law.x_min) - (max(law.alpha, 1.05) - 1) * s * s, math.log(s)]
            for s in (1.0, 3.0)
        ),
    ]


def _starts_exponential(logs: FloatArray, k: FloatArray, law: PowerLawFit) -> list[list[float]]:
    return [[math.log(math.log1p(1 / max(float(k.mean()) - law.x_min, 1e-9)))]]


def _starts_stretched(logs: FloatArray, k: FloatArray, law: PowerLawFit) -> list[list[float]]:
    mean = float(k.mean()) / law.x_min
    slope = max(law.alpha - 1.0, 0.05)
    # exp(-c ((k/x)^b - 1)) is (k/x)^-(c b) for small b: starts along that line, and the exponential
    spread = max(float(k.std()) / float(k.mean()), 1e-3)
    beta = min(spread**-1.086, 1000.0)  # of a Weibull of this spread
    log_tau = math.log(float(k.mean())) - math.lgamma(1 + 1 / beta)
    return [
        [-math.log(max(mean - 1, 1e-3)), 0.0],
        [beta * (math.log(law.x_min) - log_tau), math.log(beta)],
        *([math.log(slope / b), math.log(b)] for b in (0.5, 0.1, 0.02)),
    ]


def _starts_truncated(logs: FloatArray, k: FloatArray, law: PowerLawFit) -> list[list[float]]:
    rate = 1 / max(float(k.mean()), 1.0)
    gamma = float(k.mean()) / max(float(k.var()), 1e-6)  # the rate of a gamma law of these moments
    return [
        [law.alpha, 0.0],
        [max(law.alpha - 1, 0.5), 0.1 * rate],
        [0.5, rate],
        [1 - gamma * float(k.mean()), gamma],
    ]


@dataclass(frozen=True)
class _Rival:
    log_pmf: LogPmf
    starts: Callable[[FloatArray, FloatArray, PowerLawFit], list[list[float]]]
    bounds: tuple[tuple[float, float], ...]
    #: Per parameter, whether its lower and its upper bound stand for a limit that is a law itself.
    limits: tuple[tuple[bool, bool], ...]
    names: Callable[[FloatArray, float], dict[str, float]]
    nested: bool = False


#: The distributions a power law is held against, by name.
RIVALS: dict[str, _Rival] = {
    "lognormal": _Rival(
        _lognormal,
        _starts_lognormal,
        ((-1000.0, 60.0), (math.log(1e-3), math.log(40.0))),
        ((True, False), (False, True)),  # towards a power law
        lambda q, x: {"mu": float(q[0]), "sigma": math.exp(q[1])},
    ),
    "exponential": _Rival(
        _exponential,
        _starts_exponential,
        ((-40.0, 6.0),),
        ((True, False),),  # towards equal shares
        lambda q, x: {"rate": math.exp(q[0])},
    ),
    "stretched_exponential": _Rival(
        _stretched,
        _starts_stretched,
        ((-3000.0, 40.0), (math.log(1e-3), math.log(2000.0))),
        ((False, True), (True, False)),  # towards a power law
        lambda q, x: {"log_tau": math.log(x) - q[0] / math.exp(q[1]), "beta": math.exp(q[1])},
    ),
    "truncated_power_law": _Rival(
        _truncated,
        _starts_truncated,
        ((-5000.0, 40.0), (0.0, 50.0)),
        ((False, False), (True, False)),  # the power law
        lambda q, x: {"alpha": float(q[0]), "rate": float(q[1])},
        nested=True,
    ),
}


def compare(degrees: npt.ArrayLike, law: PowerLawFit, rival: str) -> RivalTest:
    """Hold a fitted power law against a rival on the same tail.

    Parameters
    ----------
    degrees : array_like of int, shape (n,)
        The data that `law` was fitted to.
    law : PowerLawFit
    rival : {"lognormal", "exponential", "stretched_exponential", "truncated_power_law"}

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
    Econometrica 57 (1989); Clauset, Shalizi and Newman (2009), section 5.

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
    values = data_of(degrees, law)
    x_max = math.inf if law.x_max is None else float(law.x_max)
    inside = values[values >= law.x_min]
    if len(inside) < 10:
        return none(f"{len(inside)} degrees in the tail are fewer than ten")
    distinct, counts = np.unique(inside, return_counts=True)
    k, weight = distinct.astype(np.float64), counts.astype(np.float64)
    n, x_min = float(weight.sum()), float(law.x_min)

    def cost(q: FloatArray) -> float:
        value = -float(weight @ spec.log_pmf(k, q, x_min, x_max)) / n
        return value if math.isfinite(value) else 1e10

    logs = np.repeat(np.log(k), counts)
    found = None
    for start in spec.starts(logs, np.repeat(k, counts), law):
        inside_bounds = [min(max(s, low), high) for s, (low, high) in zip(start, spec.bounds,
                         strict=True)]  # fmt: skip
        result = minimize(
            cost, inside_bounds, method="Nelder-Mead", bounds=spec.bounds,
            options={"xatol": 1e-7, "fatol": 1e-11, "maxiter": 2000, "maxfev": 4000},
        )  # fmt: skip
        if found is None or result.fun < found.fun:
            found = result
    if found is None or found.fun >= 1e10:
        return none(f"the {rival.replace('_', ' ')} has no finite likelihood on this tail")
    for value, (low, high), (low_is, high_is) in zip(
        found.x, spec.bounds, spec.limits, strict=True
    ):
        width = 1e-6 * (high - low)
        if (value < low + width and not low_is) or (value > high - width and not high_is):
            return none(
                f"the likelihood of the {rival.replace('_', ' ')} still rises at the edge of the "
                "parameters looked at"
            )
    theirs = spec.log_pmf(k, found.x, x_min, x_max)
    ours = -law.alpha * np.log(k / x_min) + _log_norm(law, x_min, x_max)
    difference = ours - theirs
    ratio = float(weight @ difference)
    spread = math.sqrt(max(float(weight @ (difference - ratio / n) ** 2) / n, 0.0))
    normalised = ratio / (math.sqrt(n) * spread) if spread > 0 else nan
    parameters = spec.names(found.x, x_min)
    if spec.nested:
        ratio = min(ratio, 0.0)  # it contains the power law: above 0 is the optimiser's rounding
        p_value = float(gammaincc(0.5, -ratio))
        return RivalTest(rival, ratio, normalised, p_value, parameters, nested=True)
    p_value = float(erfc(abs(normalised) / math.sqrt(2))) if spread > 0 else nan
    reason = "" if spread > 0 else "the two laws are equal on this tail"
    return RivalTest(rival, ratio, normalised, p_value, parameters, reason=reason)


def _log_norm(law: PowerLawFit, x_min: float, x_max: float) -> float:
    """-ln of the power law's normalisation, relative to x_min^-alpha."""
    from topolab.metrics.powerlaw.hurwitz import log_z_derivatives

    return -float(log_z_derivatives(law.alpha, x_min, x_max)[0])
