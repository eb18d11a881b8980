"""CIFAR-10 and CIFAR-100: 60,000 colour images, 32 x 32, in their binary version."""

from __future__ import annotations

import hashlib
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
    The python version of the sets is pickled and is never read. An archive, local or downloaded,
    is checked by its published MD5; unpacked files, which have none, by their sizes and class
    counts, which is weaker.

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
        *training, test = self.files
        x_train, y_train = self._part(contents, training, found)
        x_test, y_test = self._part(contents, [test], found)
        for what, labels in (("training", y_train), ("test", y_test)):
            counts = np.bincount(labels, minlength=self.classes).tolist()
            each = len(labels) // self.classes
            if counts != [each] * self.classes:
                raise MissingDataError(
                    f"{found}: the {what} labels are not equally many of {self.classes} classes "
                    f"({each} of each), but {min(counts)} to {max(counts)}; fetch it again"
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
            places = [files for folder in named for files in (folder, folder / self.inside)]
            best = max(places, key=lambda f: sum((f / name).is_file() for name in self.files))
            missing = [name for name in self.files if not (best / name).is_file()]
            raise MissingDataError(
                f"{best if len(missing) < len(self.files) else data_dir}: neither {self.archive} "
                f"nor {', '.join(missing)} is there{self._pickled(named)}; get the binary version, "
                f"{URL}/{self.archive}"
            )
        return None

    def _pickled(self, folders: Sequence[Path]) -> str:
        """What to say if the user has the python version instead."""
        batch = next(iter(self.files)).removesuffix(".bin")
        inside = self.inside.replace("binary", "python").replace("-bin", "-py")
        names = (self.archive.replace("binary", "python"), batch, f"{inside}/{batch}")
        for path in (folder / name for folder in folders for name in names):
            if path.name != self.archive and path.is_file():
                return (
                    f"; {path} is of the pickled python version, which topolab does not read, "
                    "since unpickling a file runs code"
                )
        return ""

    def _download(self) -> Path:
        base = os.environ.get(self.variable, URL).rstrip("/")
        to = cache_folder(self.name) / self.archive
        try:
            fetch_large(f"{base}/{self.archive}", to, "md5", self.md5)
        except MissingDataError as error:
            hint = self._pickled(named_folders(self.name, None))
            raise MissingDataError(
                f"data set {self.name} is not on this machine and could not be fetched: {error}"
                f"{hint}; put {self.archive} (the binary version) into a folder and name that with "
                "--data-dir or TOPOLAB_DATA_DIR"
            ) from error
        return to

    def _from_folder(self, folder: Path) -> dict[str, bytes]:
        out = {}
        for name, count in self.files.items():
            try:
                self._check_size(folder / name, (folder / name).stat().st_size, count)
                out[name] = (folder / name).read_bytes()
            except OSError as error:
                raise MissingDataError(f"{folder / name}: cannot be read ({error})") from error
            self._check_size(folder / name, len(out[name]), count)
        return out

    def _from_archive(self, path: Path) -> dict[str, bytes]:
        # Members are read by their names; nothing is unpacked to the disk.
        out: dict[str, bytes] = {}
        try:
            with path.open("rb") as whole:
                md5 = hashlib.file_digest(
                    whole, lambda: hashlib.md5(usedforsecurity=False)
                ).hexdigest()
            if md5 != self.md5:
                raise MissingDataError(
                    f"{path}: truncated, or not the expected file (MD5 is {md5[:16]}..., expected "
                    f"{self.md5[:16]}...); fetch it again, or if it was packed anew, unpack it and "
                    f"name the folder of {', '.join(self.files)}"
                )
            with tarfile.open(path, "r:gz") as opened:
                for member in opened:
                    name = member.name.rpartition("/")[2]
                    if name in self.files and member.isfile():
                        self._check_size(path / name, member.size, self.files[name])
                        file = opened.extractfile(member)
                        out[name] = b"" if file is None else file.read()
                        self._check_size(path / name, len(out[name]), self.files[name])
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

    def _part(
        self, contents: Mapping[str, bytes], names: Sequence[str], source: Path
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        total = sum(self.files[name] for name in names)
        x = np.empty((total, PIXELS), np.float32)
        y = np.empty(total, np.int64)
        start = 0
        for name in names:
            stop = start + self.files[name]
            records = np.frombuffer(contents[name], np.uint8).reshape(stop - start, -1)
            y[start:stop] = records[:, self.label_bytes - 1]
            if y[start:stop].max(initial=0) >= self.classes:
                raise MissingDataError(
                    f"{source}: {name}: a label is {y[start:stop].max()}, of {self.classes} "
                    "classes; another file than expected"
                )
            np.divide(records[:, self.label_bytes :], 255, out=x[start:stop], dtype=np.float32)
            start = stop
        return x, y


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
