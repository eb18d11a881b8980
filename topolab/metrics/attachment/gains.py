"""What neurons gained, in the form that degree and fitness are fitted to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from topolab.errors import AnalysisError

__all__ = ["Gains"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Gains:
    """Updates in which anything was gained, by side and neuron; neurons that ever had an edge.

    Attributes
    ----------
    log_k : ndarray, shape (T, n)
        Less the mean; 0 where there is no edge, and so no place that counts.
    gained, places : ndarray, shape (T, sides, n)
    start : ndarray, shape (n,)
        The first log_k of each neuron, less the mean.
    moved : ndarray of bool, shape (T, sides)
        Where anything was gained.
    """

    log_k: FloatArray
    gained: FloatArray
    places: FloatArray
    start: FloatArray
    moved: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, degree: npt.ArrayLike, gained: npt.ArrayLike, places: npt.ArrayLike) -> Gains:
        """Of arrays (updates, neurons) and (updates, sides, neurons), if they fit.

        Raises
        ------
        AnalysisError
            If they do not.
        """
        k, g, r = (np.asarray(a, dtype=np.float64) for a in (degree, gained, places))
        if k.ndim != 2 or g.shape != r.shape or g.ndim not in (2, 3):
            raise AnalysisError(
                "degrees (updates, neurons), gains and places (updates, sides, neurons) are "
                f"needed, got shapes {k.shape}, {g.shape} and {r.shape}"
            )
        if g.ndim == 2:
            g, r = g[:, None], r[:, None]
        if (g.shape[0], g.shape[2]) != k.shape:
            raise AnalysisError(f"degrees of {k.shape} and gains of {g.shape} do not fit")
        if min(a.min(initial=0.0) for a in (k, g, r)) < 0 or (g > r).any():
            raise AnalysisError(
                "degrees, gains and places must not be below 0, gains not beyond places"
            )
        there = (k > 0)[:, None] & (r > 0)
        g, r = np.where(there, g, 0.0), np.where(there, r, 0.0)
        moved, neurons = g.sum(2) > 0, there.any((0, 1))
        updates = moved.any(1)
        alive = (k > 0)[:, neurons]
        log_k = np.log(np.maximum(k[:, neurons], 1.0))
        first = log_k[np.argmax(alive, 0), np.arange(log_k.shape[1])] if len(k) else np.zeros(0)
        centre = log_k[alive].mean() if alive.any() else 0.0
        return cls(
            np.where(alive, log_k - centre, 0.0)[updates],
            g[updates][..., neurons],
            r[updates][..., neurons],
            first - first.mean() if len(first) else first,
            moved[updates],
        )

    def lacks(self) -> str:
        """Why nothing can be said; empty if it can."""
        events = round(self.gained.sum())
        if events < 10:
            return f"{events} events are fewer than ten"
        if len(self.moved) < 2:
            return "fewer than two updates: fitness and degree cannot be told apart"
        weight = self.places[self.moved]
        weight = weight / weight.sum(1, keepdims=True)
        log_k = self.log_k[np.nonzero(self.moved)[0]]
        mean = (weight * log_k).sum(1, keepdims=True)
        if (weight * (log_k - mean) ** 2).sum() < 1e-9:
            return "all neurons with an edge have the same degree"
        return ""
