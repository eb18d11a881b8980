"""The bootstrap as one array program over all replicates, for a GPU.

It decides the same as the compiled loops of `kernels`, for the same uniform numbers: whether a
replicate lies nearer to its own fit than the data to theirs. The loops stop at the first degree
that settles a candidate; an array program cannot, so that it does some fifty times their work.
On a processor that is slower by about as much; a GPU has that much more to give.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from topolab.errors import AnalysisError
from topolab.metrics.powerlaw.hurwitz import _EM
from topolab.metrics.powerlaw.kernels import ALPHA_HIGH, ALPHA_LOW
from topolab.metrics.powerlaw.law import PowerLawFit
from topolab.metrics.powerlaw.replicates import (
    BLOCK,
    MOST_NUMBERS,
    TIE,
    bound_of,
    draw_uniforms,
    tables,
)

__all__ = ["decisions"]

# Below this a sum is made term by term, above by Euler-Maclaurin: enough for alpha <= 40.
_START = 46
_STEPS = 60


def decisions(
    values: npt.NDArray[np.int64], law: PowerLawFit, replicates: int, seed: int, device: str
) -> Iterator[npt.NDArray[np.int8]]:
    """For each block of replicates: 1 nearer to its own fit than the data, 0 not, -1 no fit.

    Raises
    ------
    AnalysisError
        If there is no such device, or the law is bounded: x_max is for the compiled loops.
    """
    where = torch.device("cpu") if device == "cpu-arrays" else _device(device)
    if law.x_max is not None:
        raise AnalysisError("a law bounded at x_max is bootstrapped on the CPU: leave device out")
    body = torch.from_numpy(values[values < law.x_min].astype(np.float64)).to(where)
    survival = torch.from_numpy(tables(law)[0]).to(where)
    size = BLOCK
    if where.type != "cpu":
        size *= max(1, 4 * MOST_NUMBERS // max(law.n, 1) // BLOCK)
    for start in range(0, replicates, size):
        count = min(size, replicates - start)
        uniforms = torch.from_numpy(draw_uniforms(seed, start, count, law.n)).to(where)
        passed = _nearer(_samples(uniforms, law, body, survival), law).cpu().numpy()
        for at in range(0, count, BLOCK):
            yield passed[at : at + BLOCK]


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise AnalysisError(
            f"device {name!r} cannot be used here: {str(error).splitlines()[0]}"
        ) from error
    return device


def _sums(alpha: Tensor, q: Tensor, scale: Tensor) -> Tensor:
    """sum_{k >= q} (k / scale)^-alpha."""
    alpha, q, scale = torch.broadcast_tensors(alpha, q, scale)  # type: ignore[no-untyped-call]
    total = torch.zeros_like(q)
    start = torch.clamp(q, min=_START)
    if bool((q < _START).any()):
        for k in range(int(q.min()), _START):
            total += torch.where(q <= k, (k / scale) ** -alpha, 0.0)
    r = 1 / start**2
    series = torch.zeros_like(q)
    rising = alpha.clone()
    terms = []
    for j, b in enumerate(_EM):
        terms.append(b * rising)
        rising = rising * (alpha + 2 * j + 1) * (alpha + 2 * j + 2)
    for term in reversed(terms):
        series = series * r + term
    first = torch.exp(-alpha * torch.log(start / scale))
    return total + first * (start / (alpha - 1) + 0.5 + series / start)


def _samples(uniforms: Tensor, law: PowerLawFit, body: Tensor, survival: Tensor) -> Tensor:
    """Each row a replicate, ascending; shape (replicates, n)."""
    share = law.n_tail / law.n
    w = 1 - uniforms / share
    at = len(survival) - torch.searchsorted(survival.flip(0), w.contiguous(), side="left") - 1
    drawn = law.x_min + at.clamp(min=0).to(torch.float64)
    far = (uniforms < share) & (w <= survival[-1])
    if bool(far.any()):
        drawn[far] = _search(w[far], law, float(law.x_min + len(survival) - 1))
    if len(body):
        index = ((uniforms - share) / max(1 - share, 1e-300) * len(body)).long()
        drawn = torch.where(uniforms < share, drawn, body[index.clamp(0, len(body) - 1)])
    return drawn.sort(1).values


def _search(w: Tensor, law: PowerLawFit, start: float) -> Tensor:
    limit = min(bound_of(law), 2.0**53)
    x = torch.tensor(float(law.x_min), dtype=torch.float64, device=w.device)
    alpha = torch.tensor(law.alpha, dtype=torch.float64, device=w.device)
    total = _sums(alpha, x, x)
    low = torch.full_like(w, start)
    high = 2 * low
    for _ in range(60):
        rises = (high <= limit) & (_sums(alpha, high, x) / total >= w)
        low = torch.where(rises, high, low)
        high = torch.where(rises, high * 2, high)
    high = high.clamp(max=limit + 1)
    for _ in range(60):
        middle = torch.floor((low + high) / 2)
        up = (_sums(alpha, middle, x) / total >= w) & (high - low > 1)
        down = ~up & (high - low > 1)
        low = torch.where(up, middle, low)
        high = torch.where(down, middle, high)
    return low


def _maximise(mean_log: Tensor, x_min: Tensor) -> Tensor:
    """Exponents by bisection on the sign of the likelihood's slope; NaN at the border."""
    low = torch.full_like(mean_log, ALPHA_LOW)
    high = torch.full_like(mean_log, ALPHA_HIGH)
    h = 1e-5
    for _ in range(_STEPS):
        alpha = (low + high) / 2
        # the slope by a central difference, good to 1e-10
        up, down = (torch.log(_sums(alpha + s, x_min, x_min)) for s in (h, -h))
        rising = mean_log + (up - down) / (2 * h) > 0
        high = torch.where(rising, alpha, high)
        low = torch.where(rising, low, alpha)
    alpha = (low + high) / 2
    border = (alpha > ALPHA_HIGH - 1e-3) | (alpha < ALPHA_LOW + 1e-3)
    return torch.where(border, torch.nan, alpha)


