"""What the replicates of a bootstrap are made of: their random numbers, and tables to draw by."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from topolab.errors import AnalysisError
from topolab.metrics.powerlaw.hurwitz import TERMS, coefficients, survival_sum
from topolab.metrics.powerlaw.law import PowerLawFit, whole_number

__all__ = ["BLOCK", "MOST_NUMBERS", "TIE", "bound_of", "draw_uniforms", "tables"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Replicates between two looks at a sequential test, and those drawn at a time.
BLOCK = 100
#: Replicates this near to the data's distance are as far: they are the same up to rounding.
TIE = 1e-9
#: Uniform numbers held at a time by each thread.
MOST_NUMBERS = 2**23
# Entries of the table that draws from a tail are looked up in; beyond it they are searched for.
_TABLE, _GUIDE = 8192, 4096


def draw_uniforms(seed: int, start: int, count: int, n: int) -> FloatArray:
    """Uniform numbers in [0, 1) for replicates start, ..., start + count - 1; shape (count, n)."""
    if whole_number("seed", seed) < 0:
        raise AnalysisError(f"seed = {seed} must not be below 0")
    key = np.random.SeedSequence(seed).generate_state(2, np.uint64)
    out = np.empty((count, n))
    # One generator, set to each replicate's place: a new one would ask the system for entropy.
    philox = np.random.Philox(key=key)
    generator, state = np.random.Generator(philox), philox.state
    for i in range(count):
        state["state"]["counter"] = np.array([0, start + i, 0, 0], dtype=np.uint64)
        philox.state = state
        generator.random(out=out[i])
    return out


def bound_of(law: PowerLawFit) -> float:
    """The largest possible degree, infinite if none was given."""
    return math.inf if law.x_max is None else float(law.x_max)


def tables(law: PowerLawFit) -> tuple[FloatArray, IntArray]:
    """P(K >= x_min + j) for the lower part of the tail, and where to begin looking in it."""
    c = np.empty(TERMS)
    coefficients(law.alpha, c)
    first, end = float(law.x_min), bound_of(law)
    length = int(min(_TABLE, end - first + 1))
    k = np.arange(law.x_min, law.x_min + length, dtype=np.float64)
    terms = np.exp(-law.alpha * np.log(k / first))
    beyond = survival_sum(law.alpha, float(law.x_min + length), first, end, c)
    survival = terms[::-1].cumsum()[::-1] + beyond
    survival /= survival[0]
    levels = np.arange(1, _GUIDE + 1) / _GUIDE
    guide = length - np.searchsorted(survival[::-1], levels, side="left") - 1
    return survival, np.maximum(guide, 0).astype(np.int64)
