"""Reading foreign files without running anything from them, and without believing their sizes."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from topolab.importers.base import CheckpointContent, CheckpointError, FileKind, Kind
from topolab.importers.checkpoint import Checkpoint
from topolab.importers.matfile import read_matrices
from topolab.importers.numpy_files import check_npy, read_npz, read_scipy
from topolab.importers.torch_files import read_safetensors, read_torch

__all__ = ["load", "sniff"]

_SCIPY = {"format.npy", "shape.npy"}


def sniff(path: Path) -> FileKind | None:
    """What a file is, by its first bytes; None for what is no checkpoint.

    Raises
    ------
    CheckpointError
        If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from error
    suffix = path.suffix.lower()
    if start.startswith(b"PK\x03\x04"):
        names = _member_names(path)
        if any(name == "data.pkl" or name.endswith("/data.pkl") for name in names):
            return "torch"
        if set(names) >= _SCIPY:
            return "scipy"
        if any(name.endswith(".npy") for name in names):
            return "npz"
        if suffix == ".npz":
            raise CheckpointError(f"{path}: damaged, or no file of numpy: it holds no arrays")
        return None
    if start.startswith(b"\x89HDF\r\n"):
        return "hdf5"
    if start.startswith(b"\x93NUMPY"):
        return "npy"
    if suffix == ".npz":  # not left out of the series as if it were a note
        raise CheckpointError(f"{path}: damaged, or no file of numpy: it is no archive")
    if suffix == ".safetensors":
        return "safetensors"
    if suffix == ".mat" or start.startswith(b"MATLAB 5.0 MAT"):
        return "matlab"
    pickled = start[:1] == b"\x80" or suffix in (".pkl", ".pickle")
    return "legacy" if pickled or suffix in (".pt", ".pth", ".ckpt", ".bin", ".tar") else None


def _member_names(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path}: damaged, its archive cannot be read ({error})") from error


def load(checkpoint: Checkpoint, max_bytes: int) -> CheckpointContent:
    """Load the file, or the files, of one checkpoint.

    Parameters
    ----------
    checkpoint : Checkpoint
        Its kind is what `sniff` said.
    max_bytes : int
        No array, and no archive beyond its own size on disk, may claim more.

    Raises
    ------
    UnsafeFileError
        If it can only be read by running code from it.
    CheckpointError
        If it is damaged or claims too much.
    """
    files, kind, label = checkpoint.files, checkpoint.kind, checkpoint.label
    file = files[0]
    if kind == "hdf5":
        raise CheckpointError(
            f"{file}: HDF5 (MATLAB 7.3, Keras) is not read; save it from MATLAB with -v7, "
            "or from Python as .npz or .safetensors"
        )
    if kind == "npy":
        check_npy(file, max_bytes)
        raise CheckpointError(
            f"{file}: one bare array is no convention; save the layers together "
            "with numpy.savez under the names W1, W2, ..."
        )
    if kind in ("torch", "legacy"):
        return CheckpointContent(
            "torch", label, read_torch(file, kind, max_bytes), max_bytes, _size(files)
        )
    if kind == "safetensors":
        # The format keeps its tensors sorted: the order of the model is lost.
        return CheckpointContent(
            "safetensors", label, read_safetensors(file), max_bytes, _size(files), False
        )
    if checkpoint.layers is None:
        value = read_npz(file, max_bytes) if kind == "npz" else _read_matlab(file, max_bytes)
        whole: Kind = "npz" if kind == "npz" else "matlab"
        return CheckpointContent(whole, label, value, max_bytes, _size(files))
    read: dict[str, Any] = {}
    for name, path in zip(checkpoint.layers, files, strict=True):
        if name in read:
            raise CheckpointError(f"{path}: a second file for layer {name} in {label}")
        if kind == "scipy":
            read[name] = read_scipy(path, max_bytes)
        else:
            (read[name],) = _read_matlab(path, max_bytes).values()
    shared: Kind = "scipy" if kind == "scipy" else "matlab"
    return CheckpointContent(shared, label, read, max_bytes, _size(files), False)


def _size(files: Sequence[Path]) -> int:
    return sum(path.stat().st_size for path in files)


def _read_matlab(path: Path, max_bytes: int) -> dict[str, Any]:
    matrices = read_matrices(path, max_bytes)
    if not matrices:
        raise CheckpointError(f"{path}: holds no matrix of numbers")
    return matrices
