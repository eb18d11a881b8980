"""Zip archives of other people: how much they claim, and whether they are whole."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

from topolab.importers.base import CheckpointError

__all__ = ["CHUNK", "check_archive", "verify_archive"]

CHUNK = 2**20
_ZIP_END = 22


def check_archive(path: Path, max_bytes: int, *, stored_only: bool = False) -> None:
    """Refuse an archive that would unpack to more than is allowed, before anything is unpacked.

    Raises
    ------
    CheckpointError
        If it claims too much, is damaged, or (`stored_only`) is compressed.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path}: damaged, its archive cannot be read ({error})") from error
    with path.open("rb") as file:  # how many parts there are is said at the very end
        file.seek(max(0, path.stat().st_size - _ZIP_END))
        end = file.read(_ZIP_END)
    if end[:4] == b"PK\x05\x06":
        (count,) = struct.unpack_from("<H", end, 10)
        if count not in (len(members), 0xFFFF):
            raise CheckpointError(f"{path}: damaged, {count} parts are expected in its archive")
    claimed = sum(member.file_size for member in members)
    if claimed > max(max_bytes, path.stat().st_size):
        raise CheckpointError(
            f"{path}: would unpack to {claimed / 2**30:.1f} GiB, more than the "
            f"{max_bytes / 2**30:g} GiB that are allowed; if it is right, "
            "allow more (max_bytes, or max-gib)"
        )
    if stored_only and any(m.compress_type != zipfile.ZIP_STORED for m in members):
        raise CheckpointError(f"{path}: its archive is compressed, so torch.save did not write it")


def verify_archive(path: Path) -> None:
    """Hold every part of a torch file against its checksum, which torch does not look at.

    Raises
    ------
    CheckpointError
        If a part has changed since it was written.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if not any(member.CRC for member in members):
                return  # torch was told to write none
            for member in members:
                with archive.open(member) as file:
                    while file.read(CHUNK):
                        pass
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError) as error:
        raise CheckpointError(
            f"{path}: damaged, a part of it is not what was written ({error})"
        ) from error
