"""Small data sets in the form of the large ones: files, archives, tables."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zipfile
from pathlib import Path
from typing import ClassVar

import numpy as np

from topolab_trainers.data.cifar import CIFAR10, CIFAR100, Cifar
from topolab_trainers.data.covertype import Covertype
from topolab_trainers.data.dataset import DataSource
from topolab_trainers.data.emnist import EmnistBalanced
from topolab_trainers.data.mnist import Mnist

Server = tuple[str, Path]
Files = dict[str, bytes]


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
