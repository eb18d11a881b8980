"""Tables: tidy data whose columns are declared, checked on the way out, and kept as Parquet."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from topolab.errors import TableError
from topolab.store.files import replace_with

__all__ = ["Column", "check", "concat", "empty", "read_table", "write_table"]

Schema = Sequence["Column"]
_DTYPES: dict[type, str] = {int: "int64", float: "float64", str: "str", bool: "bool"}


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name : str
    dtype : {int, float, str, bool}
        Only float columns may hold missing values (NaN).
    unit : str
        ``"1"`` for a pure number.
    meaning : str
        One sentence, for the reader of the table.
    """

    name: str
    dtype: type
    unit: str = "1"
    meaning: str = ""

    def __post_init__(self) -> None:
        if self.dtype not in _DTYPES:
            raise TableError(
                f"column {self.name}: type {self.dtype!r} is none of int float str bool"
            )


def empty(schema: Schema) -> pd.DataFrame:
    """A table of this schema without rows."""
    return pd.DataFrame({c.name: pd.Series([], dtype=_DTYPES[c.dtype]) for c in schema})


def concat(parts: Sequence[pd.DataFrame], schema: Schema) -> pd.DataFrame:
    """Tables of one schema below each other, without rows if there is none."""
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else empty(schema)


def check(frame: pd.DataFrame, schema: Schema, *, name: str = "table") -> pd.DataFrame:
    """Check a table against its declaration; return it with exactly the declared columns.

    Parameters
    ----------
    frame : DataFrame
    schema : sequence of Column
    name : str
        What to call the table in an error.

    Returns
    -------
    DataFrame
        Columns in declared order and type, rows numbered from 0.

    Raises
    ------
    TableError
        If a column is missing, undeclared, or of a type that cannot be converted without loss.

    Examples
    --------
    >>> check(pd.DataFrame({"b": [1], "a": [2]}), [Column("a", int), Column("b", float)])
       a    b
    0  2  1.0
    """
    declared = [column.name for column in schema]
    missing = [c for c in declared if c not in frame.columns]
    extra = [str(c) for c in frame.columns if c not in declared]
    if missing or extra:
        raise TableError(
            f"{name}: columns missing {missing or 'none'}, not declared {extra or 'none'}"
        )
    out = {}
    for column in schema:
        values = frame[column.name].reset_index(drop=True)
        try:
            converted = values.astype(_DTYPES[column.dtype])  # type: ignore[call-overload]
        except (TypeError, ValueError, OverflowError) as error:
            raise TableError(f"{name}: column {column.name} cannot be {column.dtype.__name__} "
                             f"({error})") from error  # fmt: skip
        if column.dtype is int and not np.array_equal(
            converted.to_numpy(), values.to_numpy().astype(np.float64)
        ):
            raise TableError(f"{name}: column {column.name} holds values that are not whole")
        out[column.name] = converted
    return pd.DataFrame(out, columns=declared)


def write_table(
    frame: pd.DataFrame, path: Path, schema: Schema, about: Mapping[str, Any] | None = None
) -> None:
    """Write a checked table as Parquet, atomically, with units and meanings inside.

    Raises
    ------
    TableError
        If the columns are not the declared ones.
    RunError
        If the file cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    frame = check(frame, schema, name=path.stem)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    fields = [
        table.schema.field(c.name).with_metadata({"unit": c.unit, "meaning": c.meaning})
        for c in schema
    ]
    said = json.dumps({**(about or {}), "sha256": _digest(frame, dict(about or {}))})
    metadata = {**(table.schema.metadata or {}), b"topolab": said.encode()}
    table = table.cast(pa.schema(fields, metadata=metadata))
    replace_with(path, lambda temporary: pq.write_table(table, temporary, compression="zstd"))


def read_table(path: Path, schema: Schema) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read a table back with what was written about it.

    Raises
    ------
    TableError
        If the file is absent, damaged, or has other columns.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if not path.is_file():  # a pipe would be waited at
            raise OSError("no plain file is there")
        table = pq.read_table(path, partitioning=None)
        about = dict(json.loads((table.schema.metadata or {})[b"topolab"]))
        written = about.pop("sha256")
        frame = check(table.to_pandas(), schema, name=path.stem)
        intact = written == _digest(frame, about)
    except (
        OSError, KeyError, ValueError, TypeError, RecursionError, pa.ArrowException
    ) as error:  # fmt: skip
        raise TableError(f"{path}: not a readable table ({error})") from error
    if not intact:
        raise TableError(f"{path}: altered, its content does not match its SHA-256")
    return frame, about


def _digest(frame: pd.DataFrame, about: Mapping[str, Any]) -> str:
    """SHA-256 over columns, values and what is said of them; a NaN is a NaN."""
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name in frame.columns:
        values = frame[name].to_numpy()
        digest.update(f"\n{name} {len(values)}\n".encode())
        if values.dtype == object or values.dtype.kind not in "ifb":
            digest.update("\0".join(map(str, values)).encode("utf-8", "surrogatepass"))
        else:
            if values.dtype.kind == "f":
                values = np.where(np.isnan(values), np.nan, values)
            digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
