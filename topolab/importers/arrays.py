"""Arrays out of tensors, masks that are masks; every claim of size is checked before it is met."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from topolab.importers.base import CheckpointContent, CheckpointError, FoundLayer

__all__ = [
    "as_array",
    "as_mask",
    "binary",
    "dense_layer",
    "from_sparse",
    "is_array",
    "is_sparse",
]


def is_array(value: Any) -> bool:
    """Whether this is a torch tensor or a numpy array of numbers."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "biuf"
    return hasattr(value, "detach") and hasattr(value, "layout")


def is_sparse(value: Any) -> bool:
    """Whether this is a torch tensor of a sparse layout, or a scipy sparse matrix."""
    if hasattr(value, "layout") and hasattr(value, "detach"):
        return str(value.layout) != "torch.strided"
    return hasattr(value, "tocoo") and hasattr(value, "nnz")


def _claim(value: Any, content: CheckpointContent, layer: str) -> None:
    """Note that this is read, and refuse what needs too much: alone, or with all before it."""
    content.claims[id(value)] = math.prod(value.shape) * 4
    if content.claims[id(value)] > content.max_bytes:
        what = f"layer {layer} claims the shape {tuple(value.shape)},"
    elif sum(content.claims.values()) > max(content.max_bytes, 4 * content.size):
        what = f"its layers up to {layer} claim together"
    else:
        return
    raise CheckpointError(
        f"{content.label}: {what} more than the {content.max_bytes / 2**30:g} GiB that are "
        "allowed; if it is right, allow more (max_bytes, or max-gib)"
    )


def as_array(value: Any, content: CheckpointContent, layer: str) -> npt.NDArray[Any]:
    """A tensor or array as a dense numpy array of bool, int or float.

    Raises
    ------
    CheckpointError
        If it holds no numbers, has no data, or claims more than is allowed.
    """
    _claim(value, content, layer)
    if is_sparse(value):
        found = from_sparse(layer, value, content)
        assert found.weight is not None
        return found.weight
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "biuf":
            raise CheckpointError(f"{content.label}: layer {layer} holds {value.dtype}, no numbers")
        return value
    try:
        tensor = value.detach()
        if tensor.is_floating_point():
            tensor = tensor.float() if tensor.dtype.itemsize < 4 else tensor
        array = np.asarray(tensor.cpu().numpy())
    except (TypeError, RuntimeError, NotImplementedError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(
            f"{content.label}: layer {layer} cannot be read as numbers ({reason})"
        ) from error
    if array.dtype.kind not in "biuf":
        raise CheckpointError(f"{content.label}: layer {layer} holds {array.dtype}, no numbers")
    return array


def as_mask(value: Any, content: CheckpointContent, layer: str) -> npt.NDArray[np.bool_]:
    """A mask as bool.

    Raises
    ------
    CheckpointError
        If it has NaN, or a value other than 0 and 1.
    """
    array = as_array(value, content, layer)
    if array.dtype == np.bool_:
        return array
    mask = array != 0
    wrong = mask & (array != 1)
    if wrong.any():
        example = array[wrong].flat[0]
        raise CheckpointError(
            f"{content.label}: the mask of layer {layer} holds {example.item()!r}; "
            "a mask holds only 0 and 1"
        )
    return np.asarray(mask, dtype=np.bool_)


def binary(value: Any, content: CheckpointContent) -> bool:
    """Whether an array could be a mask: bool, or numbers that are all 0 or 1."""
    if not is_array(value) or is_sparse(value) or len(value.shape) not in (2, 3, 4):
        return False
    if "bool" in str(value.dtype):
        return True
    if math.prod(value.shape) * 4 > content.max_bytes or getattr(value, "is_meta", False):
        return False
    try:
        return bool(((value == 0) | (value == 1)).all())
    except (RuntimeError, TypeError, NotImplementedError):
        return False


def from_sparse(name: str, value: Any, content: CheckpointContent) -> FoundLayer:
    """A layer from a sparse matrix or tensor: what is stored is active, be it 0.

    Raises
    ------
    CheckpointError
        If its indices do not fit its shape, or it claims more than is allowed.
    """
    shape = tuple(int(s) for s in value.shape)
    _claim(value, content, name)
    flat, values = _entries(value, shape, content, name)
    mask = np.zeros(math.prod(shape), dtype=np.bool_)
    mask[flat] = True
    weight = np.zeros(math.prod(shape), dtype=np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        np.add.at(weight, flat, values.astype(np.float32))
    return FoundLayer(name, mask.reshape(shape), weight.reshape(shape))


def _entries(
    value: Any, shape: tuple[int, ...], content: CheckpointContent, name: str
) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
    """Flat positions and values; every index is checked before it is used."""
    damaged = f"{content.label}: layer {name} is damaged, its indices do not fit {shape}"
    try:
        if hasattr(value, "detach"):
            indices, values = _torch_entries(value)
        else:
            matrix = value.copy()
            check = getattr(matrix, "check_format", None)
            if check is not None:
                check(full_check=True)
            coo = matrix.tocoo()
            indices, values = (coo.row, coo.col), coo.data
    except (RuntimeError, ValueError, TypeError, IndexError, NotImplementedError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f"{damaged} ({reason})") from error
    if len(indices) != len(shape) or values.ndim != 1:
        raise CheckpointError(f"{damaged} (a part of it is dense)")
    for index, size in zip(indices, shape, strict=True):
        if len(index) != len(values) or (
            len(index) and not 0 <= int(index.min()) <= int(index.max()) < size
        ):
            raise CheckpointError(damaged)
    wide = [np.asarray(index, dtype=np.int64) for index in indices]
    return np.ravel_multi_index(tuple(wide), shape).astype(np.int64), values


def _torch_entries(tensor: Any) -> tuple[tuple[npt.NDArray[Any], ...], npt.NDArray[Any]]:
    layout = str(tensor.layout).removeprefix("torch.")
    tensor = tensor.detach()
    if layout == "sparse_coo":
        values = tensor._values()
        return tuple(tensor._indices().numpy()), values.float().numpy()
    if layout not in ("sparse_csr", "sparse_csc"):
        raise NotImplementedError(f"the layout {layout} is not read; save it as COO or CSR")
    rows = layout == "sparse_csr"
    starts = (tensor.crow_indices() if rows else tensor.ccol_indices()).numpy()
    inner = (tensor.col_indices() if rows else tensor.row_indices()).numpy()
    size = tensor.shape[0] if rows else tensor.shape[1]
    counts = np.diff(starts)
    if len(starts) != size + 1 or (counts < 0).any() or starts[0] != 0 or starts[-1] != len(inner):
        raise ValueError("its row pointers are wrong")
    outer = np.repeat(np.arange(size), counts)
    values = tensor.values().float().numpy()
    return ((outer, inner) if rows else (inner, outer)), values


def dense_layer(name: str, value: Any, content: CheckpointContent) -> FoundLayer:
    """A layer without a mask."""
    return FoundLayer(name, None, as_array(value, content, name))
