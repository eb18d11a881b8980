"""What a training needs to go on: parameters, optimiser state, masks, the step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from topolab.errors import RunError
from topolab.store.files import replace_with

__all__ = ["load_state", "save_state"]

FORMAT = "topolab.resume"
VERSION = 1


def save_state(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    masks: dict[str, Tensor],
    about: dict[str, Any],
) -> None:
    """Replace the saved state, atomically and durably.

    Parameters
    ----------
    path : Path
    model, optimizer, masks
        What is saved. Generators need no saving: see `topolab_trainers.seeds`.
    about : dict
        JSON values: step, run_id, seconds.

    Raises
    ------
    RunError
        If it cannot be written; the state before it is then still there.
    """
    tensors = {f"model.{k}": v.detach().cpu() for k, v in model.state_dict().items()}
    tensors |= {f"mask.{k}": v.cpu() for k, v in masks.items()}
    for name, parameter in model.named_parameters():
        for key, value in optimizer.state.get(parameter, {}).items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{name}|{key}"] = value.detach().cpu()
    tensors = {k: v.contiguous().clone() for k, v in tensors.items()}
    metadata = {"topolab": json.dumps({"format": FORMAT, "version": VERSION, **about})}

    def write(temporary: Path) -> None:
        try:
            save_file(tensors, temporary, metadata)
        except SafetensorError as error:
            raise OSError(str(error)) from error

    replace_with(path, write)


def load_state(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    masks: dict[str, Tensor],
    run_id: str,
) -> dict[str, Any] | None:
    """Restore what `save_state` wrote, in place.

    Returns
    -------
    dict or None
        What was said about it; None if nothing was saved yet.

    Raises
    ------
    RunError
        If the file is damaged or belongs to another run.
    """
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})["topolab"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise RunError(
            f"{path}: the saved state is damaged ({error}); delete it to repeat the training from "
            "its start (what was recorded is compared and kept)"
        ) from error
    if about.get("format") != FORMAT or about.get("version") != VERSION:
        raise RunError(f"{path}: not a resume state that this topolab reads")
    if about.get("run_id") != run_id:
        raise RunError(f"{path}: the saved state belongs to another run")
    try:
        own = {k[6:]: v for k, v in tensors.items() if k.startswith("model.")}
        model.load_state_dict(own)
        for name in masks:
            masks[name].copy_(tensors[f"mask.{name}"])
        parameters = dict(model.named_parameters())
        for key, value in tensors.items():
            if key.startswith("optimizer."):
                name, _, entry = key[10:].rpartition("|")
                parameter = parameters[name]
                device = parameter.device if value.ndim else torch.device("cpu")
                fused = optimizer.param_groups[0].get("fused")
                target = parameter.device if fused else device
                optimizer.state[parameter][entry] = value.to(target)
    except (KeyError, RuntimeError) as error:
        raise RunError(f"{path}: the saved state does not fit this network ({error})") from error
    return dict(about)
