"""Discrete power laws: fit, goodness of fit, rivals.

p(k) = k^-alpha / Z(alpha), k = x_min, x_min + 1, ..., with the exact Hurwitz zeta function
Z(alpha) = zeta(alpha, x_min), less zeta(alpha, x_max + 1) where degrees are bounded by x_max.
"""

from topolab.metrics.powerlaw.hurwitz import log_hurwitz
from topolab.metrics.powerlaw.law import PowerLawFit, fit, ks_distance
from topolab.metrics.powerlaw.lognormals import against_lognormals
from topolab.metrics.powerlaw.package import fit_by_package
from topolab.metrics.powerlaw.resampling import (
    Bootstrap,
    GoodnessOfFit,
    bootstrap,
    goodness_of_fit,
    sample_tail,
)
from topolab.metrics.powerlaw.rivals import RIVALS, RivalTest, compare

__all__ = [
    "RIVALS",
    "Bootstrap",
    "GoodnessOfFit",
    "PowerLawFit",
    "RivalTest",
    "against_lognormals",
    "bootstrap",
    "compare",
    "fit",
    "fit_by_package",
    "goodness_of_fit",
    "ks_distance",
    "log_hurwitz",
    "sample_tail",
]
