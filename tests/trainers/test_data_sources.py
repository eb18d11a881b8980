"""What every data set does with files that are missing, cut short, or in several places."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from data_files import all_small, put

from topolab.errors import MissingDataError

pytestmark = pytest.mark.usefixtures("apart")


@pytest.mark.parametrize("name", list(all_small()))
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    source, files = all_small()[name]
    for absent in files:
        folder = put(tmp_path / absent, {k: v for k, v in files.items() if k != absent})
        folder.mkdir(exist_ok=True)
        with pytest.raises(MissingDataError) as caught:
            source.load(folder)
        message = str(caught.value)
        assert absent.removesuffix(".gz") in message and str(folder) in message
        assert not [k for k in files if k != absent and re.search(rf"\b{re.escape(k)}\b", message)]
        assert source.where(folder) is None


@pytest.mark.parametrize("name", list(all_small()))
def test_every_truncation_is_a_missing_data_error(name: str, tmp_path: Path) -> None:
    source, files = all_small()[name]
    for short, whole in files.items():
        for keep in (0, 1, 9, len(whole) // 3, len(whole) - 1):
            folder = put(tmp_path / "mine", {**files, short: whole[:keep]})
            if (short, keep) == ("covtype.data", len(whole) - 1):
                continue  # its last line break says nothing
            with pytest.raises(MissingDataError, match=short.removesuffix(".gz")):
                source.load(folder)


@pytest.mark.parametrize("name", list(all_small()))
def test_the_order_of_the_places(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, files = all_small()[name]
    places = [tmp_path / "mine", tmp_path / "all" / name, tmp_path / "cache" / "topolab" / name]
    for place in places:
        put(place, files)
    monkeypatch.setenv("TOPOLAB_DATA_DIR", str(tmp_path / "all"))
    found = [str(source.where(places[0])), str(source.where())]
    monkeypatch.delenv("TOPOLAB_DATA_DIR")
    found.append(str(source.where()))
    assert [Path(f) == p or Path(f).parent == p for f, p in zip(found, places, strict=True)] == [
        True
    ] * 3
    assert source.load().sha256 == source.load(places[0]).sha256
    for file in files:
        (places[2] / file).unlink()
    with pytest.raises(MissingDataError, match=r"127\.0\.0\.1:1/.*could not be downloaded"):
        source.load()


@pytest.mark.parametrize("name", list(all_small()))
def test_arrays(name: str, tmp_path: Path) -> None:
    source, files = all_small()[name]
    data = source.load(put(tmp_path, files))
    for x, y in ((data.x_train, data.y_train), (data.x_test, data.y_test)):
        assert x.dtype == np.float32 and y.dtype == np.int64 and x.ndim == 2
        assert x.flags.c_contiguous and len(x) == len(y) and y.max() < data.n_classes
        if data.image_shape is not None:
            assert x.shape[1] == np.prod(data.image_shape) and 0 <= x.min() <= x.max() <= 1
    assert data.name == name
