"""Files of numpy and scipy, read with ``allow_pickle=False`` after their claims were checked."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from topolab.importers.archives import CHUNK, check_archive
from topolab.importers.base import CheckpointError
from topolab.importers.names import natural
from topolab.importers.ordering import numbered
from topolab.importers.pickles import (
    CONVERT_NPY,
    CONVERT_NPZ,
    MOST_PICKLE,
    numpy_refusal,
    pickle_globals,
)

__all__ = ["check_npy", "read_npz", "read_scipy", "scipy_shape"]


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read is None:
        raise ValueError(f"version {version} of .npy is not read")
    shape, _, dtype = read(file)
    return tuple(shape), dtype


def check_npy(path: Path, max_bytes: int) -> None:
    """Refuse a bare array that needs code, or is damaged, by its header.

    Raises
    ------
    UnsafeFileError
        If it can only be read by running code from it.
    CheckpointError
        If it is damaged.
    """
    try:
        with path.open("rb") as file:
            _, dtype = _header(file)
            if dtype.hasobject:
                found = sorted(pickle_globals(file.read(MOST_PICKLE)))
                raise numpy_refusal(path, found, CONVERT_NPY)
    except CheckpointError:
        raise
    except Exception as error:  # numpy's header is parsed as Python
        raise CheckpointError(f"{path}: damaged, it cannot be read ({error})") from error


def read_npz(path: Path, max_bytes: int) -> dict[str, npt.NDArray[Any]]:
    """Every array of a .npz, after its claims were held against its size."""
    check_archive(path, max_bytes)
    arrays: dict[str, npt.NDArray[Any]] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                name = member.filename.removesuffix(".npy")
                if name == member.filename:
                    raise ValueError(f"{name!r:.80} in it is no array")
                with archive.open(member) as file:
                    shape, dtype = _header(file)
                    if dtype.hasobject:
                        found = sorted(pickle_globals(file.read(MOST_PICKLE)))
                        raise numpy_refusal(path, found, CONVERT_NPZ)
                if math.prod(shape) * dtype.itemsize > member.file_size:
                    raise CheckpointError(
                        f"{path}: {name} claims the shape {shape}, more than its file holds"
                    )
                with archive.open(member) as file:
                    arrays[name] = np.lib.format.read_array(file, allow_pickle=False)
                    while file.read(CHUNK):  # its checksum is looked at where it ends
                        pass
    except CheckpointError:
        raise
    except Exception as error:  # zipfile, zlib, tokenize: whatever the bytes lead them to
        raise CheckpointError(f"{path}: damaged, it cannot be read ({error})") from error
    # By their numbers if that is all they differ in, else as they were saved.
    by_number = numbered([name for name, array in arrays.items() if array.ndim > 1])
    return {name: arrays[name] for name in (sorted(arrays, key=natural) if by_number else arrays)}


def scipy_shape(path: Path) -> tuple[int, ...]:
    """The shape of a sparse matrix of scipy's, without its entries.

    Raises
    ------
    CheckpointError
        If it is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open("shape.npy") as file:
            shape, dtype = _header(file)
            if shape != (2,) or dtype.kind not in "iu":
                raise ValueError(f"a shape of {shape}")
            return tuple(np.frombuffer(file.read(2 * dtype.itemsize), dtype).tolist())
    except Exception as error:  # zipfile, zlib, tokenize: whatever the bytes lead them to
        raise CheckpointError(f"{path}: damaged, it cannot be read ({error})") from error


def read_scipy(path: Path, max_bytes: int) -> Any:
    """A sparse matrix of scipy's, with every index checked.

    Raises
    ------
    CheckpointError
        If it is damaged or claims too much.
    """
    arrays = read_npz(path, max_bytes)
    try:
        form = arrays["format"].item()
        form = form.decode() if isinstance(form, bytes) else str(form)
        rows, columns = (int(size) for size in arrays["shape"])
        shape = (rows, columns)
        if min(shape) < 1:
            raise ValueError(f"shape {shape}")
        data = arrays["data"]
        if data.dtype.kind not in "biuf":
            raise ValueError(f"values of {data.dtype}")
        if form in ("csr", "csc", "bsr"):
            make = {"csr": sp.csr_array, "csc": sp.csc_array, "bsr": sp.bsr_array}[form]
            matrix: Any = make((data, arrays["indices"], arrays["indptr"]), shape=shape)
            matrix.check_format(full_check=True)
            return matrix.tocoo() if form == "bsr" else matrix
        if form == "coo":
            if "coords" in arrays:
                row, col = arrays["coords"]
            else:
                row, col = arrays["row"], arrays["col"]
            return sp.coo_array((data, (row, col)), shape=shape)
        raise ValueError(f"the format {form} is not read; save it as csr or coo")
    except (KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
        raise CheckpointError(f"{path}: damaged, it cannot be read ({error})") from error