def _nearer(samples: Tensor, law: PowerLawFit) -> Tensor:
    rows, n = samples.shape
    new = torch.ones_like(samples, dtype=torch.bool)
    new[:, 1:] = samples[:, 1:] != samples[:, :-1]
    new &= samples > 0
    # Distinct degrees to the left of each row, the rest padded with NaN.
    rank = (new.cumsum(1) - 1).clamp(min=0)
    width = int(new.sum(1).max())
    distinct = torch.full((rows, width + 1), torch.nan, dtype=torch.float64, device=samples.device)
    above = torch.zeros((rows, width + 1), dtype=torch.float64, device=samples.device)
    logs_above = torch.zeros_like(above)
    row, col = new.nonzero(as_tuple=True)
    logs = torch.log(samples.clamp(min=1))
    suffix = logs.flip(1).cumsum(1).flip(1)
    at = rank[row, col]
    distinct[row, at] = samples[row, col]
    above[row, at] = (n - col).to(torch.float64)
    logs_above[row, at] = suffix[row, col]
    found = torch.full((rows,), -1, dtype=torch.int8, device=samples.device)
    several = (above > 0).sum(1)
    steps = range(width - 1) if law.searched else range(1)
    for i in steps:
        if law.searched:
            first = torch.full((rows,), i, device=samples.device)
            x_min = distinct[:, i]
        else:
            first = (distinct < law.x_min).sum(1)
            x_min = torch.full_like(distinct[:, 0], law.x_min)
        usable = first < several - 1
        if law.searched:
            usable &= above[:, i] >= law.least_tail
        pick = first.clamp(max=width).unsqueeze(1)
        n_tail = above.gather(1, pick).squeeze(1)
        x_safe = torch.where(usable, x_min, 1.0)
        mean_log = logs_above.gather(1, pick).squeeze(1) / n_tail.clamp(min=1) - torch.log(x_safe)
        alpha = _maximise(torch.where(usable, mean_log, 1.0), x_safe)
        usable &= ~alpha.isnan()
        alpha = torch.where(usable, alpha, 2.0)
        scale = x_safe.unsqueeze(1)
        a = alpha.unsqueeze(1)
        inside = (distinct >= scale) & ~distinct.isnan()
        q = torch.where(inside, distinct, scale)
        total = _sums(a, scale, scale)
        share = above / n_tail.clamp(min=1).unsqueeze(1)
        sums = _sums(a, q, scale)
        deviation = torch.where(inside, (share - sums / total).abs(), 0.0)
        if law.ks == "integers":
            after = torch.cat([above[:, 1:], above[:, :1] * 0], 1)
            after = after / n_tail.clamp(min=1).unsqueeze(1)
            rest = (sums - torch.exp(-a * torch.log(q / scale))) / total
            deviation = torch.maximum(deviation, torch.where(inside, (after - rest).abs(), 0.0))
        near = (deviation.amax(1) < law.ks_distance - TIE).to(torch.int8)
        found = torch.where(usable, torch.maximum(found, near), found)
    return found
