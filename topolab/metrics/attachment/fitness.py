"""The likelihood of gains by degree and by a fitness that is integrated out."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, polygamma, psi

from topolab.metrics.attachment.gains import Gains

__all__ = ["FitnessLikelihood"]

FloatArray = npt.NDArray[np.float64]


class FitnessLikelihood:
    """Negative binomial over each neuron's gains; parameters gamma, log s, beta, log tau."""

    def __init__(self, data: Gains, *, within: bool) -> None:
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
