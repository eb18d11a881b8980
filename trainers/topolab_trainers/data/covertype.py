"""Forest Cover Type: 581,012 places, 54 features, seven kinds of trees."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd

from topolab.errors import MissingDataError
from topolab_trainers.data.dataset import Dataset, DataSource
from topolab_trainers.data.download import cache_folder, fetch_large, named_folders
from topolab_trainers.data.idx import unpack

__all__ = ["COVERTYPE", "Covertype"]

CONTINUOUS = 10


class Covertype(DataSource):
    """covtype.data, gzipped or not, with the split that its documentation gives.

    The first 11,340 records are for training, the next 3,780 for validation (not used here), the
    last 565,892 for testing. The ten continuous columns are standardised with mean and standard
    deviation of the training part alone; the 44 others are 0 or 1 and stay as they are.
    A download is checked by the published SHA-256; a local file, which may be compressed anew or
    not at all, by its size, its class counts and the ranges of its columns, which is weaker.
    ``TOPOLAB_COVERTYPE_URL`` names another server.

    References
    ----------
    J. A. Blackard, D. J. Dean, Computers and Electronics in Agriculture 24 (1999); UCI Machine
    Learning Repository.
    """

    name = "covertype"
    summary = "54 features of forest places, 7 classes, 11,340 + 565,892, local or a download"
    url: ClassVar[str] = "https://ndownloader.figshare.com/files"
    remote: ClassVar[str] = "5976039"
    variable: ClassVar[str] = "TOPOLAB_COVERTYPE_URL"
    file: ClassVar[str] = "covtype.data"
    #: SHA-256 of the gzipped file as published.
    sha256: ClassVar[str] = "614360d0257557dd1792834a85a1cdebfadc3c4f30b011d56afee7ffb5b15771"
    counts: ClassVar[Sequence[int]] = (211840, 283301, 35754, 2747, 9493, 17367, 20510)
    train_counts: ClassVar[Sequence[int]] = (1620,) * 7
    validation: ClassVar[int] = 3780

    def load(self, data_dir: str | Path | None = None) -> Dataset:
        """Find or fetch it, check it, and read it.

        Raises
        ------
        MissingDataError
            If a folder was named that does not hold it, the file is damaged, or there is none and
            it cannot be downloaded.
        """
        path = self._find(data_dir) or self._download()
        table = self._table(path)
        features = table[:, :-1].astype(np.float64)
        labels = table[:, -1].astype(np.int64) - 1
        found = np.bincount(labels, minlength=7).tolist()
        if found != list(self.counts):
            raise MissingDataError(
                f"{path}: the classes have {found} records, expected {list(self.counts)}"
            )
        n = sum(self.train_counts)
        if np.bincount(labels[:n], minlength=7).tolist() != list(self.train_counts):
            raise MissingDataError(
                f"{path}: the first {n} records are not {self.train_counts[0]} of each class; the "
                "order of the records was changed"
            )
        mean = features[:n, :CONTINUOUS].mean(axis=0)
        scale = features[:n, :CONTINUOUS].std(axis=0)
        features[:, :CONTINUOUS] = (features[:, :CONTINUOUS] - mean) / np.where(scale > 0, scale, 1)
        x = features.astype(np.float32, order="C")  # a table of pandas lies column by column
        test = n + self.validation
        return Dataset(
            self.name, x[:n], labels[:n], x[test:], labels[test:], image_shape=None, n_classes=7
        )

    def where(self, data_dir: str | Path | None = None) -> str | None:
        """The file, if it is there."""
        try:
            found = self._find(data_dir)
        except MissingDataError:
            return None
        return None if found is None else str(found)

    def _find(self, data_dir: str | Path | None) -> Path | None:
        for folder in (*named_folders(self.name, data_dir), cache_folder(self.name)):
            for name in (self.file, f"{self.file}.gz"):
                if (folder / name).is_file():
                    return folder / name
        if data_dir:
            raise MissingDataError(
                f"{data_dir}: neither {self.file} nor {self.file}.gz is there; give the folder "
                "that holds Covertype's data file"
            )
        return None

    def _download(self) -> Path:
        base = os.environ.get(self.variable)
        url = f"{self.url}/{self.remote}" if base is None else f"{base.rstrip('/')}/{self.file}.gz"
        to = cache_folder(self.name) / f"{self.file}.gz"
        try:
            fetch_large(url, to, "sha256", self.sha256)
        except MissingDataError as error:
            raise MissingDataError(
                f"data set {self.name} is not on this machine and could not be fetched: {error}; "
                f"put {self.file}.gz into a folder and name that with --data-dir or "
                "TOPOLAB_DATA_DIR"
            ) from error
        return to

    def _table(self, path: Path) -> np.ndarray:
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise MissingDataError(f"{path}: cannot be read ({error})") from error
        if path.suffix == ".gz":
            # An own compression of the same data is welcome: what it holds is checked below.
            raw = unpack(raw, None, source=str(path), gzipped=True)
        try:
            with np.errstate(invalid="ignore"):  # what is no integer is an error, not a warning
                table = pd.read_csv(io.BytesIO(raw), header=None, dtype=np.int32).to_numpy()
        except (ValueError, OverflowError) as error:
            raise MissingDataError(f"{path}: not Covertype's table ({error})") from error
        if table.shape != (sum(self.counts), 55):
            raise MissingDataError(
                f"{path}: a table of {table.shape[0]} x {table.shape[1]} where "
                f"{sum(self.counts)} x 55 was expected; truncated?"
            )
        for what, columns, least, most in (
            ("label", table[:, -1], 1, len(self.counts)),
            ("binary column", table[:, CONTINUOUS:-1], 0, 1),
        ):
            if columns.min() < least or columns.max() > most:
                raise MissingDataError(
                    f"{path}: a {what} is from {columns.min()} to {columns.max()}, expected from "
                    f"{least} to {most}"
                )
        return table


COVERTYPE = Covertype()
