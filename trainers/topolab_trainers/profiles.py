"""PSN's fan-in profiles: from a shape P(t) to whole fan-ins, and which inputs a neuron gets.

Pure functions: numbers in, numbers out. `topolab_trainers.inits.profile` makes masks of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from topolab.errors import ConfigError

__all__ = ["ROUNDINGS", "SPREADINGS", "ccv", "even", "fan_ins", "searched", "sequential", "shape"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

ROUNDINGS = ("exact", "ceil", "floor")
SPREADINGS = ("even", "random", "sequential")
GOLDEN = (1 + math.sqrt(5)) / 2
# The widest shapes that are tried for a target CCV; clamping flattens them long before.
WIDEST_SIGMA, WIDEST_GAMMA = 12.0, 40.0


def ccv(fan_in: npt.ArrayLike) -> float:
    """Coefficient of connectivity variation: population standard deviation over mean.

    Examples
    --------
    >>> ccv([1, 3])
    0.5
    """
    values = np.asarray(fan_in, dtype=np.float64)
    return float(values.std() / values.mean())


def shape(
    name: str, m: int, *, alpha: float = 3.0, beta: float = 3.0, peaks: int = 1
) -> FloatArray:
    """P(i / m) for i = 0 .. m - 1 of a profile with a formula.

    Parameters
    ----------
    name : str
        linear, quadratic, exponential, bell, multi-peak, or ``inverse-`` and one of the first
        four.
    m : int
        Neurons.
    alpha : float
        Of the exponential.
    beta : float
        Sharpness of the bell and of the peaks.
    peaks : int

    Returns
    -------
    ndarray of float64, shape (m,)

    References
    ----------
    N. Tomczak, "Heterogeneous Connectivity in Sparse Networks", arXiv 2604.10560 (2026).

    Examples
    --------
    >>> shape("linear", 4)
    array([1.  , 0.75, 0.5 , 0.25])
    >>> shape("inverse-linear", 4)
    array([0.  , 0.25, 0.5 , 0.75])
    """
    t = np.arange(m, dtype=np.float64) / m
    if name == "inverse-bell":
        return 1.0 - _bell(t, beta)
    if name.startswith("inverse-"):
        t, name = 1 - t, name.removeprefix("inverse-")
    if name == "linear":
        return 1 - t
    if name == "quadratic":
        return 1 - t**2
    if name == "exponential":
        return np.asarray(np.exp(-alpha * t))
    if name == "bell":
        return _bell(t, beta)
    if name == "multi-peak":
        centres = (2 * np.arange(peaks) + 1) / (2 * peaks)
        return np.asarray(np.exp(-beta * (t[:, None] - centres[None, :]) ** 2).max(axis=1))
    raise ConfigError(f"no formula for a profile {name!r}")


def _bell(t: FloatArray, beta: float) -> FloatArray:
    return np.asarray(np.exp(-beta * (2 * (t - 0.5)) ** 2))


def fan_ins(
    p: FloatArray, n: int, edges: int, *, rounding: str = "exact", f_min: int = 1
) -> IntArray:
    """Whole fan-ins that follow a shape.

    Parameters
    ----------
    p : ndarray, shape (m,)
        The shape, not negative, of any scale.
    n : int
        Inputs: no fan-in is larger.
    edges : int
        Target of their sum.
    rounding : {"exact", "ceil", "floor"}
        exact: the scale is searched so that the clamped values sum to `edges`, and they are
        rounded by largest remainder: the sum is `edges`. ceil and floor: ``edges / mean(p) / m``
        is the scale, values are rounded and then clamped; the sum is near `edges`.
    f_min : int
        No fan-in is smaller.

    Returns
    -------
    ndarray of int64, shape (m,)

    Raises
    ------
    ConfigError
        If f_min is not in [0, n], or there are too few edges for it or too many.

    Notes
    -----
    PSN's Eq. 6 rounds up, its Figure 1 follows from rounding down and its parameter counts from
    rounding up: so rounding is a choice here, and the default matches parameters exactly.

    Examples
    --------
    >>> fan_ins(np.array([3.0, 2.0, 1.0]), n=10, edges=12)
    array([6, 4, 2])
    """
    m = len(p)
    _check_room(n, m, edges, f_min)
    if rounding == "exact":
        ideal = _clamped(p, n, edges, f_min)
        whole = np.floor(ideal).astype(np.int64)
        missing = edges - int(whole.sum())
        assert 0 <= missing <= m, "the scale of a profile was not found"
        # By largest remainder; neurons that are full take no more.
        order = np.lexsort((np.arange(m), -(ideal - whole)))
        for i in order[whole[order] < n][:missing]:
            whole[i] += 1
        return _level(whole, edges, n, f_min)
    mean = float(p.mean())
    if mean <= 0:
        raise ConfigError("the profile is 0 everywhere")
    scaled = p * (edges / m / mean)
    # A whole number that is off by its last bit stays what it is.
    rounded = np.ceil(scaled - 1e-9) if rounding == "ceil" else np.floor(scaled + 1e-9)
    return np.clip(rounded, f_min, n).astype(np.int64)


def _check_room(n: int, m: int, edges: int, f_min: int) -> None:
    if not 0 <= f_min <= n:
        raise ConfigError(f"f_min {f_min} is not in [0, {n}]: a neuron here has {n} inputs")
    if edges < m * f_min:
        raise ConfigError(
            f"{edges} edges are too few for {m} neurons with a fan-in of at least {f_min}: with "
            f"{n} inputs the highest sparsity is {1 - f_min / n:.6g}"
        )
    if edges > m * n:
        raise ConfigError(f"{edges} edges are more than {m} neurons of {n} inputs can have")


def _level(whole: IntArray, edges: int, n: int, f_min: int) -> IntArray:
    # Rounding errors of the search are a few edges at the most.
    while (rest := edges - int(whole.sum())) != 0:
        room = np.flatnonzero(whole < n) if rest > 0 else np.flatnonzero(whole > f_min)
        whole[room[: abs(rest)]] += 1 if rest > 0 else -1
    return whole


def _clamped(p: FloatArray, n: int, edges: int, f_min: int) -> FloatArray:
    """scale * p, clamped to [f_min, n], the scale such that the sum is `edges`."""
    if not float(p.max(initial=0)) > 0:
        raise ConfigError("the profile is 0 everywhere")
    # What is smaller than any scale could lift counts as 0.
    p = np.where(p < p.max() * 1e-290, 0.0, p / p.max())
    positive = p[p > 0]
    high = n / float(positive.min())
    if float(np.clip(high * p, f_min, n).sum()) < edges:
        # Zeros of the shape cannot be lifted by any scale: what is missing goes to them evenly.
        values = np.clip(high * p, f_min, n)
        zero = p <= 0
        values[zero] += (edges - values.sum()) / zero.sum()
        return np.asarray(np.clip(values, f_min, n))
    low = min(1e-300, high)
    for _ in range(400):
        # The root of each, since their product may be more than a float can hold.
        far = high / low > 4
        middle = math.sqrt(low) * math.sqrt(high) if far else (low + high) / 2
        if float(np.clip(middle * p, f_min, n).sum()) < edges:
            low = middle
        else:
            high = middle
        if high / low - 1 < 1e-14:
            break
    return np.asarray(np.clip(high * p, f_min, n))


def searched(
    family: Callable[[float], FloatArray],
    widest: float,
    target: float,
    *,
    n: int,
    edges: int,
    f_min: int = 1,
    what: str = "profile",
) -> FloatArray:
    """The member of a family of shapes whose fan-ins have a given CCV *after* clamping.

    Parameters
    ----------
    family : callable
        From a width, 0 for flat, to a shape (m,).
    widest : float
        The largest width to try.
    target : float
        CCV of the fan-ins after scaling to `edges` and clamping to [f_min, n].
    n, edges, f_min : int
        As of `fan_ins`.
    what : str
        Names the family in the error.

    Returns
    -------
    ndarray of float64, shape (m,)
        Already scaled and clamped: `fan_ins` rounds it.

    Raises
    ------
    ConfigError
        If the target cannot be reached; the message names the reachable maximum.
    """

    def reached(width: float) -> float:
        return ccv(_clamped(family(width), n, edges, f_min))

    m = len(family(0.0))
    _check_room(n, m, edges, f_min)
    # Clamping flattens a wide shape again, so the CCV has a maximum; find where it is.
    widths = np.linspace(0, widest, 241)
    values = np.array([reached(float(w)) for w in widths])
    top = int(values.argmax())
    if values[top] < target:
        raise ConfigError(
            f"a CCV of {target:g} cannot be reached by the {what} profile with {n} inputs, {m} "
            f"neurons and {edges} edges: the largest reachable is {values[top]:.3f}"
        )
    above = int(np.flatnonzero(values[: top + 1] >= target)[0])
    if above == 0:
        return _clamped(family(0.0), n, edges, f_min)
    low, high = float(widths[above - 1]), float(widths[above])
    for _ in range(60):
        middle = (low + high) / 2
        if reached(middle) < target:
            low = middle
        else:
            high = middle
    return _clamped(family(high), n, edges, f_min)


def lognormal_family(m: int, generator: torch.Generator) -> Callable[[float], FloatArray]:
    """sigma -> exp(sigma z), z drawn once from the normal distribution, sorted descending."""
    z = torch.randn(m, generator=generator, dtype=torch.float64).sort(descending=True).values
    drawn = z.numpy()
    return lambda sigma: np.asarray(np.exp(sigma * (drawn - drawn[0])))


def powerlaw_family(m: int) -> Callable[[float], FloatArray]:
    """gamma -> rank^-gamma."""
    logs = np.log(np.arange(1, m + 1, dtype=np.float64))
    return lambda gamma: np.asarray(np.exp(-gamma * logs))


def even(i: int, fan_in: int, n: int) -> IntArray:
    """Inputs of neuron i, evenly apart from a start that the golden ratio moves.

    Distinct, since consecutive ones differ by at least n / fan_in >= 1.

    Examples
    --------
    >>> even(1, 4, 8)
    array([4, 6, 0, 2])
    """
    start = math.floor(i * GOLDEN * n) % n
    return (start + np.arange(fan_in, dtype=np.int64) * n // fan_in) % n


def sequential(fan_in: int) -> IntArray:
    """The first inputs: a deliberately bad control, most inputs are read by nobody.

    Examples
    --------
    >>> sequential(3)
    array([0, 1, 2])
    """
    return np.arange(fan_in, dtype=np.int64)


def spread(fan_in: IntArray, n: int, spreading: str, generator: torch.Generator) -> Tensor:
    """A mask with these fan-ins.

    Parameters
    ----------
    fan_in : ndarray of int64, shape (m,)
    n : int
    spreading : {"even", "random", "sequential"}
    generator : torch.Generator

    Returns
    -------
    Tensor of bool, shape (m, n)

    Examples
    --------
    >>> spread(np.array([2, 1]), 4, "sequential", torch.Generator()).int().tolist()
    [[1, 1, 0, 0], [1, 0, 0, 0]]
    """
    mask = torch.zeros(len(fan_in), n, dtype=torch.bool)
    if spreading == "random":
        # The f lowest of n draws: f distinct inputs, every set equally likely.
        order = torch.rand(len(fan_in), n, generator=generator).argsort(dim=1, stable=True)
        rank = torch.arange(n).expand(len(fan_in), n)
        wanted = rank < torch.from_numpy(fan_in)[:, None]
        return mask.scatter_(1, order, wanted)
    for i, f in enumerate(fan_in.tolist()):
        mask[i, torch.from_numpy(even(i, f, n) if spreading == "even" else sequential(f))] = True
    return mask
