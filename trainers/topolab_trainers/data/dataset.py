"""What every data set is, once it is loaded."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

__all__ = ["DataSource", "Dataset"]


@dataclass(frozen=True)
class Dataset:
    """A data set in memory, with its official split.

    Attributes
    ----------
    name : str
    x_train, x_test : ndarray of float32, shape (samples, inputs)
        Pixels are in [0, 1].
    y_train, y_test : ndarray of int64, shape (samples,)
    image_shape : tuple of int or None
        ``(C, H, W)``; None where the inputs are no image.
    n_classes : int
    """

    name: str
    x_train: npt.NDArray[np.float32]
    y_train: npt.NDArray[np.int64]
    x_test: npt.NDArray[np.float32]
    y_test: npt.NDArray[np.int64]
    image_shape: tuple[int, int, int] | None
    n_classes: int

    @cached_property
    def sha256(self) -> str:
        """SHA-256 over the four arrays: what the training really saw."""
        digest = hashlib.sha256()
        for array in (self.x_train, self.y_train, self.x_test, self.y_test):
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def describe(self) -> dict[str, Any]:
        """Name, hash and sizes, for a run's manifest."""
        return {
            "name": self.name,
            "sha256": self.sha256,
            "n_train": len(self.x_train),
            "n_test": len(self.x_test),
            "image_shape": None if self.image_shape is None else list(self.image_shape),
            "n_classes": self.n_classes,
        }


class DataSource(ABC):
    """A data set that may or may not be on this machine."""

    name: ClassVar[str]
    summary: ClassVar[str]

    @abstractmethod
    def load(self, data_dir: str | Path | None = None) -> Dataset:
        """Load it, from `data_dir` if it needs files.

        Raises
        ------
        MissingDataError
            If it is not here and cannot be fetched; the message says how to get it.
        """

    @abstractmethod
    def where(self, data_dir: str | Path | None = None) -> str | None:
        """Where it was found, without loading it; None if it is not on this machine."""
