"""Fashion-MNIST: 70,000 images of clothes, 28 x 28, with the authors' split."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from topolab.errors import MissingDataError
from topolab_trainers.data.dataset import Dataset, DataSource
from topolab_trainers.data.download import cache_folder, fetch
from topolab_trainers.data.idx import parse_idx, read_bytes, unpack

__all__ = ["FASHION_MNIST", "FashionMnist"]

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
URL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"


class FashionMnist(DataSource):
    """Four IDX files, gzipped or not.

    They are looked for in `data_dir`, else in ``TOPOLAB_DATA_DIR`` (there and in a subfolder
    ``fashion-mnist``), in the folder of Debian's package dataset-fashion-mnist, and in the cache
    of downloads; else they are downloaded, from ``TOPOLAB_FASHION_MNIST_URL`` if that is set.

    References
    ----------
    H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine
    learning algorithms", arXiv 1708.07747 (2017).
    """

    name = "fashion-mnist"
    summary = "28 x 28 images of clothes, 60,000 + 10,000, local IDX files or a checked download"
    debian: ClassVar[Path] = DEBIAN

    # SHA-256 of the decompressed files.
    files: ClassVar[dict[str, str]] = {
        "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    }

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
        arrays = {}
        for stem, sha256 in self.files.items():
            path = _present(folder, stem)
            if path is None:
                raise MissingDataError(f"{folder}: the file {stem} or {stem}.gz is missing there")
            arrays[stem] = parse_idx(read_bytes(path, sha256), source=str(path))
        return Dataset(
            self.name,
            _images(arrays["train-images-idx3-ubyte"], 60_000, folder),
            _labels(arrays["train-labels-idx1-ubyte"], 6_000, folder),
            _images(arrays["t10k-images-idx3-ubyte"], 10_000, folder),
            _labels(arrays["t10k-labels-idx1-ubyte"], 1_000, folder),
            image_shape=(1, 28, 28),
            n_classes=10,
        )

    def where(self, data_dir: str | Path | None = None) -> str | None:
        """The folder that has the four files, if one has."""
        try:
            folder = self._folder(data_dir)
        except MissingDataError:
            return None
        return None if folder is None else str(folder)

    def _folder(self, data_dir: str | Path | None) -> Path | None:
        named = data_dir or os.environ.get("TOPOLAB_DATA_DIR")
        if named:
            inside = [Path(named), Path(named) / self.name]
            for folder in inside:
                if all(_present(folder, stem) for stem in self.files):
                    return folder
            if data_dir:
                best = max(
                    inside, key=lambda f: sum(_present(f, s) is not None for s in self.files)
                )
                missing = [stem for stem in self.files if _present(best, stem) is None]
                raise MissingDataError(
                    f"{best}: no {', '.join(missing)} (with or without .gz) is there; "
                    "give the folder that holds Fashion-MNIST's four IDX files"
                )
        for folder in (self.debian, cache_folder(self.name)):
            if all(_present(folder, stem) for stem in self.files):
                return folder
        return None

    def _download(self) -> Path:
        base = os.environ.get("TOPOLAB_FASHION_MNIST_URL", URL).rstrip("/")
        folder = cache_folder(self.name)
        try:
            for stem, sha256 in self.files.items():
                if _present(folder, stem):
                    continue
                fetch(
                    f"{base}/{stem}.gz",
                    folder / f"{stem}.gz",
                    lambda data, source, sha=sha256: unpack(  # type: ignore[misc]
                        data, sha, source=source, gzipped=True
                    ),
                )
        except MissingDataError as error:
            raise MissingDataError(
                f"data set fashion-mnist is not on this machine and could not be fetched: {error}; "
                "get it with: apt-get install dataset-fashion-mnist, or put its four IDX files "
                "into a folder and name that with --data-dir or TOPOLAB_DATA_DIR"
            ) from error
        return folder


def _present(folder: Path, stem: str) -> Path | None:
    for name in (stem, f"{stem}.gz"):
        if (folder / name).is_file():
            return folder / name
    return None


def _images(array: npt.NDArray[np.uint8], count: int, folder: Path) -> npt.NDArray[np.float32]:
    if array.shape != (count, 28, 28):
        raise MissingDataError(f"{folder}: images of shape {array.shape}, not ({count}, 28, 28)")
    return array.reshape(count, 784).astype(np.float32) / np.float32(255)


def _labels(array: npt.NDArray[np.uint8], each: int, folder: Path) -> npt.NDArray[np.int64]:
    if array.ndim != 1 or np.bincount(array).tolist() != [each] * 10:
        raise MissingDataError(f"{folder}: the labels are not {each} of each of 10 classes")
    return array.astype(np.int64)


FASHION_MNIST = FashionMnist()
