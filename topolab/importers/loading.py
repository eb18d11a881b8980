"""Reading foreign files without running anything from them, and without believing their sizes.

torch files are read with ``weights_only=True`` and mapped into memory, arrays with
``allow_pickle=False`` after their claimed sizes were checked. What needs code is refused.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import struct
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from topolab.importers.base import CheckpointError, Content, Kind, UnsafeFileError
from topolab.importers.matfile import read_matrices
from topolab.importers.names import natural
from topolab.importers.ordering import numbered

__all__ = ["FileKind", "load", "scipy_shape", "sniff", "verify_archive"]

FileKind = Literal["torch", "legacy", "safetensors", "npz", "scipy", "matlab", "hdf5", "npy"]
_SCIPY = {"format.npy", "shape.npy"}
_MAX_HEADER = 100 * 2**20
_UNSAFE_NAMES = 8
_PICKLES = 64  # torch writes five
_CHUNK = 2**20
_ZIP_END = 22
_CONVERT = """\
import pickle, torch
def plain(x):
    if isinstance(x, dict): return {{str(k): plain(v) for k, v in x.items()}}
    if isinstance(x, (list, tuple)): return [plain(v) for v in x]
    if isinstance(x, torch.nn.Module): return plain(x.state_dict())
    if isinstance(x, torch.Tensor) or type(x) in (int, float, str, bool, type(None)): return x
    if type(x).__module__ == "numpy": return x.item() if x.ndim == 0 else torch.as_tensor(x)
    return str(x)
try: checkpoint = torch.load({path!r}, map_location="cpu", weights_only=False)  # runs its code
except (RuntimeError, pickle.UnpicklingError):
    with open({path!r}, "rb") as file: checkpoint = pickle.load(file)
torch.save(plain(checkpoint), {out!r})"""
_CONVERT_NUMPY = """\
import numpy as np
objects = np.load({path!r}, allow_pickle=True)  # runs its code
np.savez({out!r}, **{{f"W{{i + 1}}": np.asarray(w, dtype=float) for i, w in enumerate(objects)}})"""
_CONVERT_NPZ = """\
import numpy as np
objects = dict(np.load({path!r}, allow_pickle=True))  # runs its code
plain = {{}}
for name, w in objects.items():
    items = w.tolist() if w.dtype == object else w
    try: plain[name] = np.asarray(items, dtype=float)
    except ValueError:
        for i, item in enumerate(items): plain[f"{{name}}{{i + 1}}"] = np.asarray(item, float)
