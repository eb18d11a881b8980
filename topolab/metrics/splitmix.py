"""Random numbers inside compiled loops: SplitMix64, whose state is one word."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from topolab.metrics.jit import jit

__all__ = ["below", "next_bits", "state_from", "uniform_number"]

State = npt.NDArray[np.uint64]


@jit
def next_bits(state: State) -> np.uint64:
    """64 random bits (Steele, Lea, Flood 2014)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.uint64(z ^ (z >> np.uint64(31)))


@jit
def uniform_number(state: State) -> float:
    """A number in [0, 1), of 53 bits."""
    return float(next_bits(state) >> np.uint64(11)) * 1.1102230246251565e-16


@jit
def below(state: State, n: int) -> int:
    """A whole number in [0, n), for n below 2^53; the bias is n / 2^53 of nothing that matters."""
    return int(uniform_number(state) * n)


def state_from(rng: np.random.Generator) -> State:
    """A state that 64 bits of a generator begin."""
    return rng.integers(0, 2**64, 1, dtype=np.uint64)
