"""Writing files so that a crash leaves either the old state or the new one, never half."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from topolab.errors import RunError

__all__ = [
    "TEMPORARY",
    "read_file",
    "refuse_link",
    "replace_all",
    "replace_file",
    "replace_with",
    "sweep",
    "sync_folder",
    "write_new",
]

TEMPORARY = ".writing-"
Data = bytes | bytearray | memoryview


def _temporary(folder: Path) -> Path:
    return folder / f"{TEMPORARY}{os.getpid()}-{secrets.token_hex(4)}"


def read_file(path: Path, *, limit: int, only: int | None = None) -> bytes:
    """Read a plain file: nothing that waits for ever, has no end, or is larger than it may be.

    Parameters
    ----------
    path : Path
    limit : int
        Bytes it may have.
    only : int, optional
        Read no more than so many bytes of it.

    Raises
    ------
    OSError
        If it is not there, no plain file (a pipe, a device, a folder), or too large.
    """
    # Not to wait at a pipe that nobody writes to.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags)
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise OSError(errno.EINVAL, "not a plain file", str(path))
        if about.st_size > limit:
            what = f"{about.st_size} bytes, where at most {limit} are possible"
            raise OSError(errno.EFBIG, what, str(path))
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(about.st_size if only is None else min(only, about.st_size))
    finally:
        os.close(handle)


def refuse_link(path: Path) -> None:
    """Refuse to write where a symbolic link leads out of the run.

    Raises
    ------
    RunError
        If `path` is a symbolic link.
    """
    if path.is_symlink():
        raise RunError(
            f"{path}: a symbolic link, which could lead out of the run; nothing is written there. "
            "Put the folder itself in its place"
        )


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    if os.name != "posix":  # other systems have no handle on a folder to sync
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_synced(path: Path, data: Data) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _clear_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise RunError(f"{path}: the file is already there and will not be overwritten") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunError(
            f"{path}: could not be written ({reason}); everything recorded before is intact"
        ) from error


def write_new(path: Path, data: Data) -> None:
    """Create a file durably; never overwrite one.

    The data goes to a temporary name in the same folder, is synced, and is then linked to its
    name, which fails if the name is taken. The folder is synced last.

    Raises
    ------
    RunError
        If the file is there already or cannot be written.
    """
    temporary = _temporary(path.parent)
    with _clear_errors(path):
        try:
            _write_synced(temporary, data)
            try:
                os.link(temporary, path)
            except FileExistsError:
                raise
            except OSError:  # a file system without hard links; the run's lock keeps others out
                if path.exists():
                    raise FileExistsError(str(path)) from None
                temporary.rename(path)
        finally:
            with contextlib.suppress(OSError):  # what stays is swept by the next writer
                temporary.unlink()
        try:
            sync_folder(path.parent)
        except OSError:
            # Whether the name will last is not known, so what was refused must not be there.
            with contextlib.suppress(OSError):
                path.unlink()
            raise


def replace_all(paths: Sequence[Path], write: Callable[[Sequence[Path]], None]) -> None:
    """Let `write` make temporary files, then put them durably in the place of `paths`.

    Raises
    ------
    RunError
        If they cannot be written; a path that was not replaced is then as it was.
    """
    with _clear_errors(paths[0]):
        folders = list(dict.fromkeys(path.parent for path in paths))
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        temporaries = [_temporary(path.parent) for path in paths]
        try:
            write(temporaries)
            for temporary in temporaries:
                with temporary.open("rb") as file:
                    os.fsync(file.fileno())
            for temporary, path in zip(temporaries, paths, strict=True):
                temporary.replace(path)
        finally:
            for temporary in temporaries:
                with contextlib.suppress(OSError):  # what stays is swept by the next writer
                    temporary.unlink()
        for folder in folders:
            sync_folder(folder)


def replace_with(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` make a temporary file, then put it durably in the place of `path`.

    Raises
    ------
    RunError
        If it cannot be written; `path` is then as it was.
    """
    replace_all([path], lambda temporaries: write(temporaries[0]))


def replace_file(path: Path, data: Data) -> None:
    """Put data durably in the place of a file, or create it. See `replace_with`."""
    replace_with(path, lambda temporary: _write_synced(temporary, data))


def sweep(folder: Path) -> list[Path]:
    """Remove what killed writers left behind; only for the holder of the run's lock."""
    swept = []
    for leftover in sorted(folder.glob(f"{TEMPORARY}*")):
        with contextlib.suppress(OSError):
            leftover.unlink()
            swept.append(leftover)
    return swept
