"""MNIST, EMNIST, CIFAR and Covertype from small files made here, and from a local server."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from topolab.errors import MissingDataError
from topolab_trainers.data.cifar import CIFAR10, CIFAR100, Cifar
from topolab_trainers.data.covertype import COVERTYPE, Covertype
from topolab_trainers.data.dataset import DataSource
from topolab_trainers.data.emnist import EMNIST_BALANCED, EmnistBalanced
from topolab_trainers.data.mnist import MNIST, Mnist

Server = tuple[str, Path]


def idx(array: np.ndarray) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's own data is seen, and no proxy is asked."""
    monkeypatch.setenv("TOPOLAB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("TOPOLAB_DATA_DIR", raising=False)
    monkeypatch.delenv("http_proxy", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


class Case:
    """A source with small files, what its server serves, and what is expected of it."""

    def __init__(self, source: DataSource, files: dict[str, bytes], served: dict[str, bytes],
                 variable: str) -> None:  # fmt: skip
        self.source, self.files, self.served, self.variable = source, files, served, variable


def images(count: int) -> np.ndarray:
    """Every image says its position, and is not symmetric."""
    out = np.zeros((count, 28, 28), np.uint8)
    out[:, 3, 20] = 1 + np.arange(count) % 255
    return out


def mnist_case() -> Case:
    class Small(Mnist):
        counts = ((3, 2, 4), (1, 2, 1))
        files: ClassVar = dict.fromkeys(Mnist.files)

    files = {}
    for part, counts in (("train", (3, 2, 4)), ("t10k", (1, 2, 1))):
        labels = np.repeat(np.arange(3), counts)
        files[f"{part}-images-idx3-ubyte.gz"] = gzip.compress(idx(images(len(labels))))
        files[f"{part}-labels-idx1-ubyte.gz"] = gzip.compress(idx(labels))
    Small.published = {k[:-3]: hashlib.sha256(v).hexdigest() for k, v in files.items()}
    return Case(Small(), files, files, "TOPOLAB_MNIST_URL")


def emnist_case() -> Case:
    class Small(EmnistBalanced):
        counts = ((2,) * 5, (1,) * 5)

    members = {}
    for part, each in (("train", 2), ("test", 1)):
        labels = np.repeat(np.arange(5), each)
        stem = f"emnist-balanced-{part}"
        members[f"{stem}-images-idx3-ubyte.gz"] = gzip.compress(idx(images(len(labels))))
        members[f"{stem}-labels-idx1-ubyte.gz"] = gzip.compress(idx(labels))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("gzip/emnist-letters-train-labels-idx1-ubyte.gz", b"another set")
        for name, data in members.items():
            archive.writestr(f"gzip/{name}", data)
    whole = buffer.getvalue()
    Small.archive_md5 = hashlib.md5(whole, usedforsecurity=False).hexdigest()
    return Case(Small(), {"gzip.zip": whole}, {"gzip.zip": whole}, "TOPOLAB_EMNIST_URL")


def records(labels: np.ndarray, label_bytes: int, seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    out = rng.integers(0, 256, (len(labels), label_bytes + 3072)).astype(np.uint8)
    out[:, 0] = 9  # of two label bytes the first is the coarse one
    out[:, label_bytes - 1] = labels
    out[:, label_bytes : label_bytes + 3072] = 0
    out[:, label_bytes] = 255  # red, first row, first column
    out[:, label_bytes + 1024 + 33] = 51  # green, second row, second column
    return out.tobytes()


def cifar_case(label_bytes: int = 1) -> Case:
    files = {"data_batch_1.bin": 6, "data_batch_2.bin": 6, "test_batch.bin": 3}
    content = {
        name: records(np.arange(count) % 3, label_bytes, seed)
        for seed, (name, count) in enumerate(files.items())
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in {"../readme.html": b"x", **content}.items():
            info = tarfile.TarInfo(f"inside/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    whole = buffer.getvalue()
    source = Cifar(
        "cifar10", "small", archive="small.tar.gz",
        md5=hashlib.md5(whole, usedforsecurity=False).hexdigest(), inside="inside", files=files,
        label_bytes=label_bytes, classes=3, variable="TOPOLAB_CIFAR10_URL",
    )  # fmt: skip
    return Case(source, content, {"small.tar.gz": whole}, "TOPOLAB_CIFAR10_URL")


def covertype_case() -> Case:
    rng = np.random.default_rng(0)
    labels = np.concatenate([np.repeat(np.arange(7), 4), [0] * 6, np.arange(7), [1, 1]]) + 1
    table = np.zeros((len(labels), 55), dtype=np.int64)
    table[:, :10] = rng.integers(0, 3000, (len(labels), 10))
    table[28:, :10] += 10_000  # what is not for training lies elsewhere
    table[:, 10:54] = rng.integers(0, 2, (len(labels), 44))
    table[:, 54] = labels

    class Small(Covertype):
        counts = np.bincount(labels - 1, minlength=7).tolist()
        train_counts = (4,) * 7
        validation = 6

    raw = "\n".join(",".join(map(str, row)) for row in table.tolist()).encode()
    packed = gzip.compress(raw)
    Small.sha256 = hashlib.sha256(packed).hexdigest()
    return Case(Small(), {"covtype.data": raw}, {"covtype.data.gz": packed},
                "TOPOLAB_COVERTYPE_URL")  # fmt: skip


CASES = {"mnist": mnist_case, "emnist-balanced": emnist_case, "cifar10": cifar_case,
         "covertype": covertype_case}  # fmt: skip


@pytest.fixture(params=list(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]()


def put(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def test_local_files_first(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(case.variable, "http://127.0.0.1:1")  # nothing is to be asked there
    folder = put(tmp_path / "mine", case.files)
    assert case.source.where() is None and case.source.where(folder) is not None
    data = case.source.load(folder)
    assert len(data.x_train) == len(data.y_train) and len(data.x_test) == len(data.y_test)
    monkeypatch.setenv("TOPOLAB_DATA_DIR", str(tmp_path / "all"))
    put(tmp_path / "all" / case.source.name, case.files)
    assert case.source.load().sha256 == data.sha256


def test_the_archive_and_its_files_are_the_same(case: Case, tmp_path: Path) -> None:
    files = case.source.load(put(tmp_path / "files", case.files))
    archive = case.source.load(put(tmp_path / "archive", case.served))
    assert files.sha256 == archive.sha256


def test_mnists_values(tmp_path: Path) -> None:
    data = mnist_case().source.load(put(tmp_path, mnist_case().files))
    assert data.y_train.tolist() == [0, 0, 0, 1, 1, 2, 2, 2, 2] and data.n_classes == 3
    image = data.x_train[4].reshape(28, 28)
    assert image[3, 20] == np.float32(5 / 255) and np.count_nonzero(image) == 1


def test_emnists_images_stand_upright(tmp_path: Path) -> None:
    data = emnist_case().source.load(put(tmp_path, emnist_case().files))
    image = data.x_train[0].reshape(28, 28)
    assert image[20, 3] > 0 and image[3, 20] == 0
    assert data.n_classes == 5 and len(data.y_test) == 5


@pytest.mark.parametrize("label_bytes", [1, 2])
def test_cifars_channels_and_labels(tmp_path: Path, label_bytes: int) -> None:
    case = cifar_case(label_bytes)
    data = case.source.load(put(tmp_path, case.files))
    assert data.x_train.shape == (12, 3072) and data.image_shape == (3, 32, 32)
    image = data.x_train[0].reshape(3, 32, 32)
    assert image[0, 0, 0] == 1 and image[1, 1, 1] == np.float32(51 / 255)
    assert np.count_nonzero(image) == 2
    assert data.y_train.tolist() == [0, 1, 2] * 4


def test_covertype_is_standardised_on_the_training_part_only(tmp_path: Path) -> None:
    case = covertype_case()
    data = case.source.load(put(tmp_path, case.files))
    assert data.x_train.shape == (28, 54) and data.x_test.shape == (9, 54)
    assert data.image_shape is None
    np.testing.assert_allclose(data.x_train[:, :10].mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(data.x_train[:, :10].std(0), 1, atol=1e-5)
    # 10,000 above the training part, whose spread is at most 3,000: nothing of it leaked.
    assert data.x_test[:, :10].min() > 5
    assert set(np.unique(data.x_train[:, 10:])) == {0, 1}
    assert data.y_test.tolist() == [0, 1, 2, 3, 4, 5, 6, 1, 1]


def test_a_download_is_checked_and_kept(
    case: Case, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, folder = server
    put(folder, case.served)
    monkeypatch.setenv(case.variable, address)
    data = case.source.load()
    for file in folder.iterdir():
        file.unlink()
    assert case.source.load().sha256 == data.sha256
    assert "cache" in str(case.source.where())


@pytest.mark.parametrize("trouble", ["truncated", "altered", "missing", "unreachable"])
def test_a_download_that_fails_keeps_nothing(
    case: Case, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    address, folder = server
    put(folder, case.served)
    path = folder / next(iter(case.served))
    whole = path.read_bytes()
    message = "not the expected file|truncated"
    if trouble == "truncated":
        path.write_bytes(whole[:-20])
    elif trouble == "altered":
        # The very last bytes of a zip or gzip file may not matter to a reader; its sum does.
        path.write_bytes(whole[:-30] + bytes([whole[-30] ^ 1]) + whole[-29:])
    elif trouble == "missing":
        path.unlink()
        message = "answered 404"
    else:
        address, message = "http://127.0.0.1:1", "could not be downloaded"
    monkeypatch.setenv(case.variable, address)
    with pytest.raises(MissingDataError, match=message) as caught:
        case.source.load()
    assert "--data-dir" in str(caught.value) and caught.value.exit_code == 4
    assert not [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]


def test_a_folder_without_the_files_is_named(case: Case, tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=str(tmp_path)):
        case.source.load(tmp_path)
    assert case.source.where(tmp_path) is None


def test_damaged_local_files_are_named(case: Case, tmp_path: Path) -> None:
    folder = put(tmp_path / "mine", case.files)
    for name, whole in case.files.items():
        (folder / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(MissingDataError, match=name.removesuffix(".gz")):
            case.source.load(folder)
        (folder / name).write_bytes(whole)


def test_damaged_archives_are_named(case: Case, tmp_path: Path) -> None:
    for name, whole in case.served.items():
        put(tmp_path / "mine", case.served)
        (tmp_path / "mine" / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(MissingDataError, match=name.split(".")[0]):
            case.source.load(tmp_path / "mine")


def test_wrong_class_counts(tmp_path: Path) -> None:
    mnist = mnist_case()
    mnist.files["t10k-labels-idx1-ubyte.gz"] = gzip.compress(idx(np.array([0, 0, 1, 2])))
    with pytest.raises(MissingDataError, match=r"labels are not .* but \[2, 1, 1\]"):
        mnist.source.load(put(tmp_path / "m", mnist.files))
    cifar = cifar_case()
    cifar.files["data_batch_1.bin"] = records(np.array([0, 0, 0, 1, 2, 2]), 1, 0)
    with pytest.raises(MissingDataError, match="not equally many of 3 classes"):
        cifar.source.load(put(tmp_path / "c", cifar.files))
    cover = covertype_case()
    cover.files["covtype.data"] = cover.files["covtype.data"].replace(b",7\n", b",6\n", 1)
    with pytest.raises(MissingDataError, match="the classes have"):
        cover.source.load(put(tmp_path / "f", cover.files))
    lines = covertype_case().files["covtype.data"].split(b"\n")
    with pytest.raises(MissingDataError, match="the order of the records was changed"):
        cover.source.load(put(tmp_path / "f", {"covtype.data": b"\n".join(lines[::-1])}))


def test_pickles_are_never_read(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "unpickled",))

    import pickle

    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    (folder / "data_batch_1").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(MissingDataError, match="does not read, since unpickling a file runs code"):
        CIFAR10.load(tmp_path)
    assert not (tmp_path / "unpickled").exists()


def test_what_is_known_of_the_real_files() -> None:
    assert [sum(c) for c in MNIST.counts] == [60_000, 10_000]
    assert [sum(c) for c in EMNIST_BALANCED.counts] == [112_800, 18_800]
    assert sum(COVERTYPE.counts) == 581_012 and sum(COVERTYPE.train_counts) == 11_340
    assert sum(COVERTYPE.counts) - 11_340 - COVERTYPE.validation == 565_892
    assert list(CIFAR10.files.values()) == [10_000] * 6
    assert list(CIFAR100.files.values()) == [50_000, 10_000]
    assert len(CIFAR10.md5) == len(CIFAR100.md5) == len(EMNIST_BALANCED.archive_md5) == 32
    from sklearn.datasets._covtype import ARCHIVE

    assert ARCHIVE.checksum == COVERTYPE.sha256
    assert ARCHIVE.url == f"{COVERTYPE.url}/{COVERTYPE.remote}"
