"""The evidence about the power law that `selection` judges by."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtr

from topolab.metrics import powerlaw
from topolab_analyses.claims.limits import ALPHA, CSN, PAPER, STEEPEST, WIDEST_LOGNORMAL

__all__ = ["Degrees", "fit_row", "law_evidence", "onset_of_law", "rival_rows"]

IntArray = npt.NDArray[np.int64]
_NAN = math.nan


@dataclass(frozen=True)
class Degrees:
    """The degrees of a layer of neurons at one end, or at both, and the room of a neuron."""

    layer: str
    end: str
    values: IntArray
    capacity: int

    @property
    def x_max(self) -> int | None:
        """The bound of their law; none where it leaves no room for one."""
        return self.capacity if self.capacity > 1 else None


def fit_row(
    degrees: Degrees,
    x_min: int | None,
    *,
    replicates: int,
    seed: int,
    stop_at: tuple[float, ...] | None,
) -> tuple[powerlaw.PowerLawFit, dict[str, Any]]:
    """A bounded law, and its row of the table of fits."""
    bound = degrees.x_max
    if x_min is not None and bound is not None and bound <= x_min:
        bound = None  # no degree can reach x_min: the fit will say so
    law = powerlaw.fit(degrees.values, x_min, bound)
    gof = powerlaw.GoodnessOfFit(_NAN, _NAN, 0)
    if replicates and not law.reason:
        gof = powerlaw.goodness_of_fit(
            degrees.values, law, replicates=replicates, seed=seed, stop_at=stop_at
        )
    return law, {
        "layer": degrees.layer,
        "end": degrees.end,
        "variant": "searched" if x_min is None else "fixed",
        "alpha": law.alpha,
        "sigma": law.sigma,
        "x_min": law.x_min,
        "x_max": degrees.capacity,
        "n_tail": law.n_tail,
        "ks_distance": law.ks_distance,
        "p_value": gof.p_value,
        "p_low": gof.low,
        "p_high": gof.high,
        "replicates": gof.replicates,
        "stopped": gof.stopped,
        "csn_rule": _rule(gof.p_value, gof.p_value > CSN),
        "paper_rule": _rule(gof.p_value, gof.p_value >= PAPER),
        "reason": law.reason or _reason_without_p(gof),
    }


def _reason_without_p(gof: powerlaw.GoodnessOfFit) -> str:
    if gof.replicates and math.isnan(gof.p_value):
        return "no p: more than half of the replicates have no fit"
    return ""


def _rule(p: float, plausible: bool) -> str:
    if not math.isfinite(p):
        return "none"
    return "plausible" if plausible else "rejected"


def rival_tests(degrees: Degrees, law: powerlaw.PowerLawFit) -> Iterator[powerlaw.RivalTest]:
    """The law against every rival, and against all lognormals up to a width."""
    for rival in powerlaw.RIVALS:
        yield powerlaw.compare(degrees.values, law, rival)
    yield powerlaw.against_lognormals(degrees.values, law, WIDEST_LOGNORMAL)


def rival_rows(
    degrees: Degrees, law: powerlaw.PowerLawFit, variant: str, step: int
) -> tuple[list[powerlaw.RivalTest], list[dict[str, Any]]]:
    """The tests of a law against its rivals, and their rows of the table."""
    made = list(rival_tests(degrees, law))
    rows = [
        {
            "step": step,
            "layer": degrees.layer,
            "end": degrees.end,
            "variant": variant,
            "rival": test.rival,
            "ratio": test.ratio,
            "normalised": test.normalised,
            "p_value": test.p_value,
            "favours": test.favours,
            "reason": test.reason,
        }
        for test in made
    ]
    return made, rows


def law_evidence(
    degrees: Degrees,
    law: powerlaw.PowerLawFit,
    row: Mapping[str, Any],
    tests: list[powerlaw.RivalTest],
) -> dict[str, Any]:
    """What the searched law of a layer has for it and against it.

    Parameters
    ----------
    degrees : Degrees
    law : PowerLawFit
    row : mapping
        Of `fit_row`.
    tests : list of RivalTest
        Of `rival_rows`.
    """
    by_name = {test.rival: test for test in tests}
    lognormals = by_name.pop(tests[-1].rival)
    known = {name: test for name, test in by_name.items() if not test.reason}
    cut, p_best = _cut_off(known)
    against = {
        name: test.p_value
        for name, test in known.items()
        if test.ratio < 0 and not (test.nested and cut)
    }
    best = min(against, key=against.__getitem__, default="")
    # All rivals are looked at, so that the smallest of so many p-values counts so many times.
    p_rival = min(1.0, len(known) * against[best]) if best else (1.0 if known else _NAN)
    p_bent = min(1.0, len(known) * cut.p_value) if cut else _NAN
    exponential = known.get("exponential")
    return {
        "degrees": len(np.unique(degrees.values)),
        "n": len(degrees.values),
        "alpha": law.alpha,
        "alpha_error": law.sigma,
        "x_min": law.x_min,
        "x_max": degrees.capacity,
        "n_tail": law.n_tail,
        "p_law": row["p_value"],
        "csn_rule": row["csn_rule"],
        "paper_rule": row["paper_rule"],
        "best_rival": best if p_rival < ALPHA else "",
        "p_rival": p_rival,
        "p_steep": float(ndtr((STEEPEST - law.alpha) / law.sigma)) if not law.reason else _NAN,
        "p_thin": _better(exponential) if exponential else _NAN,
        "p_lognormal": _NAN if lognormals.reason else lognormals.p_value,
        "p_bent": p_bent,
        "p_cut_off": max(p_bent, p_best) if cut else _NAN,
        "alpha_cut_off": cut.parameters["alpha"] if cut else _NAN,
        "cut_off": 1 / cut.parameters["rate"] if cut else _NAN,
        "law_reason": row["reason"],
    }


def _better(test: powerlaw.RivalTest) -> float:
    """One-sided p-value of a law that is not better than its rival (Vuong)."""
    half = test.p_value / 2
    return half if test.ratio > 0 else 1 - half


def _cut_off(
    known: Mapping[str, powerlaw.RivalTest],
) -> tuple[powerlaw.RivalTest | None, float]:
    """The truncated law, if it is one, and a p-value of its not being the best of all rivals.

    It is as steep as a law, alpha of 1 or more, and not the exponential that it contains: twice the
    gain in likelihood exceeds 2.7 (one-sided, 0.05; the exponent is at its bound).
    """
    test = known.get("truncated_power_law")
    if test is None or not test.parameters["rate"] > 0 or test.parameters["alpha"] < 1:
        return None, _NAN
    exponential = known.get("exponential")
    if exponential is not None and 2 * (exponential.ratio - test.ratio) < 2.706:
        return None, _NAN
    lead = min((other.ratio for other in known.values() if other is not test), default=math.inf)
    lead -= test.ratio
    return test, float(ndtr(-math.sqrt(2 * lead))) if lead > 0 else 1.0


def onset_of_law(fits: pd.DataFrame, layer: str) -> float:
    """The step from which CSN's rule finds the law plausible up to the end; NaN if it does not."""
    part = fits[
        (fits["layer"] == layer) & (fits["variant"] == "searched") & (fits["end"] == "total")
    ]
    if (part["alpha"].notna() & (part["replicates"] == 0)).any():
        return _NAN  # p was not asked for through time
    plausible = (part["csn_rule"] == "plausible").to_numpy()
    if not len(plausible) or not plausible[-1]:
        return _NAN
    since = len(plausible) - int(np.argmin(plausible[::-1])) if not plausible.all() else 0
    return float(part["step"].to_numpy()[since])
