"""Covertype: its split, its scale, tables that are others."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import numpy as np
import pytest
from data_files import Server, SmallCovertype, cached, lines, put, table

from topolab.errors import MissingDataError

pytestmark = pytest.mark.usefixtures("apart")


def test_the_split_and_the_scale_of_covertype(tmp_path: Path) -> None:
    source, content = SmallCovertype(), table()
    data = source.load(put(tmp_path / "a", {"covtype.data": lines(content)}))
    mean, std = content[:21, :10].mean(0), content[:21, :10].std(0)
    for x, part in ((data.x_train, content[:21]), (data.x_test, content[28:])):
        np.testing.assert_allclose(x[:, :10], (part[:, :10] - mean) / std, rtol=1e-5, atol=1e-5)
        assert (x[:, 10:] == part[:, 10:54]).all()
    assert data.image_shape is None and data.n_classes == 7
    other = content.copy()
    other[28:, :10] *= 3  # a test part far off leaves the training part as it was
    other[21:28, :10] = 0  # and nothing of the validation part is used
    moved = source.load(put(tmp_path / "b", {"covtype.data.gz": gzip.compress(lines(other))}))
    assert (moved.x_train == data.x_train).all() and (moved.y_test == data.y_test).all()
    other[28:, :10] = content[28:, :10]
    same = source.load(put(tmp_path / "c", {"covtype.data": lines(other)}))
    assert same.sha256 == data.sha256


def test_a_constant_column_of_covertype(tmp_path: Path) -> None:
    content = table()
    content[:, 4] = 12
    data = SmallCovertype().load(put(tmp_path, {"covtype.data": lines(content)}))
    assert (data.x_train[:, 4] == 0).all() and np.isfinite(data.x_test).all()


@pytest.mark.parametrize(
    ("row", "column", "value", "message"),
    [
        (3, 54, "2000000000", "a label is from 1 to 2000000000, expected from 1 to 7"),
        (3, 54, "0", "a label is from 0 to 7"),
        (3, 54, "7", "the classes have"),
        (30, 54, "1", "the classes have"),
        (3, 20, "2", "a binary column is from 0 to 2"),
        (3, 2, "9" * 25, "not Covertype's table"),
        (3, 2, "9" * 12, "not Covertype's table"),
        (3, 2, "1e30", "not Covertype's table"),
        (3, 2, "nan", "not Covertype's table"),
        (3, 2, "", "not Covertype's table"),
        (3, 2, "tree", "not Covertype's table"),
        (3, 2, "1,2", "not Covertype's table"),
        (0, 2, "\xff", "not Covertype's table"),
    ],
)
def test_wrong_values_of_covertype(
    row: int, column: int, value: str, message: str, tmp_path: Path
) -> None:
    cells = [line.split(",") for line in lines(table()).decode().splitlines()]
    cells[row][column] = value
    raw = "\n".join(",".join(line) for line in cells).encode("latin-1")
    with pytest.raises(MissingDataError, match=re.escape(message)):
        SmallCovertype().load(put(tmp_path, {"covtype.data": raw}))


def test_rows_and_columns_of_covertype(tmp_path: Path) -> None:
    for wrong in (table()[:-1], table()[:, 1:], np.vstack([table(), table()[:1]])):
        with pytest.raises(MissingDataError, match=r"a table of .* where 35 x 55 was expected"):
            SmallCovertype().load(put(tmp_path, {"covtype.data": lines(wrong)}))
    order = np.r_[7:35, 0:7]
    order[[0, 30]] = order[[30, 0]]
    with pytest.raises(MissingDataError, match="the order of the records was changed"):
        SmallCovertype().load(put(tmp_path, {"covtype.data": lines(table()[order])}))


def test_covertype_is_downloaded(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, folder = server
    monkeypatch.setenv("TOPOLAB_COVERTYPE_URL", address)
    put(folder, {"covtype.data.gz": gzip.compress(lines(table()), 1, mtime=5)})
    with pytest.raises(MissingDataError, match=r"covtype\.data\.gz: not the expected file \(SHA"):
        SmallCovertype().load()
    assert cached(tmp_path) == []
    put(folder, {"covtype.data.gz": gzip.compress(lines(table()), mtime=0)})
    assert SmallCovertype().load().n_classes == 7
    assert cached(tmp_path) == ["covtype.data.gz"]
