"""EMNIST Balanced: 131,600 handwritten letters and digits in 47 classes, 28 x 28."""

from __future__ import annotations

import hashlib
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from topolab.errors import MissingDataError, RunError
from topolab.store.files import replace_file
from topolab_trainers.data.download import cache_folder, fetch_large
from topolab_trainers.data.idx import unpack
from topolab_trainers.data.idx_source import IdxSource, present

__all__ = ["EMNIST_BALANCED", "EmnistBalanced"]

ARCHIVES = ("gzip.zip", "emnist.zip")
MEMBER_LIMIT = 2**28
# What reading a damaged zip file may raise; NotImplementedError and an encrypted member's error
# are RuntimeErrors.
DAMAGE = (OSError, zipfile.BadZipFile, EOFError, zlib.error, struct.error, RuntimeError, ValueError)


class EmnistBalanced(IdxSource):
    """Four IDX files, or the archive gzip.zip that holds them: see `IdxSource`.

    The files hold every image transposed; here they stand upright. A download of the archive
    (about 540 MB) is checked by its published MD5, and only these four members are kept. A local
    archive is read where it is. No checksum of single files is published: local ones, in an
    archive or not, are checked by the checksums of zip and gzip, their headers, sizes and class
    counts, which is weaker. ``TOPOLAB_EMNIST_URL`` names another server.

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
        if folder == cache_folder(self.name):
            return False  # an archive there is a download that was cut short: see `_fetch_into`
        archive = _archive(folder)
        return archive is not None and len(self._members(archive)) == len(self.files)

    def _content(self, folder: Path, stem: str) -> tuple[bytes, str]:
        archive = _archive(folder)
        if present(folder, stem) is not None or archive is None:
            return super()._content(folder, stem)
        source = f"{archive}: {stem}.gz"
        data = self._members(archive, read=(stem,)).get(stem)
        if data is None:
            raise MissingDataError(f"{source} is not in it")
        return unpack(data, self.files[stem], source=source, gzipped=True), source

    def _fetch_into(self, folder: Path, base: str) -> None:
        archive = folder / ARCHIVES[0]
        if not (archive.is_file() and _md5(archive) == self.archive_md5):
            fetch_large(f"{base}/{ARCHIVES[0]}", archive, "md5", self.archive_md5)
        try:
            members = self._members(archive, read=tuple(self.files))
            for stem in self.files:
                if stem not in members:
                    raise MissingDataError(f"{archive}: {stem}.gz is not in it")
            for stem, data in members.items():
                replace_file(folder / f"{stem}.gz", data)
        except RunError as error:
            raise MissingDataError(f"{folder}: the download could not be kept ({error})") from error
        finally:
            archive.unlink(missing_ok=True)

    def _members(self, archive: Path, read: Sequence[str] = ()) -> dict[str, bytes]:
        """The members wanted, found by their last name alone; empty those not to be read."""
        out = {}
        try:
            with zipfile.ZipFile(archive) as opened:
                for info in opened.infolist():
                    stem = info.filename.rpartition("/")[2].removesuffix(".gz")
                    if stem not in self.files or not info.filename.endswith(".gz"):
                        continue
                    if info.file_size > MEMBER_LIMIT:
                        raise MissingDataError(
                            f"{archive}: {info.filename} is larger than it can be"
                        )
                    out[stem] = opened.read(info) if stem in read else b""
        except DAMAGE as error:
            raise MissingDataError(
                f"{archive}: truncated, damaged or not a zip file ({error}); delete it and fetch it "
                "again"
            ) from error
        return out


def _archive(folder: Path) -> Path | None:
    return next((folder / name for name in ARCHIVES if (folder / name).is_file()), None)


def _md5(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    except OSError:
        return None


EMNIST_BALANCED = EmnistBalanced()
