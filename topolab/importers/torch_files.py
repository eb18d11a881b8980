"""Files of torch and safetensors, read without running anything from them.

torch files are read with ``weights_only=True`` and mapped into memory. What needs code is refused.
"""

from __future__ import annotations

import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any

from topolab.importers.archives import check_archive
from topolab.importers.base import CheckpointError, FileKind
from topolab.importers.names import natural
from topolab.importers.pickles import MOST_PICKLE, pickle_globals, torch_refusal

__all__ = ["read_safetensors", "read_torch"]


def read_torch(path: Path, kind: FileKind, max_bytes: int) -> Any:
    """What ``torch.save`` wrote, on the CPU.

    Raises
    ------
    UnsafeFileError
        If it can only be read by running code from it.
    CheckpointError
        If it is damaged or claims too much.
    """
    import torch

    if kind == "torch":
        check_archive(path, max_bytes, stored_only=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecations inside torch; and old storages
            if kind == "legacy":
                _refuse_tar(path)
            return torch.load(path, map_location="cpu", weights_only=True, mmap=kind == "torch")
    except pickle.UnpicklingError as error:
        raise torch_refusal(path, _torch_globals(path, kind), str(error)) from error
    except Exception as error:  # torch raises whatever the bytes lead it to
        found = _torch_globals(path, kind)
        if found:
            raise torch_refusal(path, found, str(error)) from error
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(
            f"{path}: damaged, or no file of torch.save: it cannot be read ({reason[:200]})"
        ) from error


def _refuse_tar(path: Path) -> None:
    """Only pickles go on to torch: it takes all else for tar, and makes a folder to unpack it."""
    with path.open("rb") as file:
        if file.read(1) != b"\x80":
            raise ValueError("it begins neither as a zip archive nor as a pickle")


def _torch_globals(path: Path, kind: FileKind) -> list[str]:
    """The functions and classes that a torch file would call and that torch does not allow."""
    from torch.serialization import get_unsafe_globals_in_checkpoint

    try:
        if kind == "torch":
            return sorted(get_unsafe_globals_in_checkpoint(str(path)))
    except Exception:  # a pickle that torch's own scanner does not understand
        pass
    from torch._weights_only_unpickler import _get_allowed_globals

    try:
        data = _pickle_of(path, kind)
    except (OSError, zipfile.BadZipFile, KeyError, RuntimeError, ValueError):
        return []
    return sorted(pickle_globals(data) - set(_get_allowed_globals()))


def _pickle_of(path: Path, kind: FileKind) -> bytes:
    if kind != "torch":
        with path.open("rb") as file:
            return file.read(MOST_PICKLE)
    with zipfile.ZipFile(path) as archive:
        name = next(n for n in archive.namelist() if n.rpartition("/")[2] == "data.pkl")
        with archive.open(name) as member:
            return member.read(MOST_PICKLE)


def read_safetensors(path: Path) -> dict[str, Any]:
    """Every tensor by name; the numbers in the names tell their order.

    Raises
    ------
    CheckpointError
        If it is damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            return {name: file.get_tensor(name) for name in sorted(file.keys(), key=natural)}
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path}: damaged, it cannot be read ({error})") from error
