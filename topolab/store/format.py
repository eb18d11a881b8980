"""Format version 1 of a snapshot file: safetensors, written so that equal content is equal bytes.

The layout is specified in ``docs/snapshot-format.md``; this module is its reference. The
safetensors library is not used to write, because it does not promise an order for the header's
entries, and equal snapshots must be equal files.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from topolab.errors import ConfigError, FormatVersionError, RunError, SnapshotError
from topolab.layers import LayerSpec
from topolab.snapshot import Snapshot
from topolab.store.manifest import FORMAT_VERSION

__all__ = [
    "FORMAT_VERSION",
    "MAX_HEADER",
    "SNAPSHOT_FORMAT",
    "Header",
    "decode",
    "encode",
    "most_bytes",
    "read_header",
]

SNAPSHOT_FORMAT = "topolab.snapshot"
#: Bytes of a header at the most: parsed, it can take some 25 times as many.
MAX_HEADER = 32 * 2**20
_ZEROS = "0" * 64
_DTYPES: dict[str, np.dtype[Any]] = {"U8": np.dtype("<u1"), "F32": np.dtype("<f4")}
_CODES = {dtype: code for code, dtype in _DTYPES.items()}
_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


@dataclass(frozen=True)
class Header:
    """What a snapshot file says of itself before its payload."""

    index: int
    step: int
    epoch: float
    run_id: str
    metrics: dict[str, float]
    shapes: dict[str, tuple[int, ...]]
    sha256: str
    tensors: dict[str, dict[str, Any]]
    payload_at: int


def _dump(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _number_out(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def most_bytes(layers: Sequence[LayerSpec]) -> int:
    """The size that no snapshot file of these layers can exceed."""
    return 8 + MAX_HEADER + sum(-(-k.size // 8) + 4 * k.size + 8 * k.n_out for k in layers)


def encode(snapshot: Snapshot, *, run_id: str) -> bytearray:
    """The bytes of a snapshot file. Equal snapshots give equal bytes.

    Parameters
    ----------
    snapshot : Snapshot
    run_id : str
        The identity of the run it belongs to, as in its ``run.json``.

    Returns
    -------
    bytearray

    Raises
    ------
    RunError
        If its layers and metrics make a header of more than `MAX_HEADER` bytes.
    """
    tensors: list[tuple[str, npt.NDArray[Any]]] = []
    for layer in snapshot.layers:
        tensors.append((f"{layer.name}.mask", snapshot.packed[layer.name]))
        for suffix, values in (
            ("weight", snapshot.stored_weights),
            ("activity", snapshot.stored_activity),
            ("gradient", snapshot.stored_gradient),
        ):
            if layer.name in values:
                tensors.append((f"{layer.name}.{suffix}", values[layer.name]))
    # Four-byte values come first, so that every tensor lies on a multiple of its own size.
    tensors.sort(key=lambda item: -item[1].dtype.itemsize)

    metadata = {
        "format": SNAPSHOT_FORMAT,
        "version": str(FORMAT_VERSION),
        "run": run_id,
        "index": str(snapshot.index),
        "step": str(snapshot.step),
        "epoch": _dump(_number_out(snapshot.epoch)),
        "layers": _dump([[layer.name, list(layer.shape)] for layer in snapshot.layers]),
        "metrics": _dump({k: _number_out(float(v)) for k, v in snapshot.metrics.items()}),
        "sha256": _ZEROS,
    }
    entries: dict[str, Any] = {"__metadata__": metadata}
    offset = 0
    parts: list[npt.NDArray[Any]] = []
    for name, array in tensors:
        little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        entries[name] = {
            "dtype": _CODES[little.dtype],
            "shape": list(little.shape),
            "data_offsets": [offset, offset + little.nbytes],
        }
        offset += little.nbytes
        parts.append(little)
    text = json.dumps(entries, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > MAX_HEADER:
        raise RunError(
            f"snapshot {snapshot.index}: its {len(snapshot.metrics)} metrics and "
            f"{len(snapshot.layers)} layers need a header of {len(text)} bytes, at most "
            f"{MAX_HEADER} are possible"
        )
    # One buffer, filled in place: a large layer is held once here, not once for each step.
    start = 8 + len(text)
    out = bytearray(start + offset)
    out[:start] = len(text).to_bytes(8, "little") + text
    filled = np.frombuffer(out, dtype=np.uint8)
    for part in parts:
        filled[start : start + part.nbytes] = part.view(np.uint8)
        start += part.nbytes
    place = 8 + _place_of_digest(text)
    out[place : place + 64] = hashlib.sha256(out).hexdigest().encode()
    return out


def _place_of_digest(text: bytes) -> int:
    return text.index(b'"sha256":"') + len(b'"sha256":"')


def read_header(data: bytes | memoryview, *, source: str) -> Header:
    """Parse and check the header of a snapshot file; the payload may be absent.

    Parameters
    ----------
    data : bytes
        The file from its first byte, at least up to the end of its header.
    source : str
        What to call the file in an error.

    Raises
    ------
    SnapshotError
        If this is no snapshot, or its header is cut or contradicts itself.
    FormatVersionError
        If a newer topolab wrote it.
    """
    if len(data) < 8:
        raise SnapshotError(f"{source}: truncated, only {len(data)} bytes are left")
    length = int.from_bytes(bytes(data[:8]), "little")
    if not 2 <= length <= MAX_HEADER:
        raise SnapshotError(f"{source}: not a topolab snapshot (claims a header of {length} bytes)")
    if len(data) < 8 + length:
        raise SnapshotError(f"{source}: truncated inside its header")
    try:
        entries = json.loads(bytes(data[8 : 8 + length]))
        metadata = entries.pop("__metadata__")
        found = metadata["format"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SnapshotError(f"{source}: not a topolab snapshot (no readable header)") from error
    if found != SNAPSHOT_FORMAT:
        raise SnapshotError(f"{source}: not a topolab snapshot (its format is {str(found)[:80]!r})")
    _check_version(metadata.get("version"), source)
    try:
        metrics = {str(k): _number_in(v) for k, v in json.loads(metadata["metrics"]).items()}
        shapes = {
            str(name): tuple(int(size) for size in shape)
            for name, shape in json.loads(metadata["layers"])
        }
        return Header(
            index=int(metadata["index"]),
            step=int(metadata["step"]),
            epoch=_number_in(json.loads(metadata["epoch"])),
            run_id=str(metadata["run"]),
            metrics=metrics,
            shapes=shapes,
            sha256=str(metadata["sha256"]),
            tensors=entries,
            payload_at=8 + length,
        )
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        raise SnapshotError(f"{source}: altered, its header cannot be read ({error})") from error


def _check_version(version: Any, source: str) -> None:
    try:
        number = int(version)
    except (TypeError, ValueError, OverflowError) as error:
        shown = str(version)[:80]
        raise SnapshotError(f"{source}: altered, format version {shown!r}") from error
    if number > FORMAT_VERSION:
        raise FormatVersionError(
            f"{source}: format version {number} is newer than this topolab reads "
            f"({FORMAT_VERSION}); upgrade topolab"
        )
    if number < 1:
        raise SnapshotError(f"{source}: altered, format version {number}")


def _number_in(value: Any) -> float:
    return _SPECIAL[value] if isinstance(value, str) else float(value)


def decode(
    data: bytes, layers: Sequence[LayerSpec], *, source: str, run_id: str | None = None
) -> Snapshot:
    """Read a snapshot file, checking every byte of it.

    Parameters
    ----------
    data : bytes
        The whole file.
    layers : sequence of LayerSpec
        The layer table of the run it should belong to.
    source : str
        What to call the file in an error.
    run_id : str, optional
        The run it should belong to.

    Returns
    -------
    Snapshot
        Its arrays are views into `data`; nothing is copied.

    Raises
    ------
    SnapshotError
        If the file is truncated, altered, of other layers or of another run.
    FormatVersionError
        If a newer topolab wrote it.
    """
    header = read_header(data, source=source)
    _check_digest(data, header, source)
    if run_id is not None and header.run_id != run_id:
        raise SnapshotError(f"{source}: belongs to another run ({header.run_id[:16]!r})")
    expected = {layer.name: layer.shape for layer in layers}
    if header.shapes != expected:
        was, should = str(header.shapes)[:200], str(expected)[:200]
        raise SnapshotError(f"{source}: its layers are {was}, the run's are {should}")
    arrays = _arrays(data, header, source)
    packed: dict[str, npt.NDArray[np.uint8]] = {}
    stored: dict[str, dict[str, npt.NDArray[np.float32]]] = {
        "weight": {}, "activity": {}, "gradient": {}
    }  # fmt: skip
    for layer in layers:
        packed[layer.name] = _mask(arrays, layer, source)
        active = int(np.bitwise_count(packed[layer.name]).sum())
        sizes = {"weight": active, "activity": layer.n_out, "gradient": layer.n_out}
        for suffix, values in stored.items():
            array = arrays.pop(f"{layer.name}.{suffix}", None)
            if array is None:
                continue
            if array.dtype != np.dtype("<f4") or array.shape != (sizes[suffix],):
                raise SnapshotError(
                    f"{source}: layer {layer.name} has {suffix} of shape {array.shape}, "
                    f"expected {sizes[suffix]} float32 values"
                )
            values[layer.name] = array
    if arrays:
        raise SnapshotError(f"{source}: holds unknown entries {sorted(arrays)[:3]}")
    return Snapshot(
        index=header.index,
        step=header.step,
        epoch=header.epoch,
        layers=tuple(layers),
        packed=packed,
        metrics=header.metrics,
        digest=header.sha256,
        stored_weights=stored["weight"],
        stored_activity=stored["activity"],
        stored_gradient=stored["gradient"],
    )


def _check_digest(data: bytes, header: Header, source: str) -> None:
    text = bytes(data[8 : header.payload_at])
    try:
        place = _place_of_digest(text)
    except ValueError as error:
        raise SnapshotError(f"{source}: altered, its checksum is missing") from error
    digest = hashlib.sha256(data[: 8 + place])
    digest.update(_ZEROS.encode())
    digest.update(memoryview(data)[8 + place + 64 :])
    written = text[place : place + 64].decode("ascii", "replace")
    if written != header.sha256 or digest.hexdigest() != written:
        raise SnapshotError(
            f"{source}: truncated or altered, its content does not match its SHA-256"
        )


def _arrays(data: bytes, header: Header, source: str) -> dict[str, npt.NDArray[Any]]:
    arrays: dict[str, npt.NDArray[Any]] = {}
    at = 0
    room = len(data) - header.payload_at
    for name, entry in header.tensors.items():
        try:
            dtype = _DTYPES[entry["dtype"]]
            shape = tuple(int(size) for size in entry["shape"])
            begin, end = (int(offset) for offset in entry["data_offsets"])
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise SnapshotError(f"{source}: entry {name[:80]!r} is not described") from error
        count = math.prod(shape)
        if len(shape) != 1 or count < 0 or begin != at or end - begin != count * dtype.itemsize:
            raise SnapshotError(f"{source}: entry {name[:80]!r} has an impossible place or shape")
        if end > room:
            raise SnapshotError(f"{source}: truncated, entry {name[:80]!r} is cut")
        arrays[name] = np.frombuffer(data, dtype, count, header.payload_at + begin)
        at = end
    if at != room:
        raise SnapshotError(f"{source}: altered, {room - at} bytes follow its last entry")
    return arrays


def _mask(
    arrays: dict[str, npt.NDArray[Any]], layer: LayerSpec, source: str
) -> npt.NDArray[np.uint8]:
    mask = arrays.pop(f"{layer.name}.mask", None)
    length = -(-layer.size // 8)
    if mask is None or mask.dtype != np.uint8 or mask.shape != (length,):
        raise SnapshotError(f"{source}: layer {layer.name} has no mask of {length} bytes")
    padding = -layer.size % 8
    if padding and mask[-1] >> (8 - padding):
        raise SnapshotError(f"{source}: layer {layer.name} has bits after its last weight")
    return mask


def metrics_of(values: Mapping[str, float] | None) -> dict[str, float]:
    """Metrics as plain floats, in a fixed order.

    Raises
    ------
    ConfigError
        If one is no number.
    """
    named = {str(name): value for name, value in (values or {}).items()}
    return {name: number_of(named[name], f"metric {name}") for name in sorted(named)}


def number_of(value: Any, what: str) -> float:
    """A plain float, of a number or of an array or tensor with one element.

    Raises
    ------
    ConfigError
        If it is no number; the message begins with `what`.
    """
    try:
        return float(value.item() if hasattr(value, "item") else value)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        shape = getattr(value, "shape", None)
        shown = format(repr(value), ".80") if shape is None else f"of shape {tuple(shape)}"
        raise ConfigError(f"{what} is no number: {shown}") from None