np.savez({out!r}, **plain)"""


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


def load(
    files: Sequence[Path], kind: FileKind, label: str, layers: Sequence[str] | None, max_bytes: int
) -> Content:
    """Load the file, or the files, of one checkpoint.

    Parameters
    ----------
    files : sequence of path
    kind : str
        As `sniff` said.
    label : str
        What to call it in errors.
    layers : sequence of str, optional
        Per file its layer, where a file holds one.
    max_bytes : int
        No array, and no archive beyond its own size on disk, may claim more.

    Raises
    ------
    UnsafeFileError
        If it can only be read by running code from it.
    CheckpointError
        If it is damaged or claims too much.
    """
    file = files[0]
    if kind == "hdf5":
        raise CheckpointError(
            f"{file}: HDF5 (MATLAB 7.3, Keras) is not read; save it from MATLAB with -v7, "
            "or from Python as .npz or .safetensors"
        )
    if kind == "npy":
        _npy_header(file, max_bytes)
        raise CheckpointError(
            f"{file}: one bare array is no convention; save the layers together "
            "with numpy.savez under the names W1, W2, ..."
        )
    if kind in ("torch", "legacy"):
        return Content("torch", label, _torch(file, kind, max_bytes), max_bytes, _size(files))
    if kind == "safetensors":
        # The format keeps its tensors sorted: the order of the model is lost.
        return Content("safetensors", label, _safetensors(file), max_bytes, _size(files), False)
    if layers is None:
        value = _npz(file, max_bytes) if kind == "npz" else _matlab(file, max_bytes)
        whole: Kind = "npz" if kind == "npz" else "matlab"
        return Content(whole, label, value, max_bytes, _size(files))
    read: dict[str, Any] = {}
    for name, path in zip(layers, files, strict=True):
        if name in read:
            raise CheckpointError(f"{path}: a second file for layer {name} in {label}")
        if kind == "scipy":
            read[name] = _scipy(path, max_bytes)
        else:
            (read[name],) = _matlab(path, max_bytes).values()
    shared: Kind = "scipy" if kind == "scipy" else "matlab"
    return Content(shared, label, read, max_bytes, _size(files), False)


def _size(files: Sequence[Path]) -> int:
    return sum(path.stat().st_size for path in files)


# -- torch and safetensors ---------------------------------------------------------------------


def _torch(path: Path, kind: FileKind, max_bytes: int) -> Any:
    import torch

    if kind == "torch":
        _check_archive(path, max_bytes, stored_only=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecations inside torch; and old storages
            if kind == "legacy":
                _refuse_tar(path)
            return torch.load(path, map_location="cpu", weights_only=True, mmap=kind == "torch")
    except pickle.UnpicklingError as error:
        raise _unsafe(path, _torch_globals(path, kind), str(error)) from error
    except Exception as error:  # torch raises whatever the bytes lead it to
        found = _torch_globals(path, kind)
        if found:
            raise _unsafe(path, found, str(error)) from error
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
            return file.read(_MAX_HEADER)
    with zipfile.ZipFile(path) as archive:
        name = next(n for n in archive.namelist() if n.rpartition("/")[2] == "data.pkl")
        with archive.open(name) as member:
            return member.read(_MAX_HEADER)


def pickle_globals(data: bytes) -> set[str]:
    """The globals that a pickle names, by taking it apart; nothing is run.

    Examples
    --------
    >>> import pickle
    >>> sorted(pickle_globals(pickle.dumps(Path("x")) + pickle.dumps(print)))[0]
    'builtins.print'
    """
    found: set[str] = set()
    stream = io.BytesIO(data)
    for _ in range(_PICKLES):
        texts: list[str] = []
        memo: dict[int, str] = {}
        try:
            for code, argument, _ in pickletools.genops(stream):
                name = code.name
                if name in ("GLOBAL", "INST") and isinstance(argument, str):
                    found.add(argument.replace(" ", "."))
                elif name == "STACK_GLOBAL":
                    found.add(".".join(texts[-2:]) if len(texts) >= 2 else "(computed)")
                elif name == "MEMOIZE":
                    memo[len(memo)] = texts[-1] if texts else ""
                elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
                    memo[int(str(argument))] = texts[-1] if texts else ""
                elif name in ("GET", "BINGET", "LONG_BINGET"):
                    texts.append(memo.get(int(str(argument)), ""))
                elif isinstance(argument, str):
                    texts.append(argument)
        except (ValueError, IndexError, UnicodeDecodeError, OverflowError, TypeError):
            break
        at = stream.tell()  # torch's old files are several pickles, then numbers
        if data[at : at + 1] != b"\x80":
            break
    return found


def _unsafe(path: Path, found: Sequence[str], why: str) -> UnsafeFileError:
    names = ", ".join(found[:_UNSAFE_NAMES]) or why.splitlines()[0][:200]
    more = f" and {len(found) - _UNSAFE_NAMES} more" if len(found) > _UNSAFE_NAMES else ""
    out = str(path.with_name(path.stem + "-plain.pt"))
    return UnsafeFileError(
        f"{path}: refused, it cannot be read without running code from it ({names}{more}); "
        "convert it where you trust it, with the lines of docs/import.md",
        found,
        _CONVERT.format(path=str(path), out=out),
    )


def _safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            return {name: file.get_tensor(name) for name in sorted(file.keys(), key=natural)}
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path}: damaged, it cannot be read ({error})") from error


# -- numpy and scipy -----------------------------------------------------------------------------


def _check_archive(path: Path, max_bytes: int, *, stored_only: bool = False) -> None:
    """Refuse an archive that would unpack to more than is allowed, before anything is unpacked."""
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
            "give a larger --max-gib (max_bytes)"
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
                    while file.read(_CHUNK):
                        pass
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError) as error:
        raise CheckpointError(
            f"{path}: damaged, a part of it is not what was written ({error})"
        ) from error


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


def _npy_header(path: Path, max_bytes: int) -> None:
    try:
        with path.open("rb") as file:
            _, dtype = _header(file)
            if dtype.hasobject:
                found = sorted(pickle_globals(file.read(_MAX_HEADER)))
                raise _unsafe_numpy(path, found, _CONVERT_NUMPY)
    except CheckpointError:
        raise
    except Exception as error:  # numpy's header is parsed as Python
        raise CheckpointError(f"{path}: damaged, it cannot be read ({error})") from error


def _unsafe_numpy(path: Path, found: Sequence[str], snippet: str) -> UnsafeFileError:
    return UnsafeFileError(
        f"{path}: refused, it cannot be read without running code from it "
        f"({', '.join(found[:_UNSAFE_NAMES]) or 'an array of Python objects'}); "
        "convert it where you trust it, with the lines of docs/import.md",
        found,
        snippet.format(path=str(path), out=str(path.with_name(path.stem + "-plain.npz"))),
    )


def _npz(path: Path, max_bytes: int) -> dict[str, npt.NDArray[Any]]:
    """Every array of a .npz, after its claims were held against its size."""
    _check_archive(path, max_bytes)
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
                        found = sorted(pickle_globals(file.read(_MAX_HEADER)))
                        raise _unsafe_numpy(path, found, _CONVERT_NPZ)
                if math.prod(shape) * dtype.itemsize > member.file_size:
                    raise CheckpointError(
                        f"{path}: {name} claims the shape {shape}, more than its file holds"
                    )
                with archive.open(member) as file:
                    arrays[name] = np.lib.format.read_array(file, allow_pickle=False)
                    while file.read(_CHUNK):  # its checksum is looked at where it ends
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


def _scipy(path: Path, max_bytes: int) -> Any:
    arrays = _npz(path, max_bytes)
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


def _matlab(path: Path, max_bytes: int) -> dict[str, Any]:
    found = read_matrices(path, max_bytes)
    if not found:
        raise CheckpointError(f"{path}: holds no matrix of numbers")
    return found
