"""The fit as the powerlaw package makes it (Alstott, Bullmore and Plenz 2014), to see what differs.

Its continuous law, the default, takes degrees for real numbers. Its exponents are sought in [0, 3]
unless it is told otherwise, and its tails go down to two degrees: here the exponents may go as far
as those of `fit`, the rest is left as it is.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
import numpy.typing as npt

from topolab.metrics.powerlaw.kernels import ALPHA_HIGH
from topolab.metrics.powerlaw.law import PowerLawFit, checked

__all__ = ["fit_by_package"]


def fit_by_package(
    degrees: npt.ArrayLike,
    x_min: int | None = None,
    x_max: int | None = None,
    *,
    discrete: bool = True,
) -> PowerLawFit:
    """Fit a power law with the powerlaw package.

    Parameters
    ----------
    degrees : array_like of int, shape (n,)
    x_min, x_max : int, optional
        As of `fit`.
    discrete : bool
        Whether degrees are whole numbers to it. Without, the exponent is
        1 + n_tail / sum ln(k / x_min), or of highest likelihood where `x_max` is given.

    Returns
    -------
    PowerLawFit
        Its sigma is the package's own, its distance where the package measures it; NaN and a
        reason where there is nothing to fit.

    Raises
    ------
    AnalysisError
        For degrees or bounds that `fit` refuses.

    Examples
    --------
    >>> data = np.random.default_rng(0).zipf(2.5, 3000)
    >>> [round(fit_by_package(data, 1, discrete=d).alpha, 1) for d in (True, False)]
    [2.5, 4.4]
    """
    import powerlaw

    values = checked(degrees, x_min, x_max, "support")
    if x_max is not None:
        values = values[values <= x_max]
    positive = values[values > 0]
    least = x_min or 1
    tail = positive[positive >= least]
    if len(np.unique(tail)) < 2:
        return _none(values, x_min, x_max, f"fewer than two distinct degrees from {least} on")
    with warnings.catch_warnings():  # its advice about limits and whole numbers
        warnings.simplefilter("ignore")
        try:
            made = powerlaw.Fit(
                positive, discrete=discrete, xmin=x_min, xmax=x_max, estimate_discrete=False,
                parameter_ranges={"alpha": [1 + 1e-3, ALPHA_HIGH]}, verbose=0,
            )  # fmt: skip
            law = made.power_law
            alpha, distance = float(law.alpha), float(law.D)
        except ValueError:  # of few degrees, at a candidate for x_min above all of them
            return _none(values, x_min, x_max, "the powerlaw package finds no exponent")
        if not math.isfinite(alpha) or not math.isfinite(distance):
            return _none(values, x_min, x_max, "the powerlaw package finds no exponent")
        return PowerLawFit(
            alpha=alpha,
            sigma=(alpha - 1) / math.sqrt(made.n_tail),
            x_min=int(made.xmin),
            x_max=x_max,
            n=len(values),
            n_tail=int(made.n_tail),
            ks_distance=distance,
            ks="support",
            log_likelihood=float(np.sum(law.loglikelihoods(made.data))),
            searched=x_min is None,
            least_tail=2,
        )


def _none(
    values: npt.NDArray[np.int64], x_min: int | None, x_max: int | None, reason: str
) -> PowerLawFit:
    nan, held = math.nan, int((values >= (x_min or 1)).sum())
    return PowerLawFit(
        nan, nan, x_min or 0, x_max, len(values), held, nan, "support", nan, x_min is None,
        reason, 2,
    )  # fmt: skip
