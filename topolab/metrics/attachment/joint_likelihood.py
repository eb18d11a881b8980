"""The likelihood of gains by degree and by a fitness of neurons, for `fit_joint`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, polygamma, psi

from topolab.errors import AnalysisError

__all__ = ["JointData", "JointLikelihood"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class JointData:
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
    def of(cls, degree: npt.ArrayLike, gained: npt.ArrayLike, places: npt.ArrayLike) -> JointData:
        """From the arguments of `fit_joint`.

        Raises
        ------
        AnalysisError
            If they do not fit.
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


class JointLikelihood:
    """Negative binomial over each neuron's gains; parameters gamma, log s, beta, log tau."""

    def __init__(self, data: JointData, *, within: bool) -> None:
        self.data, self.within = data, within
        self.total, self.by_row = data.gained.sum((0, 1)), data.gained.sum(2)[data.moved]
        self.seen = float((data.gained.sum(1) * data.log_k).sum())
        self.seen_start = float(self.total @ data.start)

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Minus the log-likelihood and its gradient, an event."""
        d, s, total = self.data, math.exp(theta[1]), self.total
        by_start = np.exp(theta[2] * d.start)
        tau = np.zeros(d.moved.shape)
        tau[d.moved] = np.exp(theta[3:])
        power = theta[0] * d.log_k
        np.exp(power, out=power)
        expected = np.einsum("ts,tsn->tn", tau, d.places)
        expected *= power
        sums = expected.sum(0)
        expected *= d.log_k
        logs = expected.sum(0)
        sums *= by_start
        fitness = (s + total) / (s + sums)
        weight = fitness * by_start
        value = (
            float(np.sum(gammaln(s + total) - gammaln(s) + s * theta[1]
                         - (s + total) * np.log(s + sums)))
            + theta[0] * self.seen + theta[2] * self.seen_start + float(self.by_row @ theta[3:])
        )  # fmt: skip
        gradient = np.empty_like(theta)
        gradient[0] = self.seen - float(weight @ logs)
        gradient[1] = float(self._by_s(s, sums, fitness).sum())
        gradient[2] = self.seen_start - (fitness * d.start) @ sums if self.within else 0.0
        power *= weight
        tau *= np.einsum("tsn,tn->ts", d.places, power)
        gradient[3:] = self.by_row - tau[d.moved]
        events = float(self.by_row.sum())
        return -value / events, -gradient / events

    def expected(self, theta: FloatArray) -> FloatArray:
        """Gains of a neuron of fitness 1, by update and side that gained; shape (rows, n)."""
        d = self.data
        power = np.exp(theta[0] * d.log_k + theta[2] * d.start)[np.nonzero(d.moved)[0]]
        return np.asarray(d.places[d.moved] * power * np.exp(theta[3:])[:, None])

    def fitted(self, theta: FloatArray) -> tuple[FloatArray, float]:
        """Gains of each neuron, of the fitness that its own gains speak for; what that is worth.

        A neuron of its own fitness takes a degree of freedom, one of the common fitness none.
        """
        made, s = self.expected(theta), math.exp(theta[1])
        sums = made.sum(0)
        made *= (s + self.total) / (s + sums)
        return made, float((sums / (s + sums)).sum())

    def _by_s(self, s: float, sums: FloatArray, fitness: FloatArray) -> FloatArray:
        """Each neuron's slope in log s."""
        return np.asarray(
            s * (psi(s + self.total) - psi(s) + math.log(s) + 1 - np.log(s + sums) - fitness)
        )

    def curvature(self, theta: FloatArray, *, free_s: bool) -> tuple[FloatArray, FloatArray]:
        """Scores, a column for each neuron, and the observed information.

        In the order gamma, beta if it is free, log tau, log s if it is free.
        """
        d, total, s = self.data, self.total, math.exp(theta[1])
        e, gained = self.expected(theta), d.gained[d.moved]
        log_k = d.log_k[np.nonzero(d.moved)[0]]
        sums = e.sum(0)
        fitness = (s + total) / (s + sums)
        by_degree = e * log_k
        shapes = [by_degree.sum(0)] + ([d.start * sums] if self.within else [])
        at = len(shapes)
        inner = np.vstack([*shapes, e])  # of the sum of what is expected, by parameter
        scores = -inner * fitness
        scores[0] += (gained * log_k).sum(0)
        scores[at:] += gained
        information = -(inner * (fitness / (s + sums))) @ inner.T
        information[0, 0] += float(((by_degree * log_k) @ fitness).sum())
        rows = by_degree @ fitness
        information[0, at:] += rows
        information[at:, 0] += rows
        if self.within:
            scores[1] += total * d.start
            information[1, 1] += float((fitness * d.start**2) @ sums)
            both = float((fitness * d.start) @ by_degree.sum(0))
            information[0, 1] += both
            information[1, 0] += both
            rows = e @ (fitness * d.start)
            information[1, at:] += rows
            information[at:, 1] += rows
        diagonal = np.arange(at, len(inner))
        information[diagonal, diagonal] += e @ fitness
        if not free_s:
            return scores, information
        own = self._by_s(s, sums, fitness)
        cross = inner @ (s * (1 - fitness) / (s + sums))
        bend = s**2 * (
            polygamma(1, s + total) - polygamma(1, s) + 1 / s - (2 - fitness) / (s + sums)
        )
        corner = -float((bend + own).sum())
        information = np.block([[information, cross[:, None]], [cross[None], np.array([[corner]])]])
        return np.vstack([scores, own]), information
