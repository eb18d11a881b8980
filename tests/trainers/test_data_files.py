"""Data sets that come as archives or tables: damaged, swapped, half there, or cut short."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import socket
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from topolab.errors import MissingDataError
from topolab_trainers.data import emnist
from topolab_trainers.data.cifar import CIFAR10, CIFAR100, Cifar
from topolab_trainers.data.covertype import COVERTYPE, Covertype
from topolab_trainers.data.dataset import DataSource
from topolab_trainers.data.download import fetch, fetch_large
from topolab_trainers.data.emnist import EMNIST_BALANCED, EmnistBalanced
from topolab_trainers.data.mnist import MNIST, Mnist

Server = tuple[str, Path]
Files = dict[str, bytes]
REAL = {"mnist": MNIST, "emnist-balanced": EMNIST_BALANCED, "cifar10": CIFAR10,
        "cifar100": CIFAR100, "covertype": COVERTYPE}  # fmt: skip
HERE = {name: source.where() for name, source in REAL.items()}


@pytest.mark.parametrize("name", list(REAL))
def test_the_real_ones(name: str) -> None:
    if HERE[name] is None:
        pytest.skip(f"{name} is not on this machine")
    data = REAL[name].load()
    sizes = {"mnist": (60_000, 10_000), "emnist-balanced": (112_800, 18_800),
             "covertype": (11_340, 565_892)}  # fmt: skip
    assert (len(data.x_train), len(data.x_test)) == sizes.get(name, (50_000, 10_000))


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's own data is seen, and no server but a test's own is asked."""
    monkeypatch.setenv("TOPOLAB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("TOPOLAB_DATA_DIR", raising=False)
    for proxy in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(proxy, raising=False)
        monkeypatch.delenv(proxy.upper(), raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for name in ("MNIST", "EMNIST", "CIFAR10", "CIFAR100", "COVERTYPE"):
        monkeypatch.setenv(f"TOPOLAB_{name}_URL", "http://127.0.0.1:1")


def cached(tmp_path: Path) -> list[str]:
    return sorted(p.name for p in (tmp_path / "cache").rglob("*") if p.is_file())


def put(folder: Path, files: Files) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def idx(array: np.ndarray) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


def images(count: int) -> np.ndarray:
    out = np.zeros((count, 28, 28), np.uint8)
    out[:, 2, 5:9] = 1 + np.arange(count)[:, None]  # a stroke in a row, so not symmetric
    return out


def mnist() -> tuple[Mnist, Files]:
    class Small(Mnist):
        files: ClassVar = dict.fromkeys(Mnist.files)
        counts = ((2, 3), (1, 2))

    files = {}
    for part, counts in (("train", (2, 3)), ("t10k", (1, 2))):
        files[f"{part}-images-idx3-ubyte.gz"] = gzip.compress(idx(images(sum(counts))), mtime=0)
        labels = np.repeat(np.arange(2), counts)
        files[f"{part}-labels-idx1-ubyte.gz"] = gzip.compress(idx(labels), mtime=0)
    Small.published = {
        name.removesuffix(".gz"): hashlib.sha256(data).hexdigest() for name, data in files.items()
    }
    return Small(), files


def zipped(members: Files) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("gzip/emnist-letters-test-labels-idx1-ubyte.gz", b"another set")
        for name, data in members.items():
            archive.writestr(f"gzip/{name}", data)
    return buffer.getvalue()


def emnist_members() -> Files:
    members = {}
    for part, each in (("train", 2), ("test", 1)):
        stem = f"emnist-balanced-{part}"
        members[f"{stem}-images-idx3-ubyte.gz"] = gzip.compress(idx(images(3 * each)), mtime=0)
        labels = np.repeat(np.arange(3), each)
        members[f"{stem}-labels-idx1-ubyte.gz"] = gzip.compress(idx(labels), mtime=0)
    return members


def emnist_source(archive: bytes) -> EmnistBalanced:
    class Small(EmnistBalanced):
        counts = ((2,) * 3, (1,) * 3)
        archive_md5 = md5(archive)

    return Small()


def records(labels: list[int], label_bytes: int, base: int) -> bytes:
    """The first label byte is the coarse one; pixels tell plane, row and column apart."""
    out = np.zeros((len(labels), label_bytes + 3072), np.uint8)
    out[:, 0] = 17
    out[:, label_bytes - 1] = labels
    pixels = out[:, label_bytes:].reshape(-1, 3, 32, 32)
    pixels[:, 0, 0, 1], pixels[:, 1, 1, 0], pixels[:, 2, 31, 30] = 50, 100, 150
    pixels[:, 0, 5, 5] = base + np.arange(len(labels))
    return out.tobytes()


def tarred(members: Files, *, links: tuple[str, ...] = ()) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name in links:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, "/etc/hostname"
            archive.addfile(info)
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def cifar(number: int = 10, archive: bytes | None = None) -> tuple[Cifar, Files, bytes]:
    """CIFAR-10 or CIFAR-100 with their own names, three classes and few images."""
    like = {10: CIFAR10, 100: CIFAR100}[number]
    sizes = dict.fromkeys(like.files, 3)
    files = {
        name: records([0, 1, 2], like.label_bytes, 10 * i) for i, name in enumerate(like.files)
    }
    whole = archive or tarred({f"{like.inside}/{name}": data for name, data in files.items()})
    source = Cifar(
        like.name, "small", archive=like.archive, md5=md5(whole), inside=like.inside, files=sizes,
        label_bytes=like.label_bytes, classes=3, variable=like.variable,
    )  # fmt: skip
    return source, files, whole


def table() -> np.ndarray:
    rng = np.random.default_rng(1)
    labels = np.concatenate([np.tile(np.arange(7), 3), np.arange(7), np.arange(7)]) + 1
    out = np.zeros((len(labels), 55), np.int64)
    out[:, :10] = rng.integers(-100, 4000, (len(labels), 10))
    out[21:, :10] += 5000  # what is not for training lies elsewhere
    out[:, 10:54] = rng.integers(0, 2, (len(labels), 44))
    out[:, 54] = labels
    return out


def lines(array: np.ndarray) -> bytes:
    return "".join(",".join(map(str, row)) + "\n" for row in array.tolist()).encode()


class SmallCovertype(Covertype):
    counts = (5,) * 7
    train_counts = (3,) * 7
    validation = 7
    sha256 = hashlib.sha256(gzip.compress(lines(table()), mtime=0)).hexdigest()


def all_small() -> dict[str, tuple[DataSource, Files]]:
    """Every source with its local files: no archive where plain files are accepted."""
    members = emnist_members()
    return {
        "mnist": mnist(),
        "emnist-balanced": (emnist_source(zipped(members)), members),
        "cifar10": cifar(10)[:2],
        "cifar100": cifar(100)[:2],
        "covertype": (SmallCovertype(), {"covtype.data": lines(table())}),
    }


# All of them


@pytest.mark.parametrize("name", list(REAL))
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


@pytest.mark.parametrize("name", list(REAL))
def test_every_truncation_is_a_missing_data_error(name: str, tmp_path: Path) -> None:
    source, files = all_small()[name]
    for short, whole in files.items():
        for keep in (0, 1, 9, len(whole) // 3, len(whole) - 1):
            folder = put(tmp_path / "mine", {**files, short: whole[:keep]})
            if (short, keep) == ("covtype.data", len(whole) - 1):
                continue  # its last line break says nothing
            with pytest.raises(MissingDataError, match=short.removesuffix(".gz")):
                source.load(folder)


@pytest.mark.parametrize("name", list(REAL))
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


@pytest.mark.parametrize("name", list(REAL))
def test_arrays(name: str, tmp_path: Path) -> None:
    source, files = all_small()[name]
    data = source.load(put(tmp_path, files))
    for x, y in ((data.x_train, data.y_train), (data.x_test, data.y_test)):
        assert x.dtype == np.float32 and y.dtype == np.int64 and x.ndim == 2
        assert x.flags.c_contiguous and len(x) == len(y) and y.max() < data.n_classes
        if data.image_shape is not None:
            assert x.shape[1] == np.prod(data.image_shape) and 0 <= x.min() <= x.max() <= 1
    assert data.name == name


# MNIST


def test_a_download_of_mnist_is_compared_with_the_published_sums(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, files = mnist()
    address, folder = server
    name = "t10k-labels-idx1-ubyte.gz"
    # The same content, packed otherwise: fine in a user's folder, not what the server should send.
    again = {**files, name: gzip.compress(gzip.decompress(files[name]), 1, mtime=7)}
    assert source.load(put(tmp_path / "mine", again)).n_classes == 2
    put(folder, again)
    monkeypatch.setenv("TOPOLAB_MNIST_URL", address)
    with pytest.raises(MissingDataError, match=f"{name}: not the expected file"):
        source.load()
    assert name not in cached(tmp_path) and source.where() is None


def test_a_flipped_bit_in_a_gzipped_file(tmp_path: Path) -> None:
    source, files = mnist()
    right = source.load(put(tmp_path, files)).sha256
    name = "train-images-idx3-ubyte.gz"
    for at in range(len(files[name])):
        bad = bytearray(files[name])
        bad[at] ^= 4
        (tmp_path / name).write_bytes(bad)
        try:
            assert source.load(tmp_path).sha256 == right  # gzip's name, time and system fields
        except MissingDataError as error:
            assert name in str(error)


# EMNIST


@pytest.mark.parametrize("called", ["gzip.zip", "emnist.zip"])
def test_a_local_archive_is_read_where_it_is(
    called: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = emnist_members()
    source = emnist_source(zipped(members))
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("TOPOLAB_CACHE_DIR", str(tmp_path / "file"))  # no folder can be made there
    data = source.load(put(tmp_path / "zip", {called: zipped(members)}))
    assert data.sha256 == source.load(put(tmp_path / "files", members)).sha256
    plain = {k.removesuffix(".gz"): gzip.decompress(v) for k, v in members.items()}
    assert data.sha256 == source.load(put(tmp_path / "plain", plain)).sha256
    image = data.x_train[0].reshape(28, 28)
    assert (image[5:9, 2] > 0).all() and np.count_nonzero(image) == 4  # the stroke is upright


@pytest.mark.parametrize("part", ["images-idx3", "labels-idx1"])
def test_a_wrong_local_archive_leaves_the_cache_alone(part: str, tmp_path: Path) -> None:
    members = emnist_members()
    source = emnist_source(b"")
    wrong = images(5) if part == "images-idx3" else np.array([0, 0, 0, 1, 1, 2])
    members[f"emnist-balanced-train-{part}-ubyte.gz"] = gzip.compress(idx(wrong))
    with pytest.raises(MissingDataError, match=r"images of shape \(5, |but \[3, 2, 1\]"):
        source.load(put(tmp_path / "mine", {"gzip.zip": zipped(members)}))
    assert cached(tmp_path) == []


def test_every_damaged_byte_of_a_zip_is_a_missing_data_error(tmp_path: Path) -> None:
    whole = zipped(emnist_members())
    source = emnist_source(whole)
    right = source.load(put(tmp_path, {"gzip.zip": whole})).sha256
    for at in range(0, len(whole), 3):
        bad = bytearray(whole)
        bad[at] ^= 0x9E
        (tmp_path / "gzip.zip").write_bytes(bad)
        try:
            assert source.load(tmp_path).sha256 == right  # times and the like
        except MissingDataError as error:
            assert "gzip.zip" in str(error) or "emnist-balanced" in str(error)


def test_a_zip_that_lacks_a_member(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = emnist_members()
    del members["emnist-balanced-test-labels-idx1-ubyte.gz"]
    whole = zipped(members)
    source = emnist_source(whole)
    address, folder = server
    put(folder, {"gzip.zip": whole})
    with pytest.raises(MissingDataError, match="emnist-balanced-test-labels-idx1-ubyte"):
        source.load(folder)
    monkeypatch.setenv("TOPOLAB_EMNIST_URL", address)
    with pytest.raises(
        MissingDataError, match=r"emnist-balanced-test-labels-idx1-ubyte\.gz is not"
    ):
        source.load()
    assert cached(tmp_path) == []


def test_a_member_larger_than_it_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = zipped(emnist_members())
    monkeypatch.setattr(emnist, "MEMBER_LIMIT", 10)
    with pytest.raises(MissingDataError, match="larger than it can be"):
        emnist_source(whole).load(put(tmp_path, {"gzip.zip": whole}))


def test_only_the_four_members_are_kept(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = emnist_members()
    whole = zipped(members)
    address, folder = server
    put(folder, {"gzip.zip": whole})
    monkeypatch.setenv("TOPOLAB_EMNIST_URL", address + "/")
    source = emnist_source(whole)
    data = source.load()
    assert cached(tmp_path) == sorted(members)
    (folder / "gzip.zip").unlink()
    assert source.load().sha256 == data.sha256


@pytest.mark.parametrize("left", ["whole", "wrong"])
def test_a_download_cut_short_before_it_was_unpacked(
    left: str, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = emnist_members()
    whole = zipped(members)
    source = emnist_source(whole)
    cache = tmp_path / "cache" / "topolab" / "emnist-balanced"
    if left == "whole":
        put(cache, {"gzip.zip": whole})  # and no server answers
    else:
        put(cache, {"gzip.zip": zipped({})})
        address, folder = server
        put(folder, {"gzip.zip": whole})
        monkeypatch.setenv("TOPOLAB_EMNIST_URL", address)
    assert source.load().n_classes == 3
    assert cached(tmp_path) == sorted(members)


# CIFAR


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


# Covertype


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


# Downloads


@pytest.fixture
def liar() -> Iterator[str]:
    """A server that announces 100 bytes, sends 10, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                while b"\r\n\r\n" not in connection.recv(65536):
                    pass
                connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 100\r\n\r\n0123456789")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/file"
        thread.join(10)


Fetch = Callable[[str, Path], None]
FETCHES: dict[str, Fetch] = {
    "small": lambda url, to: fetch(url, to, lambda data, source: None),
    "large": lambda url, to: fetch_large(url, to, "md5", md5(b"0123456789")),
}


@pytest.mark.parametrize("how", list(FETCHES))
def test_fewer_bytes_than_announced(how: str, liar: str, tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=r"truncated|IncompleteRead"):
        FETCHES[how](liar, tmp_path / "kept" / "file")
    assert not list((tmp_path / "kept").glob("*"))


@pytest.mark.parametrize("how", list(FETCHES))
@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("file:///etc/hostname", "only http"),
        ("ftp://127.0.0.1/x", "only http"),
        ("http://[::1/x", "could not be downloaded"),
        ("http:///x", "could not be downloaded"),
        ("http://127.0.0.1:port/x", "could not be downloaded"),
        ("http://127.0.0.1:1/x", "could not be downloaded"),
    ],
)
def test_addresses_that_do_not_serve(how: str, url: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=f"{re.escape(url)}: .*{message}"):
        FETCHES[how](url, tmp_path / "kept" / "file")
    assert not list((tmp_path / "kept").glob("*"))


@pytest.mark.parametrize("how", list(FETCHES))
def test_a_place_that_cannot_be_written(how: str, server: Server, tmp_path: Path) -> None:
    address, folder = server
    put(folder, {"file": b"0123456789"})
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(MissingDataError, match="the download could not be kept"):
        FETCHES[how](f"{address}/file", tmp_path / "taken" / "file")
    FETCHES[how](f"{address}/file", tmp_path / "kept" / "file")
    assert (tmp_path / "kept" / "file").read_bytes() == b"0123456789"


def test_a_full_disk_is_not_blamed_on_the_server(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, folder = server
    put(folder, {"file": b"0123456789"})
    whole = Path.open

    def full(self: Path, mode: str = "r", *rest: object) -> object:
        if mode == "xb":
            raise OSError(28, "No space left on device")
        return whole(self, mode, *rest)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(MissingDataError, match=r"could not be kept .*No space left on device"):
        FETCHES["large"](f"{address}/file", tmp_path / "kept" / "file")


def test_more_bytes_than_it_can_have(server: Server, tmp_path: Path) -> None:
    address, folder = server
    put(folder, {"file": b"x" * 3_000_000})
    with pytest.raises(MissingDataError, match="larger than 2000000 bytes"):
        fetch_large(f"{address}/file", tmp_path / "kept" / "f", "md5", "0" * 32, limit=2_000_000)
    assert not list((tmp_path / "kept").glob("*"))


def test_published_figures() -> None:
    assert MNIST.counts[0] == (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949)
    assert MNIST.counts[1] == (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)
    assert set(MNIST.published) == set(MNIST.files)
    assert EMNIST_BALANCED.counts == ((2400,) * 47, (400,) * 47) and EMNIST_BALANCED.transposed
    assert (CIFAR10.classes, CIFAR10.label_bytes) == (10, 1)
    assert (CIFAR100.classes, CIFAR100.label_bytes) == (100, 2)
    assert COVERTYPE.counts == (211840, 283301, 35754, 2747, 9493, 17367, 20510)
