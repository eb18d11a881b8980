"""The mask that a module carries, by convention, and its weight."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from topolab.errors import LayerError
from topolab.integrations.sparse_weights import has_csr, mask_of_sparse, unpack_csr

__all__ = [
    "FoundMask",
    "as_bool",
    "clean_name",
    "find_mask",
    "original_of",
    "parametrizations_of",
    "unwrap",
    "weight_of",
    "whole_tensor",
]

# Names that wrappers put into the path of a module.
_WRAPPERS = ("_orig_mod", "_checkpoint_wrapped_module", "_fsdp_wrapped_module")
# Devices with generators of their own, one per index.
_DEVICES = ("cuda", "xpu")


@dataclass(frozen=True)
class FoundMask:
    """The mask of one layer and where it was found.

    Attributes
    ----------
    mask : torch.Tensor of bool
        Of the weight's shape.
    how : str
        ``prune``, ``parametrization``, ``buffer``, ``sparse``, ``csr``, ``zeros``, ``dense`` or
        ``given``.
    """

    mask: torch.Tensor
    how: str


def unwrap(model: torch.nn.Module) -> torch.nn.Module:
    """The model inside DataParallel, DistributedDataParallel and torch.compile.

    Examples
    --------
    >>> inner = torch.nn.Linear(3, 2)
    >>> unwrap(torch.nn.DataParallel(inner)) is inner
    True
    """
    while True:
        parallel = (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)
        inner = model.module if isinstance(model, parallel) else getattr(model, "_orig_mod", None)
        if not isinstance(inner, torch.nn.Module):
            return model
        model = inner


def clean_name(path: str) -> str:
    """A module's path without what wrappers put into it.

    Examples
    --------
    >>> clean_name("block._orig_mod.fc1")
    'block.fc1'
    """
    return ".".join(part for part in path.split(".") if part not in _WRAPPERS)


def find_mask(module: torch.nn.Module, name: str = "") -> FoundMask | None:
    """The mask that a module carries by one of the conventions; None if it carries none.

    Parameters
    ----------
    module : torch.nn.Module
    name : str
        Of the layer, for messages.

    Returns
    -------
    FoundMask or None

    Raises
    ------
    LayerError
        If a mask holds other values than 0 and 1.

    Examples
    --------
    >>> from torch.nn.utils import prune
    >>> layer = prune.l1_unstructured(torch.nn.Linear(4, 2), "weight", amount=6)
    >>> found = find_mask(layer)
    >>> found.how, int(found.mask.sum())
    ('prune', 2)
    """
    pruned = getattr(module, "weight_mask", None)
    if isinstance(pruned, torch.Tensor):
        return FoundMask(as_bool(pruned, name), "prune")
    masks = [as_bool(part.mask, name) for part in parametrizations_of(module) if _has_mask(part)]
    if masks:
        mask = masks[0]
        for other in masks[1:]:
            mask = mask & other
        return FoundMask(mask, "parametrization")
    if has_csr(module):
        return FoundMask(unpack_csr(module._csr)[0], "csr")
    own = getattr(module, "mask", None)
    weight = original_of(module) if parametrizations_of(module) else getattr(module, "weight", None)
    if isinstance(own, torch.Tensor) and (weight is None or own.shape == weight.shape):
        return FoundMask(as_bool(own, name), "buffer")
    if isinstance(weight, torch.Tensor) and weight.layout != torch.strided:
        return FoundMask(mask_of_sparse(weight.detach()), "sparse")
    return None


def weight_of(module: torch.nn.Module) -> torch.Tensor | None:
    """The weight as the active connections use it; inactive ones may have any value.

    What `torch.nn.utils.prune` or a parametrization with a mask keeps is read where it is kept.
    Another parametrization is computed, as in evaluation and with the random generators put back.
    """
    original = getattr(module, "weight_orig", None)
    if isinstance(original, torch.Tensor):  # `weight` is from before the optimiser's step
        return original
    parts = parametrizations_of(module)
    kept = original_of(module)
    if len(parts) == 1 and kept is not None and _has_mask(parts[0]):
        return kept
    if parts:
        whole: Any = module.parametrizations["weight"]  # type: ignore[index]
        with _untouched(whole):
            computed = whole()  # not `module.weight`, which parametrize.cached would keep
        return computed if isinstance(computed, torch.Tensor) else None
    if has_csr(module):
        return unpack_csr(module._csr)[1]
    weight = getattr(module, "weight", None)
    if not isinstance(weight, torch.Tensor):
        return None
    return weight.detach() if weight.layout == torch.strided else weight.detach().to_dense()


def parametrizations_of(module: torch.nn.Module) -> list[torch.nn.Module]:
    """The parametrizations of a module's weight, in their order; none for most modules."""
    kept = getattr(module, "parametrizations", None)
    if not isinstance(kept, torch.nn.ModuleDict) or "weight" not in kept:
        return []
    return list(kept["weight"].children())


def original_of(module: torch.nn.Module) -> torch.Tensor | None:
    """What the parametrizations of a weight start from, where that is one tensor."""
    kept = getattr(module, "parametrizations", None)
    if not isinstance(kept, torch.nn.ModuleDict) or "weight" not in kept:
        return None
    original = getattr(kept["weight"], "original", None)
    return original if isinstance(original, torch.Tensor) else None


def _has_mask(part: torch.nn.Module) -> bool:
    return isinstance(getattr(part, "mask", None), torch.Tensor)


@contextmanager
def _untouched(whole: torch.nn.Module) -> Iterator[None]:
    """Compute a parametrization as in evaluation; its modes and the generators are put back.

    spectral_norm, for one, goes on iterating otherwise, and a Dropout inside draws.
    """
    modes = [(part, part.training) for part in whole.modules()]
    where = {tensor.device for tensor in (*whole.parameters(), *whole.buffers())}
    kind = next((device.type for device in where if device.type in _DEVICES), "cuda")
    devices = {device.index for device in where if device.type == kind}
    try:
        for part, _ in modes:
            part.training = False
        with torch.random.fork_rng(sorted(devices), device_type=kind):
            yield
    finally:
        for part, was in modes:
            part.training = was


def as_bool(mask: Any, name: str) -> torch.Tensor:
    """A mask of any kind as a tensor of bool.

    Raises
    ------
    LayerError
        If it holds other values than 0 and 1.
    """
    values = mask.detach() if isinstance(mask, torch.Tensor) else torch.from_numpy(np.array(mask))
    if hasattr(values, "full_tensor"):  # a DTensor: put together on every rank
        values = values.full_tensor()
    if values.layout != torch.strided:
        return mask_of_sparse(values)
    if values.dtype == torch.bool:
        return values
    active = values != 0
    if not torch.equal(active.to(values.dtype), values):
        raise LayerError(
            f"layer {name}: a mask holds only 0 and 1, this one has others; "
            "give masks= a function that says which weights are active"
        )
    return active


def whole_tensor(weight: torch.Tensor | None) -> torch.Tensor | None:
    """A DTensor put together, on every rank; any other tensor as it is."""
    if weight is not None and hasattr(weight, "full_tensor"):
        whole: torch.Tensor = weight.full_tensor()
        return whole
    return weight
