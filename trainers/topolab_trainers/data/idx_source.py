"""What MNIST and its relatives share: four IDX files, gzipped or not."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from topolab.errors import MissingDataError
from topolab_trainers.data.dataset import Dataset, DataSource
from topolab_trainers.data.download import cache_folder, fetch, named_folders
from topolab_trainers.data.idx import parse_idx, read_bytes, unpack

__all__ = ["IdxSource"]


class IdxSource(DataSource):
    """Images and labels of a training and a test part.

    They are looked for in `data_dir`, else in ``TOPOLAB_DATA_DIR`` (there and in a subfolder of
    the data set's name), in `elsewhere`, and in the cache of downloads; else they are downloaded.

    Attributes
    ----------
    files : mapping of str to str or None
        Per file stem (train images, train labels, test images, test labels) the SHA-256 of its
        *decompressed* content; None where only that of a published archive is known. Then a local
        file is checked by gzip's own checksum, its IDX header, and its class counts, which is
        weaker.
    published : mapping of str to str
        Per file stem the SHA-256 of the gzipped file as downloaded, where `files` has none.
    counts : tuple
        Expected samples per class, of the training and of the test part.
    transposed : bool
        Whether images are stored column by column.
    """

    files: ClassVar[Mapping[str, str | None]]
    published: ClassVar[Mapping[str, str]] = {}
    counts: ClassVar[tuple[Sequence[int], Sequence[int]]]
    size: ClassVar[int] = 28
    transposed: ClassVar[bool] = False
    url: ClassVar[str]
    variable: ClassVar[str]
    title: ClassVar[str]
    advice: ClassVar[str] = ""

    def elsewhere(self) -> list[Path]:
        """Folders of the system that may hold the files."""
        return []

    def load(self, data_dir: str | Path | None = None) -> Dataset:
        """Find or fetch the files, check them, and read them.

        Raises
        ------
        MissingDataError
            If a folder was named that lacks a file, a file is damaged, or there are none and
            they cannot be downloaded.
        """
        folder = self._folder(data_dir)
        if folder is None:
            folder = self._download()
        arrays = []
        for stem in self.files:
            content, source = self._content(folder, stem)
            arrays.append(parse_idx(content, source=source))
        x_train, y_train, x_test, y_test = arrays
        return Dataset(
            self.name,
            self._images(x_train, sum(self.counts[0]), folder),
            self._labels(y_train, self.counts[0], folder),
            self._images(x_test, sum(self.counts[1]), folder),
            self._labels(y_test, self.counts[1], folder),
            image_shape=(1, self.size, self.size),
            n_classes=len(self.counts[0]),
        )

    def where(self, data_dir: str | Path | None = None) -> str | None:
        """The folder that has the four files, if one has."""
        try:
            folder = self._folder(data_dir)
        except MissingDataError:
            return None
        return None if folder is None else str(folder)

    def _folder(self, data_dir: str | Path | None) -> Path | None:
        inside = named_folders(self.name, data_dir)
        for folder in inside:
            if self._prepare(folder):
                return folder
        if data_dir:
            best = max(inside, key=lambda f: sum(present(f, s) is not None for s in self.files))
            missing = [stem for stem in self.files if present(best, stem) is None]
            raise MissingDataError(
                f"{best}: no {', '.join(missing)} (with or without .gz) is there; "
                f"give the folder that holds {self.title}'s four IDX files"
            )
        for folder in (*self.elsewhere(), cache_folder(self.name)):
            if self._prepare(folder):
                return folder
        return None

    def _content(self, folder: Path, stem: str) -> tuple[bytes, str]:
        """A file's checked and decompressed content, and where that is from."""
        path = present(folder, stem)
        if path is None:
            raise MissingDataError(f"{folder}: the file {stem} or {stem}.gz is missing there")
        return read_bytes(path, self.files[stem]), str(path)

    def _prepare(self, folder: Path) -> bool:
        """Whether all files are there."""
        return all(present(folder, stem) for stem in self.files)

    def _download(self) -> Path:
        folder = cache_folder(self.name)
        try:
            self._fetch_into(folder, os.environ.get(self.variable, self.url).rstrip("/"))
        except MissingDataError as error:
            raise MissingDataError(
                f"data set {self.name} is not on this machine and could not be fetched: {error}; "
                f"{self.advice}put its four IDX files into a folder and name that with --data-dir "
                "or TOPOLAB_DATA_DIR"
            ) from error
        return folder

    def _fetch_into(self, folder: Path, base: str) -> None:
        for stem in self.files:
            if present(folder, stem):
                continue

            def check(data: bytes, source: str, stem: str = stem) -> None:
                unpack(data, self.files[stem], source=source, gzipped=True)
                expected = self.published.get(stem)
                if expected and hashlib.sha256(data).hexdigest() != expected:
                    raise MissingDataError(
                        f"{source}: not the expected file (its SHA-256 is not {expected[:16]}...)"
                    )

            fetch(f"{base}/{stem}.gz", folder / f"{stem}.gz", check)

    def _images(
        self, array: npt.NDArray[np.uint8], count: int, folder: Path
    ) -> npt.NDArray[np.float32]:
        if array.shape != (count, self.size, self.size):
            raise MissingDataError(
                f"{folder}: images of shape {array.shape}, not ({count}, {self.size}, {self.size})"
            )
        if self.transposed:
            array = array.transpose(0, 2, 1)
        return array.reshape(count, -1).astype(np.float32) / np.float32(255)

    def _labels(
        self, array: npt.NDArray[np.uint8], counts: Sequence[int], folder: Path
    ) -> npt.NDArray[np.int64]:
        found = np.bincount(array, minlength=len(counts)).tolist() if array.ndim == 1 else []
        if found != list(counts):
            each = f"{counts[0]} of each" if len(set(counts)) == 1 else f"{list(counts)} of the"
            raise MissingDataError(
                f"{folder}: the labels are not {each} of {len(counts)} classes, but {found}"
            )
        return array.astype(np.int64)


def present(folder: Path, stem: str) -> Path | None:
    """The file, plain or gzipped, if it is there."""
    for name in (stem, f"{stem}.gz"):
        if (folder / name).is_file():
            return folder / name
    return None
