"""scikit-learn's digits: 1,797 images of 8 x 8, installed with it. The embedded default."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from topolab_trainers.data.dataset import Dataset, DataSource

__all__ = ["DIGITS", "Digits"]


class Digits(DataSource):
    """The test part of the UCI optical digits (Alpaydin, Kaynak 1998), 10 classes.

    It has no official split: the last fifth of each class, in the order of the file, is held out
    (the order is that of the writers, so this holds out writers too).
    """

    name = "digits"
    summary = "8 x 8 handwritten digits, 1,797 images, embedded in scikit-learn"

    def load(self, data_dir: str | Path | None = None) -> Dataset:
        """Load the images and split them; `data_dir` is not used."""
        from sklearn.datasets import load_digits

        bunch = load_digits()
        x = (bunch.data / 16).astype(np.float32)
        y = bunch.target.astype(np.int64)
        held_out = hold_out_last(y, share=0.2)
        return Dataset(self.name, x[~held_out], y[~held_out], x[held_out], y[held_out],
                       image_shape=(1, 8, 8), n_classes=10)  # fmt: skip

    def where(self, data_dir: str | Path | None = None) -> str | None:
        """Always there: scikit-learn is a dependency."""
        return "embedded in scikit-learn"


def hold_out_last(labels: np.ndarray, *, share: float) -> np.ndarray:
    """Mark the last `share` of each class, in the order given.

    Examples
    --------
    >>> hold_out_last(np.array([0, 1, 0, 1, 0, 0]), share=0.5).astype(int)
    array([0, 0, 0, 1, 1, 1])
    """
    held_out = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        held_out[members[len(members) - int(len(members) * share) :]] = True
    return held_out


DIGITS = Digits()
