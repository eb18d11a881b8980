"""The contract of a data set."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

from topolab.errors import MissingDataError
from topolab.registry import Group
from topolab.testing import Contract

__all__ = ["DatasetContract"]


class DatasetContract(Contract):
    """What every registered data set does; one that is not on this machine says how to get it."""

    group: ClassVar[Group] = "datasets"

    def test_what_it_is(self, name: str) -> None:
        """Arrays of the right kinds, labels of every class, the same when loaded again."""
        source = self.entry(name)
        assert source.name == name and 0 < len(source.summary) < 100
        if source.where() is None:
            pytest.skip(f"{name} is not on this machine")
        loaded = source.load()
        for x, y in ((loaded.x_train, loaded.y_train), (loaded.x_test, loaded.y_test)):
            assert x.dtype == np.float32 and y.dtype == np.int64
            assert x.ndim == 2 and len(x) == len(y) > 0 and np.isfinite(x).all()
            assert set(np.unique(y)) <= set(range(loaded.n_classes))
        assert len(np.unique(loaded.y_train)) == loaded.n_classes
        if loaded.image_shape is not None:
            assert np.prod(loaded.image_shape) == loaded.x_train.shape[1]
        assert source.load().sha256 == loaded.sha256

    def test_what_is_not_there_is_said(self, name: str, tmp_path: object) -> None:
        """An empty folder gives a sentence, or the data set needs none."""
        source = self.entry(name)
        try:
            source.load(tmp_path)
        except MissingDataError as error:
            assert str(tmp_path) in str(error)
