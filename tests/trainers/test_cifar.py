"""CIFAR-10 and CIFAR-100: three forms, and archives that are others."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from data_files import Server, cached, cifar, put, records, tarred

from topolab.errors import MissingDataError
from topolab_trainers.data.cifar import CIFAR10, CIFAR100

pytestmark = pytest.mark.usefixtures("apart")


@pytest.mark.parametrize("number", [10, 100])
def test_the_three_forms_of_cifar_are_the_same(number: int, tmp_path: Path) -> None:
    source, files, whole = cifar(number)
    forms = {
        "archive": {source.archive: whole},
        "folder": {f"{source.inside}/{name}": data for name, data in files.items()},
        "files": files,
    }
    loaded = {form: source.load(put(tmp_path / form, held)) for form, held in forms.items()}
    assert len({data.sha256 for data in loaded.values()}) == 1
    data = loaded["archive"]
    image = data.x_train[1].reshape(3, 32, 32)
    expected = {(0, 0, 1): 50, (1, 1, 0): 100, (2, 31, 30): 150, (0, 5, 5): 1}
    assert {tuple(map(int, at)) for at in np.argwhere(image)} == set(expected)
    for at, value in expected.items():
        assert image[at] == np.float32(value) / np.float32(255)
    assert data.y_train.tolist() == [0, 1, 2] * (len(files) - 1)  # the fine labels, not 17
    order = np.rint(data.x_train[:, 5 * 32 + 5] * 255).astype(int).reshape(-1, 3)[:, 0]
    assert order.tolist() == [10 * i for i in range(len(files) - 1)]  # batch after batch
    assert np.rint(data.x_test[0, 5 * 32 + 5] * 255) == 10 * (len(files) - 1)


@pytest.mark.parametrize("number", [10, 100])
def test_an_archive_of_cifar_that_is_another(number: int, tmp_path: Path) -> None:
    source, files, _ = cifar(number)
    name = next(iter(files))
    altered = bytearray(files[name])
    altered[700] ^= 1  # one pixel: sizes and labels are as they should be
    other = tarred({f"{source.inside}/{k}": v for k, v in {**files, name: bytes(altered)}.items()})
    with pytest.raises(MissingDataError, match=r"not the expected file \(MD5 .* unpack it"):
        source.load(put(tmp_path, {source.archive: other}))


def test_paths_and_links_in_an_archive_are_not_followed(tmp_path: Path) -> None:
    _, files, _ = cifar()
    hostile = tarred({f"../../{name}": data for name, data in files.items()}, links=("../evil",))
    source, _, _ = cifar(archive=hostile)
    folder = put(tmp_path / "a" / "b" / "c", {source.archive: hostile})
    before = sorted(tmp_path.rglob("*"))
    assert source.load(folder).n_classes == 3
    assert sorted(tmp_path.rglob("*")) == before  # nothing was unpacked
    rest = {k: v for k, v in files.items() if k != "test_batch.bin"}
    linked = tarred(rest, links=("test_batch.bin",))
    with pytest.raises(MissingDataError, match=r"test_batch\.bin is not in it"):
        cifar(archive=linked)[0].load(put(tmp_path / "linked", {source.archive: linked}))


def test_an_archive_with_a_member_of_another_size(tmp_path: Path) -> None:
    _, files, _ = cifar()
    whole = tarred({**files, "data_batch_3.bin": b"\0" * 3074})
    source, _, _ = cifar(archive=whole)
    with pytest.raises(MissingDataError, match=r"data_batch_3\.bin: 3074 bytes where 3 images"):
        source.load(put(tmp_path, {source.archive: whole}))


def test_labels_of_cifar(tmp_path: Path) -> None:
    source, files, _ = cifar()
    with pytest.raises(MissingDataError, match=r"test_batch\.bin: a label is 3, of 3 classes"):
        source.load(put(tmp_path, {**files, "test_batch.bin": records([0, 1, 3], 1, 0)}))
    with pytest.raises(MissingDataError, match=r"test labels .*\(1 of each\), but 0 to 2"):
        source.load(put(tmp_path, {**files, "test_batch.bin": records([0, 1, 1], 1, 0)}))


@pytest.mark.parametrize(
    ("number", "pickled"),
    [
        (10, "cifar-10-batches-py/data_batch_1"),
        (10, "data_batch_1"),
        (10, "cifar-10-python.tar.gz"),
        (100, "cifar-100-python/train"),
        (100, "train"),
        (100, "cifar-100-python.tar.gz"),
    ],
)
def test_the_python_version_is_refused_and_the_other_named(
    number: int, pickled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = {10: CIFAR10, 100: CIFAR100}[number]
    folder = put(tmp_path / "mine", {pickled: b"cposix\nsystem\n(S'false'\ntR."})
    told = f"{pickled} is of the pickled python version, which topolab does not read"
    with pytest.raises(MissingDataError, match=re.escape(told)) as caught:
        source.load(folder)
    assert f"https://www.cs.toronto.edu/~kriz/cifar-{number}-binary.tar.gz" in str(caught.value)
    monkeypatch.setenv("TOPOLAB_DATA_DIR", str(folder))
    with pytest.raises(MissingDataError, match=re.escape(told)) as caught:
        source.load()
    assert f"put cifar-{number}-binary.tar.gz (the binary version)" in str(caught.value)


def test_cifar100_is_downloaded(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, files, whole = cifar(100)
    address, folder = server
    put(folder, {source.archive: whole[:-1]})
    monkeypatch.setenv("TOPOLAB_CIFAR100_URL", address)
    with pytest.raises(MissingDataError, match="not the expected file") as caught:
        source.load()
    assert "TOPOLAB_DATA_DIR" in str(caught.value) and cached(tmp_path) == []
    put(folder, {source.archive: whole})
    assert source.load().sha256 == source.load(put(tmp_path / "mine", files)).sha256
    assert cached(tmp_path) == [source.archive]
