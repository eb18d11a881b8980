"""Small checkpoints for tests of the import, and how a refusal is looked at."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import topolab

DRAW = np.random.default_rng(11)


def mask(n_out: int, n_in: int) -> torch.Tensor:
    """Half of it, and at least one in every layer."""
    drawn = torch.from_numpy(DRAW.random((n_out, n_in)) < 0.5)
    drawn[0, 0], drawn[-1, -1] = True, False
    return drawn


def matrix(rows: int, columns: int) -> np.ndarray:
    return mask(rows, columns).numpy() * np.float32(2.5)


def inspect(series: Path, **options: Any) -> topolab.Inspection:
    return topolab.inspect_checkpoints(series, **options)


def shapes_of(inspection: topolab.Inspection) -> dict[str, tuple[int, ...]]:
    return {layer.spec.name: layer.spec.shape for layer in inspection.layers}


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.path,)


def refusal(folder: Path, *words: str, **options: Any) -> str:
    """The import fails with these words, and leaves nothing."""
    out = folder.parent / "run"
    with pytest.raises(topolab.TopolabError) as caught:
        topolab.import_run(folder, out, **options)
    message = str(caught.value)
    for word in words:
        assert word in message, message
    assert "\n" not in message
    assert not out.exists()
    assert not [p for p in folder.parent.iterdir() if p.name.startswith(".")]
    return message


def member(shape: tuple[int, ...], dtype: str = "<f4", data: bytes = b"") -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": dtype, "fortran_order": False, "shape": shape}
    )
    return file.getvalue() + data


def archive(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)


def write(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save({"masks": {"fc": torch.eye(3)}}, path)


def write_one(series: Path) -> None:
    for step in (1, 2):
        torch.save({"masks": {"fc": torch.eye(3)}}, series / f"step_{step}.pt")
