"""Data sets from files and from a local server: good, truncated, altered, absent."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

from topolab.errors import MissingDataError
from topolab_trainers.data import fashion_mnist
from topolab_trainers.data.digits import DIGITS
from topolab_trainers.data.fashion_mnist import FASHION_MNIST, FashionMnist
from topolab_trainers.data.idx import parse_idx
from topolab_trainers.data.mnist5k import MNIST5K


def test_digits() -> None:
    data = DIGITS.load()
    assert data.x_train.shape == (1442, 64) and data.x_test.shape == (355, 64)
    assert data.x_train.dtype == np.float32 and data.x_train.min() == 0 and data.x_train.max() == 1
    assert np.bincount(data.y_test).tolist() == [35, 36, 35, 36, 36, 36, 36, 35, 34, 36]
    assert data.sha256 == DIGITS.load().sha256
    assert data.describe()["n_train"] == 1442


def test_mnist5k() -> None:
    data = MNIST5K.load()
    assert data.x_train.shape == (4000, 784) and (np.bincount(data.y_test) == 100).all()
    assert data.x_train.max() == 1 and MNIST5K.where() is not None


def test_mnist5k_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("topolab_trainers.data.mnist5k.find_spec", lambda _: None)
    with pytest.raises(MissingDataError, match=r"pip install 'topolab\[mnist5k\]'"):
        MNIST5K.load()
    assert MNIST5K.where() is None


@pytest.mark.skipif(FASHION_MNIST.where() is None, reason="Fashion-MNIST is not on this machine")
def test_the_real_fashion_mnist() -> None:
    data = FASHION_MNIST.load()
    assert data.x_train.shape == (60_000, 784) and data.x_test.shape == (10_000, 784)
    assert (np.bincount(data.y_train) == 6000).all() and data.image_shape == (1, 28, 28)
    assert float(data.x_train.mean()) == pytest.approx(0.2860, abs=5e-5)  # the known mean


def idx(array: np.ndarray) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[FashionMnist, dict[str, bytes]]:
    """A data set with the sizes of Fashion-MNIST and files made here, found nowhere yet."""
    rng = np.random.default_rng(0)
    content = {}
    for part, each in (("train", 6000), ("t10k", 1000)):
        images = np.zeros((10 * each, 28, 28), np.uint8)
        images[:, 14, 14] = rng.integers(0, 256, 10 * each)
        content[f"{part}-images-idx3-ubyte"] = idx(images)
        content[f"{part}-labels-idx1-ubyte"] = idx(np.repeat(np.arange(10), each))
    source = FashionMnist()
    sums = {stem: hashlib.sha256(data).hexdigest() for stem, data in content.items()}
    monkeypatch.setattr(source, "files", sums, raising=False)
    monkeypatch.setattr(source, "debian", tmp_path / "no-debian", raising=False)
    monkeypatch.setenv("TOPOLAB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("TOPOLAB_DATA_DIR", raising=False)
    monkeypatch.delenv("http_proxy", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return source, content


def write(folder: Path, content: dict[str, bytes], *, zipped: bool) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for stem, data in content.items():
        if zipped:
            (folder / f"{stem}.gz").write_bytes(gzip.compress(data, 1))
        else:
            (folder / stem).write_bytes(data)
    return folder


Fake = tuple[FashionMnist, dict[str, bytes]]


@pytest.mark.parametrize("zipped", [True, False])
def test_from_a_folder(fake: Fake, tmp_path: Path, zipped: bool) -> None:
    source, content = fake
    folder = write(tmp_path / "mine", content, zipped=zipped)
    data = source.load(folder)
    assert data.x_train.shape == (60_000, 784)
    assert source.where(folder) == str(folder)
    assert source.load(tmp_path / "mine").sha256 == data.sha256


def test_from_the_environment_and_a_subfolder(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, content = fake
    write(tmp_path / "all" / "fashion-mnist", content, zipped=True)
    monkeypatch.setenv("TOPOLAB_DATA_DIR", str(tmp_path / "all"))
    assert source.load().n_classes == 10
    assert source.where() == str(tmp_path / "all" / "fashion-mnist")


def test_a_folder_that_lacks_a_file(fake: Fake, tmp_path: Path) -> None:
    source, content = fake
    folder = write(tmp_path / "mine", content, zipped=True)
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(
        MissingDataError, match=r"mine: no t10k-labels-idx1-ubyte \(with or without"
    ):
        source.load(folder)
    assert source.where(folder) is None


def test_damaged_local_files(fake: Fake, tmp_path: Path) -> None:
    source, content = fake
    folder = write(tmp_path / "mine", content, zipped=True)
    path = folder / "train-labels-idx1-ubyte.gz"
    whole = path.read_bytes()
    for bad, message in (
        (whole[: len(whole) // 2], "truncated"),
        (b"not gzip at all", "not a gzip file"),
        (gzip.compress(b"something else"), "not the expected file"),
    ):
        path.write_bytes(bad)
        with pytest.raises(MissingDataError, match=f"train-labels-idx1-ubyte.gz: .*{message}"):
            source.load(folder)


def test_a_download_is_kept(
    fake: Fake, server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, content = fake
    address, folder = server
    write(folder, content, zipped=True)
    monkeypatch.setenv("TOPOLAB_FASHION_MNIST_URL", address + "/")
    data = source.load()
    for file in folder.iterdir():
        file.unlink()
    assert source.load().sha256 == data.sha256  # from the cache now
    assert "cache" in str(source.where())


@pytest.mark.parametrize("trouble", ["truncated", "altered", "missing", "unreachable"])
def test_a_download_that_fails_keeps_nothing(
    fake: Fake,
    server: tuple[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    trouble: str,
) -> None:
    source, content = fake
    address, folder = server
    write(folder, content, zipped=True)
    path = folder / "train-images-idx3-ubyte.gz"
    message = {
        "truncated": "truncated",
        "altered": "not the expected file",
        "missing": "answered 404",
        "unreachable": "could not be downloaded",
    }[trouble]
    if trouble == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    elif trouble == "altered":
        path.write_bytes(gzip.compress(b"x"))
    elif trouble == "missing":
        path.unlink()
    else:
        address = "http://127.0.0.1:1"
    monkeypatch.setenv("TOPOLAB_FASHION_MNIST_URL", address)
    with pytest.raises(MissingDataError, match=message) as caught:
        source.load()
    assert "apt-get install dataset-fashion-mnist" in str(caught.value)
    assert caught.value.exit_code == 4
    assert not (tmp_path / "cache" / "topolab" / "fashion-mnist" / path.name).exists()


def test_only_web_addresses_are_fetched(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOPOLAB_FASHION_MNIST_URL", "file:///etc")
    with pytest.raises(MissingDataError, match="only http"):
        fake[0].load()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0\x08",
        b"\0\0\x0d\x01\0\0\0\0",
        b"\0\0\x08\x01\0\0\0\x05abc",
        b"\0\0\x08\x09" + b"\0" * 40,
    ],
)
def test_files_that_are_no_idx(content: bytes) -> None:
    with pytest.raises(MissingDataError, match="here"):
        parse_idx(content, source="here")


def test_wrong_sizes_are_refused(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, content = fake
    content["t10k-labels-idx1-ubyte"] = idx(np.zeros(10_000))
    sums = {stem: hashlib.sha256(data).hexdigest() for stem, data in content.items()}
    monkeypatch.setattr(source, "files", sums, raising=False)
    with pytest.raises(MissingDataError, match="not 1000 of each"):
        source.load(write(tmp_path / "mine", content, zipped=False))


def test_the_checksums_are_of_64_digits() -> None:
    assert all(len(s) == 64 for s in fashion_mnist.FashionMnist.files.values())
