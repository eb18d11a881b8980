"""EMNIST Balanced: 131,600 handwritten letters and digits in 47 classes, 28 x 28."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from topolab.errors import MissingDataError
from topolab.store.files import replace_file
from topolab_trainers.data.dataset import Dataset
from topolab_trainers.data.download import cache_folder, fetch_large
from topolab_trainers.data.idx_source import IdxSource, present

__all__ = ["EMNIST_BALANCED", "EmnistBalanced"]

ARCHIVES = ("gzip.zip", "emnist.zip")
MEMBER_LIMIT = 2**28


class EmnistBalanced(IdxSource):
    """Four IDX files, or the archive gzip.zip that holds them: see `IdxSource`.

    The files hold every image transposed; here they stand upright. After a download of the
    archive (about 540 MB) only these four members are kept. ``TOPOLAB_EMNIST_URL`` names another
    server.

    References
    ----------
    G. Cohen, S. Afshar, J. Tapson, A. van Schaik, "EMNIST: extending MNIST to handwritten
    letters", IJCNN 2017.
    """

    name = "emnist-balanced"
    summary = "28 x 28 handwritten letters and digits, 47 classes, 112,800 + 18,800"
    title = "EMNIST Balanced"
    url = "https://biometrics.nist.gov/cs_links/EMNIST"
    variable = "TOPOLAB_EMNIST_URL"
    advice = "get gzip.zip from the EMNIST page of NIST and name its folder with --data-dir, or "
    counts = ((2_400,) * 47, (400,) * 47)
    transposed = True
    archive_md5: ClassVar[str] = "58c8d27c78d21e728a6bc7b3cc06412e"
    files: ClassVar[Mapping[str, str | None]] = {
        "emnist-balanced-train-images-idx3-ubyte": None,
        "emnist-balanced-train-labels-idx1-ubyte": None,
        "emnist-balanced-test-images-idx3-ubyte": None,
        "emnist-balanced-test-labels-idx1-ubyte": None,
    }

    def _prepare(self, folder: Path) -> bool:
        if super()._prepare(folder):
            return True
        archive = next((folder / n for n in ARCHIVES if (folder / n).is_file()), None)
        return archive is not None and all(
            self._member(archive, stem) is not None for stem in self.files
        )

    def load(self, data_dir: str | Path | None = None) -> Dataset:
        """Unpack a local archive first, into the cache; then as every IDX set."""
        folder = self._folder(data_dir)
        if folder is not None and not all(present(folder, stem) for stem in self.files):
            archive = next(folder / n for n in ARCHIVES if (folder / n).is_file())
            cache = cache_folder(self.name)
            self._unpack(archive, cache)
            return super().load(cache)
        return super().load(data_dir)

    def _fetch_into(self, folder: Path, base: str) -> None:
        archive = folder / "gzip.zip"
        if not archive.is_file():
            fetch_large(f"{base}/gzip.zip", archive, "md5", self.archive_md5)
        self._unpack(archive, folder)
        archive.unlink()

    def _member(self, archive: Path, stem: str) -> zipfile.ZipInfo | None:
        try:
            with zipfile.ZipFile(archive) as opened:
                for info in opened.infolist():
                    if info.filename.rpartition("/")[2] == f"{stem}.gz":
                        return info
        except (OSError, zipfile.BadZipFile) as error:
            raise MissingDataError(f"{archive}: truncated or not a zip file ({error})") from error
        return None

    def _unpack(self, archive: Path, folder: Path) -> None:
        """Write the four members into a folder, under their own names only."""
        for stem in self.files:
            info = self._member(archive, stem)
            if info is None:
                raise MissingDataError(f"{archive}: {stem}.gz is not in it")
            if info.file_size > MEMBER_LIMIT:
                raise MissingDataError(f"{archive}: {info.filename} is larger than it can be")
            try:
                with zipfile.ZipFile(archive) as opened:
                    data = opened.read(info)
            except (OSError, zipfile.BadZipFile, EOFError) as error:
                raise MissingDataError(
                    f"{archive}: {info.filename} is damaged ({error})"
                ) from error
            replace_file(folder / f"{stem}.gz", data)


EMNIST_BALANCED = EmnistBalanced()
