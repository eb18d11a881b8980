"""What a training needs to go on, in one file that is replaced atomically."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from topolab.errors import RunError
from topolab.store.files import replace_with

__all__ = ["read_state", "write_state", "write_tensors"]

FORMAT = "topolab.resume"
#: Version 3 has a checksum.
VERSION, WITHOUT_CHECKSUM = 3, 2


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    """Write or replace a safetensors file, atomically and durably.

    Raises
    ------
    RunError
        If it cannot be written; what was there before is then still there.
    """
    own = {k: v.detach().cpu().contiguous().clone() for k, v in sorted(tensors.items())}

    def write(temporary: Path) -> None:
        try:
            save_file(own, temporary, metadata)
        except SafetensorError as error:
            raise OSError(str(error)) from error

    replace_with(path, write)


def write_state(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Replace the saved state.

    Parameters
    ----------
    path : Path
    tensors : mapping of str to Tensor
        Generators need no saving: see `topolab_trainers.seeds`.
    about : mapping
        JSON values: step, run_id, seconds.

    Raises
    ------
    RunError
        If it cannot be written; the state before it is then still there.
    """
    header = json.dumps({"format": FORMAT, "version": VERSION, **about})
    header = json.dumps({**json.loads(header), "sha256": _digest(header, tensors)})
    write_tensors(path, tensors, {"topolab": header})


def _digest(header: str, tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over what is said and every tensor: name, type, shape and bytes."""
    digest = hashlib.sha256(header.encode())
    for name, tensor in sorted(tensors.items()):
        values = tensor.detach().cpu().contiguous()
        digest.update(f"\n{name} {values.dtype} {tuple(values.shape)}\n".encode())
        digest.update(values.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def read_state(path: Path, run_id: str) -> tuple[dict[str, Any], dict[str, Tensor]] | None:
    """Read what `write_state` wrote.

    Returns
    -------
    (about, tensors) or None
        None if nothing was saved yet.

    Raises
    ------
    RunError
        If the file is damaged or belongs to another run.
    """
    if not path.is_symlink() and not path.exists():
        return None
    try:
        if not path.is_file():  # a pipe would be waited at
            raise OSError("not a plain file")
        with safe_open(path, framework="pt") as file:
            about = dict(json.loads((file.metadata() or {})["topolab"]))
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        written = about.pop("sha256", None)
        old = about.get("version") == WITHOUT_CHECKSUM and written is None
        if not old and _digest(json.dumps(about), tensors) != written:
            raise ValueError("its content does not match its SHA-256")
    except (OSError, SafetensorError, KeyError, ValueError, TypeError, RecursionError) as error:
        raise RunError(
            f"{path}: the saved state is damaged ({error}); delete it to repeat the training from "
            "its start (what was recorded is compared and kept)"
        ) from error
    if about.get("format") != FORMAT or about.get("version") not in (VERSION, WITHOUT_CHECKSUM):
        raise RunError(
            f"{path}: not a resume state that this topolab reads; delete it to repeat the "
            "training from its start"
        )
    if about.get("run_id") != run_id:
        raise RunError(f"{path}: the saved state belongs to another run")
    return about, tensors
