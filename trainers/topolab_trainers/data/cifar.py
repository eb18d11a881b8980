"""CIFAR-10 and CIFAR-100: 60,000 colour images, 32 x 32, in their binary version."""

from __future__ import annotations

import os
import tarfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from topolab.errors import MissingDataError
from topolab_trainers.data.dataset import Dataset, DataSource
from topolab_trainers.data.download import cache_folder, fetch_large, named_folders

__all__ = ["CIFAR10", "CIFAR100", "Cifar"]

URL = "https://www.cs.toronto.edu/~kriz"
PIXELS = 3 * 32 * 32


class Cifar(DataSource):
    """Records of label bytes and 3,072 pixels (red, green, blue planes, row by row).

    Found as the archive, as the folder it unpacks to, or as that folder's files; else downloaded.
    The python version of the sets is pickled and is never read.

    Parameters
    ----------
    name, summary : str
    archive, md5 : str
        File name and published MD5 of the archive.
    inside : str
        Folder in the archive.
    files : mapping of str to int
        File name and number of records, training files first, the test file last.
    label_bytes : int
        Bytes before the pixels; the last of them is the label.
    classes : int
    variable : str
        Environment variable that names another server.

    References
    ----------
    A. Krizhevsky, "Learning multiple layers of features from tiny images" (2009).
    """

    def __init__(
        self,
        name: str,
        summary: str,
        *,
        archive: str,
        md5: str,
        inside: str,
        files: Mapping[str, int],
        label_bytes: int,
        classes: int,
        variable: str,
    ) -> None:
        self.name, self.summary = name, summary  # type: ignore[misc]
        self.archive, self.md5, self.inside = archive, md5, inside
        self.files, self.label_bytes, self.classes = dict(files), label_bytes, classes
        self.variable = variable

    def load(self, data_dir: str | Path | None = None) -> Dataset:
        """Find or fetch it, check it, and read it.

        Raises
        ------
        MissingDataError
            If a folder was named that does not hold it, a file is damaged, or there is none and
            it cannot be downloaded.
        """
        found = self._find(data_dir)
        if found is None:
            found = self._download()
        contents = self._from_archive(found) if found.is_file() else self._from_folder(found)
        parts = [self._records(contents[name], count, f"{found}: {name}")
                 for name, count in self.files.items()]  # fmt: skip
        x_train = np.concatenate([x for x, _ in parts[:-1]])
        y_train = np.concatenate([y for _, y in parts[:-1]])
        x_test, y_test = parts[-1]
        for what, labels in (("training", y_train), ("test", y_test)):
            counts = np.bincount(labels, minlength=self.classes)
            if len(counts) != self.classes or len(set(counts.tolist())) != 1:
                raise MissingDataError(
                    f"{found}: the {what} labels are not equally many of {self.classes} classes"
                )
        return Dataset(
            self.name, x_train, y_train, x_test, y_test, image_shape=(3, 32, 32),
            n_classes=self.classes,
        )  # fmt: skip

    def where(self, data_dir: str | Path | None = None) -> str | None:
        """The archive or folder that holds it, if one does."""
        try:
            found = self._find(data_dir)
        except MissingDataError:
            return None
        return None if found is None else str(found)

    def _find(self, data_dir: str | Path | None) -> Path | None:
        named = named_folders(self.name, data_dir)
        for folder in (*named, cache_folder(self.name)):
            for files in (folder, folder / self.inside):
                if all((files / name).is_file() for name in self.files):
                    return files
            if (folder / self.archive).is_file():
                return folder / self.archive
        if data_dir:
            pickled = [
                f for f in named if list(f.glob("**/data_batch_1")) or (f / "train").is_file()
            ]
            hint = (
                "; the pickled python version is there, which topolab does not read, since "
                "unpickling a file runs code"
                if pickled
                else ""
            )
            raise MissingDataError(
                f"{data_dir}: neither {self.archive} nor {', '.join(self.files)} is there{hint}; "
                "get the binary version"
            )
        return None

    def _download(self) -> Path:
        base = os.environ.get(self.variable, URL).rstrip("/")
        to = cache_folder(self.name) / self.archive
        try:
            fetch_large(f"{base}/{self.archive}", to, "md5", self.md5)
        except MissingDataError as error:
            raise MissingDataError(
                f"data set {self.name} is not on this machine and could not be fetched: {error}; "
                f"put {self.archive} (the binary version) into a folder and name that with "
                "--data-dir or TOPOLAB_DATA_DIR"
            ) from error
        return to

    def _from_folder(self, folder: Path) -> dict[str, bytes]:
        out = {}
        for name, count in self.files.items():
            self._check_size(folder / name, (folder / name).stat().st_size, count)
            try:
                out[name] = (folder / name).read_bytes()
            except OSError as error:
                raise MissingDataError(f"{folder / name}: cannot be read ({error})") from error
        return out

    def _from_archive(self, path: Path) -> dict[str, bytes]:
        # Members are read by their names; nothing is unpacked to the disk.
        out: dict[str, bytes] = {}
        try:
            with tarfile.open(path, "r:gz") as opened:
                for member in opened:
                    name = member.name.rpartition("/")[2]
                    if name in self.files and member.isfile():
                        self._check_size(path / name, member.size, self.files[name])
                        file = opened.extractfile(member)
                        assert file is not None
                        out[name] = file.read()
        except (OSError, tarfile.TarError, EOFError, zlib.error) as error:
            raise MissingDataError(f"{path}: truncated or damaged ({error})") from error
        missing = [name for name in self.files if name not in out]
        if missing:
            raise MissingDataError(f"{path}: {', '.join(missing)} is not in it")
        return out

    def _check_size(self, path: Path, size: int, count: int) -> None:
        expected = count * (self.label_bytes + PIXELS)
        if size != expected:
            raise MissingDataError(
                f"{path}: {size} bytes where {count} images need {expected}; truncated, or another "
                "file than expected"
            )

    def _records(
        self, content: bytes, count: int, source: str
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        records = np.frombuffer(content, np.uint8).reshape(count, self.label_bytes + PIXELS)
        labels = records[:, self.label_bytes - 1].astype(np.int64)
        if labels.max(initial=0) >= self.classes:
            raise MissingDataError(
                f"{source}: a label is {labels.max()}, of {self.classes} classes"
            )
        return records[:, self.label_bytes :].astype(np.float32) / np.float32(255), labels


def _batches(names: Sequence[str], each: int) -> dict[str, int]:
    return dict.fromkeys(names, each)


CIFAR10 = Cifar(
    "cifar10", "32 x 32 colour images of 10 classes, 50,000 + 10,000, binary version",
    archive="cifar-10-binary.tar.gz", md5="c32a1d4ab5d03f1284b67883e8d87530",
    inside="cifar-10-batches-bin",
    files=_batches([*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"], 10_000),
    label_bytes=1, classes=10, variable="TOPOLAB_CIFAR10_URL",
)  # fmt: skip
CIFAR100 = Cifar(
    "cifar100", "32 x 32 colour images of 100 classes, 50,000 + 10,000, binary version",
    archive="cifar-100-binary.tar.gz", md5="03b5dce01913d631647c71ecec9e9cb8",
    inside="cifar-100-binary", files={"train.bin": 50_000, "test.bin": 10_000},
    label_bytes=2, classes=100, variable="TOPOLAB_CIFAR100_URL",
)  # fmt: skip
