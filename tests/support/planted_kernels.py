"""Masks rewired by a planted kernel, edge by edge: what is put in must come out again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from topolab.metrics.attachment import exposure


@dataclass(frozen=True)
class Rewired:
    """By update and degree: what was gained and lost, free places, edges and neurons."""

    gained: np.ndarray
    lost: np.ndarray
    room: np.ndarray
    edges: np.ndarray
    neurons: np.ndarray


def rewire(
    rng: np.random.Generator,
    gain: float,
    loss: float,
    *,
    drop: float = 0.1,
    updates: int = 60,
    shape: tuple[int, int] = (200, 150),
    without_edges: float = 0.0,
    cosine: bool = False,
) -> Rewired:
    """Drop a share of the edges of a mask by k^loss and grow as many by k^gain, in every update.

    Parameters
    ----------
    without_edges : float
        Share of the neurons that have no edge at the start. Degree 0 weighs as degree 1.
    cosine : bool
        The share that is dropped falls to zero in the course of the run.
    """
    n, c = shape
    mask = rng.random(shape) < np.linspace(0.02, 0.3, n)[:, None]
    mask[: round(without_edges * n)] = False
    found: list[tuple[np.ndarray, ...]] = []
    for t in range(updates):
        share = drop * (1 + np.cos(np.pi * t / updates)) / 2 if cosine else drop
        moved = max(1, round(share * mask.sum()))
        k = mask.sum(1)
        log_weight = np.log(np.maximum(k, 1.0))[:, None]
        # Gumbel's trick: the largest of log weight + noise are a weighted draw without repeats.
        noise = rng.gumbel(size=shape)
        drops = np.where(mask, loss * log_weight + noise, -np.inf)
        grows = np.where(mask, -np.inf, gain * log_weight + noise)
        before = mask.copy()
        mask.reshape(-1)[np.argpartition(-drops, moved, axis=None)[:moved]] = False
        mask.reshape(-1)[np.argpartition(-grows, moved, axis=None)[:moved]] = True
        neurons, gained, lost = exposure(
            k, (mask & ~before).sum(1), (before & ~mask).sum(1), c, c + 1
        )
        degree = np.arange(c + 1)
        found.append((gained, lost, neurons * (c - degree), neurons * degree, neurons))
    return Rewired(*(np.array(part) for part in zip(*found, strict=True)))


@dataclass(frozen=True)
class Grown:
    """By update and neuron: degrees before, gains, free places."""

    degree: np.ndarray
    gained: np.ndarray
    places: np.ndarray


def grow_by_fitness(
    rng: np.random.Generator,
    fitness: np.ndarray,
    exponent: float,
    *,
    updates: int = 40,
    unseen: int = 0,
    start: int = 60,
    capacity: int = 600,
    drop: float = 0.1,
    noise: float = 0.0,
    lasts: float = 0.0,
) -> Grown:
    """Neurons that gain by fitness times k^exponent (times noise), and lose edges at random.

    Parameters
    ----------
    unseen : int
        Updates before the record begins.
    start : int
        Edges of a neuron at the start, on average.
    noise : float
        Sigma of a lognormal factor of each neuron in every update.
    lasts : float
        Correlation of its logarithm from one update to the next: 0 for a factor that is new in
        every update, near 1 for a fitness that drifts.
    """
    luck = rng.normal(size=len(fitness))
    k = rng.binomial(capacity, start / capacity, len(fitness))
    rows: list[tuple[np.ndarray, ...]] = []
    for _ in range(unseen + updates):
        weight = fitness * (capacity - k) * np.maximum(k, 0.0) ** exponent
        luck = lasts * luck + np.sqrt(1 - lasts**2) * rng.normal(size=len(k))
        weight = weight * np.exp(noise * luck)
        gained = rng.multinomial(round(drop * k.sum()), weight / weight.sum())
        gained = np.minimum(gained, capacity - k)
        rows.append((k, gained, capacity - k))
        k = k - rng.binomial(k, drop) + gained
    return Grown(*(np.array(part)[unseen:] for part in zip(*rows, strict=True)))


def grow_in_little_room(
    rng: np.random.Generator, capacity: int, exponent: float, *, updates: int = 20, n: int = 300
) -> Grown:
    """Half of all edges move in every update, among places each of which is taken once at most.

    Neurons have 60 edges on average, and a fitness from 0.6 to 1.4.
    """
    fitness, k = rng.uniform(0.6, 1.4, n), rng.binomial(capacity, 60 / capacity, n)
    rows: list[tuple[np.ndarray, ...]] = []
    for _ in range(updates):
        moved = round(0.5 * k.sum())
        owner = np.repeat(np.arange(n), capacity - k)
        weight = (fitness * np.maximum(k, 1.0) ** exponent)[owner]
        first = np.argpartition(rng.exponential(size=len(owner)) / weight, moved - 1)[:moved]
        gained = np.bincount(owner[first], minlength=n)
        lost = np.bincount(rng.permutation(np.repeat(np.arange(n), k))[:moved], minlength=n)
        rows.append((k, gained, capacity - k))
        k = k - lost + gained
    return Grown(*(np.array(part) for part in zip(*rows, strict=True)))
