"""A data set: two noisy rings, one inside the other, in twenty dimensions."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from topolab_trainers.data.dataset import Dataset, DataSource

__all__ = ["RINGS", "Rings"]


class Rings(DataSource):
    """800 points for training and 200 for the test; the class is the ring."""

    name = "rings"
    summary = "two noisy rings in 20 dimensions, 1,000 points, made when asked for"

    def load(self, data_dir: str | Path | None = None) -> Dataset:
        """Make the points; the same every time."""
        rng = np.random.default_rng(0)
        y = np.arange(1000) % 2
        angle = rng.uniform(0, 2 * np.pi, 1000)
        flat = (1 + y)[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
        x = flat @ rng.normal(size=(2, 20)) + rng.normal(0, 0.1, (1000, 20))
        x, y = x.astype(np.float32), y.astype(np.int64)
        return Dataset(self.name, x[:800], y[:800], x[800:], y[800:],
                       image_shape=None, n_classes=2)  # fmt: skip

    def where(self, data_dir: str | Path | None = None) -> str | None:
        """Always there."""
        return "made when asked for"


RINGS = Rings()
