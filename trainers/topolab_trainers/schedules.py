"""When something happens, and how much of it: pure functions of the step."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["UpdateTimes", "cosine_fraction", "stepped_rate"]


def cosine_fraction(step: int, t_end: int, alpha: float) -> float:
    """RigL's drop fraction, alpha / 2 (1 + cos(pi step / t_end)); 0 from t_end on.

    The step counts from the start of the training, not from the first update.

    Examples
    --------
    >>> cosine_fraction(0, 100, 0.3), cosine_fraction(50, 100, 0.3), cosine_fraction(100, 100, 0.3)
    (0.3, 0.15, 0.0)
    """
    if step >= t_end:
        return 0.0
    return alpha / 2 * (1 + math.cos(math.pi * step / t_end))


def stepped_rate(step: int, total: int, rate: float) -> float:
    """NSH's learning rate: divided by 10 at 50 % and again at 75 % of the steps.

    Parameters
    ----------
    step : int
        The step about to be done, from 1.

    Examples
    --------
    >>> [round(stepped_rate(s, 100, 0.1), 4) for s in (1, 50, 51, 75, 76, 100)]
    [0.1, 0.1, 0.01, 0.01, 0.001, 0.001]
    """
    done = (step - 1) / total
    return rate * (1.0 if done < 0.5 else 0.1 if done < 0.75 else 0.01)


@dataclass(frozen=True)
class UpdateTimes:
    """At which steps the topology is updated.

    Parameters
    ----------
    every : int or "epoch" or None
        Every so many steps, or after the last step of every epoch, or never.
    t_end : int
        Updates happen at steps below this one only. With ``t_end`` = all steps there is none at
        the last step: it could not be trained any more.
    steps_per_epoch : int
    at : tuple of int, optional
        Exactly these steps instead.

    Examples
    --------
    >>> times = UpdateTimes(every=100, t_end=350, steps_per_epoch=200)
    >>> [step for step in range(1, 500) if times.due(step)]
    [100, 200, 300]
    >>> UpdateTimes(None, 350, 200, at=(200,)).due(200)
    True
    """

    every: int | str | None
    t_end: int
    steps_per_epoch: int
    at: tuple[int, ...] | None = None

    def due(self, step: int) -> bool:
        """Whether the topology is updated at this step, counted from 1."""
        if self.at is not None:
            return step in self.at
        if self.every is None or step >= self.t_end or step < 1:
            return False
        return step % self._interval == 0

    def before(self, step: int) -> int:
        """How many updates come before this step."""
        if self.at is not None:
            return sum(1 for at in self.at if at < step)
        if self.every is None:
            return 0
        return max(0, min(step, self.t_end) - 1) // self._interval

    @property
    def _interval(self) -> int:
        return self.steps_per_epoch if self.every == "epoch" else int(self.every or 1)
