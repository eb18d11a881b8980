"""The known truths: what each run is made of, and which claims therefore hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from margins import draw_lognormal, draw_power_law, masks_of_degrees
from rewire import (
    Masks,
    Size,
    Weights,
    by_degree,
    growing,
    proportional,
    pruning,
    random_masks,
    rewiring,
)  # fmt: skip

__all__ = ["CLAIMS", "DOES_NOT_APPLY", "FALSE", "TRUE", "TRUTHS", "Claim", "Truth"]

CLAIMS = ("power_law", "attachment", "decay")
TRUE, FALSE, DOES_NOT_APPLY = "holds", "does not hold", "does not apply"
#: Average fan-ins of the two hidden layers. From the thin start (degrees of 32 and 24) some neurons
#: can come below ten edges, the measure of dormancy; from the full one (80 and 60) hardly any.
THIN, FULL = (8, 24), (20, 60)


@dataclass(frozen=True)
class Claim:
    """Whether a claim holds in a truth, and why."""

    holds: str
    because: str


@dataclass(frozen=True)
class Truth:
    """Runs of which it is known what happens in them.

    Attributes
    ----------
    name : str
    what : str
        How its masks are made.
    simulate : callable
        The masks of a run, from a size and a generator.
    power_law, attachment, decay : Claim
        Of both hidden layers, at both sizes. A claim of decay is that the poorly connected become
        dormant more often than by random rewiring.
    """

    name: str
    what: str
    simulate: Callable[[Size, np.random.Generator], Iterator[Masks]]
    power_law: Claim
    attachment: Claim
    decay: Claim

    def claim(self, name: str) -> Claim:
        """One of `CLAIMS` by name."""
        found: Claim = getattr(self, name)
        return found


# -- simulators --------------------------------------------------------------------------------


def random_rewiring(size: Size, rng: np.random.Generator, drop: float) -> Iterator[Masks]:
    return rewiring(random_masks(size, FULL, rng), size.updates, drop, rng)


def hubs_from_the_start(size: Size, rng: np.random.Generator) -> Iterator[Masks]:
    return rewiring(lawful_masks(size, rng, 2.0), size.updates, 0.1, rng)


def static(masks: Masks, size: Size) -> Iterator[Masks]:
    return iter([masks] * (size.updates + 1))


def kernel(
    size: Size, rng: np.random.Generator, fan_in: tuple[int, int], exponent: float
) -> Iterator[Masks]:
    start = random_masks(size, fan_in, rng)
    return rewiring(start, size.updates, 0.1, rng, gain=by_degree(exponent))


def fitness(size: Size, rng: np.random.Generator) -> Iterator[Masks]:
    first, second = rng.uniform(0.4, 1.6, size.first), rng.uniform(0.4, 1.6, size.second)
    start = random_masks(size, FULL, rng)
    return rewiring(start, size.updates, 0.1, rng, gain=lambda *_: (first, second))


def drifting_fitness(size: Size, rng: np.random.Generator) -> Iterator[Masks]:
    """A fitness of a lognormal of sigma 0.4, a tenth of it new in every update."""
    luck = [rng.normal(0, 0.4, n) for n in (size.first, size.second)]

    def drift(*_: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        for one in luck:
            one[:] = 0.9 * one + (1 - 0.9**2) ** 0.5 * rng.normal(0, 0.4, len(one))
        return np.exp(luck[0]), np.exp(luck[1])

    return rewiring(random_masks(size, FULL, rng), size.updates, 0.1, rng, gain=drift)


def fitness_growing_apart(size: Size, rng: np.random.Generator) -> Iterator[Masks]:
    """From 1 for all to between 0.4 and 2.5 at the end, each by a steady rate of its own."""
    rates = [rng.uniform(-0.9, 0.9, n) for n in (size.first, size.second)]
    time = iter(np.linspace(0, 1, size.updates))

    def grow(*_: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        now = next(time)
        return np.exp(rates[0] * now), np.exp(rates[1] * now)

    return rewiring(random_masks(size, FULL, rng), size.updates, 0.1, rng, gain=grow)


def fitness_and_degree(size: Size, rng: np.random.Generator) -> Iterator[Masks]:
    drop = 0.1
    spread = 1 / (drop * size.updates)  # degrees end lognormal, of sigma 1
    first = np.maximum(rng.normal(1, spread, size.first), 0)
    second = np.maximum(rng.normal(1, spread, size.second), 0)
    start = random_masks(size, THIN, rng)
    return rewiring(start, size.updates, drop, rng, gain=lambda a, b: (first * a, second * b))


def survival_of_hubs(size: Size, rng: np.random.Generator) -> Iterator[Masks]:
    start = random_masks(size, THIN, rng)
    return rewiring(start, size.updates, 0.1, rng, loss=by_degree(-1.0))


def multiplicative_noise(size: Size, rng: np.random.Generator) -> Iterator[Masks]:
    def noisy(rng: np.random.Generator) -> Weights:
        return lambda a, b: (a * rng.lognormal(0, 1, len(a)), b * rng.lognormal(0, 1, len(b)))

    return rewiring(random_masks(size, THIN, rng), size.updates, 0.1, rng, gain=noisy(rng))


def all_three(size: Size, rng: np.random.Generator, alpha: float) -> Iterator[Masks]:
    # As many moves as edges at both sizes: enough for the poor to die, too little to bend a tail.
    drop = 1 / size.updates
    return proportional(lawful_masks(size, rng, alpha, low=(16, 12)), size.updates, drop, rng)


def lawful_masks(
    size: Size, rng: np.random.Generator, alpha: float, low: tuple[int, int] = (40, 20)
) -> Masks:
    return masks_of_degrees(
        size, lambda layer, n, high: draw_power_law(alpha, low[layer], high, n, rng), rng
    )


def lognormal_masks(size: Size, rng: np.random.Generator, sigma: float) -> Masks:
    return masks_of_degrees(
        size, lambda layer, n, high: draw_lognormal((3.7, 3.0)[layer], sigma, high, n, rng), rng
    )


# -- the list ----------------------------------------------------------------------------------

BINOMIAL = Claim(FALSE, "random rewiring leaves binomial degrees")
NO_KERNEL = Claim(FALSE, "a place is taken whatever the degrees at its ends")
NO_DECAY = Claim(FALSE, "the poor are drawn to the mean, as by chance")
NOTHING_CHANGES = Claim(DOES_NOT_APPLY, "no mask changes")
LINEAR = Claim(TRUE, "gains are in proportion to (c - k) k")
DRIFT = Claim(TRUE, "nothing draws the poor back to the mean, and some drift below ten edges")


def _random(drop: float) -> Truth:
    return Truth(
        f"random-{drop:.0%}".rstrip("%"),
        f"random pruning and regrowth of {drop:.0%} of the edges",
        lambda size, rng: random_rewiring(size, rng, drop),
        BINOMIAL, NO_KERNEL, NO_DECAY,
    )  # fmt: skip


def _all_true(alpha: float) -> Truth:
    return Truth(
        f"all-true-{alpha}",
        f"degrees from a power law of exponent {alpha}, gains by k, random losses",
        lambda size, rng: all_three(size, rng, alpha),
        Claim(TRUE, "proportional gains and losses carry the law on, but for its first degrees"),
        Claim(TRUE, "gains are in proportion to k"),
        DRIFT,
    )  # fmt: skip


TRUTHS = {
    truth.name: truth
    for truth in (
        _random(0.1),
        _random(0.5),
        Truth(
            "hubs-from-the-start",
            "a first mask with power-law degrees, then random pruning and regrowth of 10 %",
            hubs_from_the_start,
            Claim(FALSE, "the first edges are gone at the end, and degrees are binomial"),
            NO_KERNEL, NO_DECAY,
        ),
        Truth(
            "static",
            "random masks that stay",
            lambda size, rng: static(random_masks(size, FULL, rng), size),
            Claim(FALSE, "degrees are binomial"),
            NOTHING_CHANGES, NOTHING_CHANGES,
        ),
        Truth(
            "static-power-law",
            "masks that stay, their degrees from a power law of exponent 2.0 up to the width",
            lambda size, rng: static(lawful_masks(size, rng, 2.0), size),
            Claim(TRUE, "degrees are drawn from it"),
            NOTHING_CHANGES, NOTHING_CHANGES,
        ),
        Truth(
            "static-lognormal",
            "masks that stay, with degrees from a lognormal of sigma 1.2",
            lambda size, rng: static(lognormal_masks(size, rng, 1.2), size),
            Claim(FALSE, "degrees are drawn from a lognormal"),
            NOTHING_CHANGES, NOTHING_CHANGES,
        ),
        Truth(
            "linear",
            "gains by (c - k) k from a random start, random losses of 10 %",
            lambda size, rng: kernel(size, rng, THIN, 1.0),
            Claim(FALSE, "from a narrow start such growth has an exponential tail"),
            LINEAR, DRIFT,
        ),
        Truth(
            "sublinear",
            "gains by (c - k) k^0.5 from a random start, random losses of 10 %",
            lambda size, rng: kernel(size, rng, FULL, 0.5),
            Claim(FALSE, "degrees are drawn to the mean and stay narrow"),
            Claim(TRUE, "gains rise as (c - k) k^0.5"),
            Claim(FALSE, "the poor are drawn to the mean, at half the speed of chance"),
        ),
        Truth(
            "weak",
            "gains by (c - k) k^0.05 from a random start, random losses of 10 %",
            lambda size, rng: kernel(size, rng, FULL, 0.05),
            Claim(FALSE, "degrees are drawn to the mean and stay narrow"),
            Claim(FALSE, "the exponent is half of the 0.1 that the rules call none"),
            NO_DECAY,
        ),
        Truth(
            "fitness",
            "gains by a fixed fitness of each neuron, from 0.4 to 1.6, random losses of 10 %",
            fitness,
            Claim(FALSE, "degrees follow the fitness, which is uniform"),
            Claim(FALSE, "no degree is looked at: a neuron gains by its fitness"),
            Claim(FALSE, "also the least fit keep 0.4 of the mean, above ten edges"),
        ),
        Truth(
            "drifting-fitness",
            "gains by a fitness of each neuron that drifts, whatever its degree, random losses",
            drifting_fitness,
            Claim(FALSE, "degrees follow the fitness, which is lognormal, and bounded by room"),
            Claim(FALSE, "no degree is looked at: a neuron gains by its fitness of the moment"),
            Claim(FALSE, "also the least fit keep a quarter of the mean, above ten edges"),
        ),
        Truth(
            "fitness-growing-apart",
            "gains by a fitness that is 1 for all and grows apart, random losses",
            fitness_growing_apart,
            Claim(FALSE, "degrees follow the fitness, which lies between 0.4 and 2.5"),
            Claim(FALSE, "no degree is looked at: a neuron gains by its fitness of the moment"),
            Claim(FALSE, "also the least fit keep 0.4 of the mean, above ten edges"),
        ),
        Truth(
            "fitness-and-degree",
            "gains by fitness times (c - k) k, random losses of 10 %",
            fitness_and_degree,
            Claim(FALSE, "growth at rates that are normal makes a lognormal"),
            Claim(TRUE, "gains are in proportion to (c - k) k, at any fitness"),
            Claim(TRUE, "the unfit lose ever more, and the poor are the first below ten edges"),
        ),
        Truth(
            "survival-of-hubs",
            "an edge is lost by 1 / k of its ends, random gains, 10 % of the edges",
            survival_of_hubs,
            Claim(FALSE, "neurons of all degrees gain and lose alike: a random walk"),
            NO_KERNEL,
            Claim(TRUE, "the poor lose as many edges as the rich, and some come below ten"),
        ),
        Truth(
            "multiplicative-noise",
            "gains by (c - k) k times noise, new in every update, random losses of 10 %",
            multiplicative_noise,
            Claim(FALSE, "growth by independent factors makes a lognormal (Gibrat)"),
            Claim(TRUE, "gains are in proportion to (c - k) k on average"),
            DRIFT,
        ),
        Truth(
            "barabasi-albert",
            "neurons come one group after the other, half of the new ends go by degree; no losses",
            lambda size, rng: growing(size, 6, rng),
            Claim(TRUE, "Simon's process with half of the ends for newcomers has exponent 3"),
            LINEAR,
            Claim(DOES_NOT_APPLY, "no edge is ever lost"),
        ),
        _all_true(2.0),
        _all_true(2.7),
        Truth(
            "pruning-only",
            "the same share of the edges is dropped at random in every update, none grow",
            lambda size, rng: pruning(random_masks(size, FULL, rng), size.updates,
                                      1.6 / size.updates, rng),
            Claim(FALSE, "random pruning leaves binomial degrees"),
            Claim(DOES_NOT_APPLY, "no edge is ever grown"),
            Claim(FALSE, "the poor come below ten edges only as often as by chance"),
        ),
    )
}  # fmt: skip
