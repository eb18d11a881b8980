"""Which masks of a module can be recorded, and as what layer."""

from __future__ import annotations

import torch

from topolab.integrations.masks import original_of
from topolab.integrations.sparse_weights import has_csr
from topolab.layers import LayerSpec

__all__ = ["layer_of", "masked_parameters", "why_unrecordable"]


def masked_parameters(module: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    """The parameters of a module that carry a mask by one of the conventions, with its shape.

    No value is looked at and nothing is computed.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for name, tensor in module._parameters.items():
        base = name.removesuffix("_orig")
        mask = getattr(module, f"{base}_mask", None) if base != name else None
        if isinstance(mask, torch.Tensor):
            shapes[base] = tuple(mask.shape)
        elif tensor is not None and tensor.layout != torch.strided:
            shapes[name] = tuple(tensor.shape)
    kept = getattr(module, "parametrizations", None)
    for name, whole in kept.items() if isinstance(kept, torch.nn.ModuleDict) else ():
        for part in whole.children():
            mask = getattr(part, "mask", None)
            if isinstance(mask, torch.Tensor):
                shapes[name] = tuple(mask.shape)
    pruned = getattr(module, "weight_mask", None)
    if "weight" in shapes:
        return shapes
    if isinstance(pruned, torch.Tensor):
        return {"weight": tuple(pruned.shape), **shapes}
    if has_csr(module):
        return {"weight": (0, 0), **shapes}  # of two sizes, which are not asked for
    weight = original_of(module)
    for place in (module._parameters, module._buffers, vars(module)):
        weight = place.get("weight") if weight is None else weight
    own = getattr(module, "mask", None)
    if isinstance(module, (torch.nn.Linear, torch.nn.Conv2d)) and weight is None:
        weight = own  # of several tensors: its shape is not known without computing it
    if isinstance(weight, torch.Tensor):
        by_mask = isinstance(own, torch.Tensor) and own.shape == weight.shape
        if by_mask or weight.layout != torch.strided:
            return {"weight": tuple(weight.shape), **shapes}
    return shapes


def why_unrecordable(module: torch.nn.Module, parameter: str, shape: tuple[int, ...]) -> str:
    """Why the mask of a parameter is not recorded; empty if it is."""
    kind = type(module).__name__
    if parameter != "weight":
        return f"only the mask of a module's `weight` is, not of its `{parameter}`"
    if isinstance(module, (torch.nn.Linear, torch.nn.Conv2d)) or has_csr(module):
        return ""
    if getattr(module, "transposed", False) is True or "transpose" in kind.lower():
        return f"a transposed convolution ({kind}) has its inputs first"
    if len(shape) not in (2, 4):
        return f"a {kind} has a weight of shape {shape}, and only those of 2 or 4 sizes are layers"
    if len(shape) == 4:
        signs = ("kernel_size", "stride", "padding", "dilation", "out_channels")
        convolves = "conv" in kind.lower() or any(hasattr(module, sign) for sign in signs)
        return "" if convolves else f"whether a {kind} is a convolution is not known"
    if isinstance(module, (torch.nn.Embedding, torch.nn.EmbeddingBag)):
        return f"an {kind} is a table of entries, not a layer of outputs by inputs"
    features = (getattr(module, "in_features", None), getattr(module, "out_features", None))
    turned = features == shape and shape[0] != shape[1]
    if turned or (kind == "Conv1D" and hasattr(module, "nf")):  # the latter is of transformers
        return f"a {kind} has its inputs first"
    return ""


def layer_of(name: str, module: torch.nn.Module, shape: tuple[int, ...]) -> LayerSpec:
    """The layer of a module that is no Linear and no Conv2d."""
    groups = getattr(module, "groups", 1)
    if len(shape) == 2:
        return LayerSpec(name, "linear", shape)
    return LayerSpec(name, "conv", shape, groups=groups if isinstance(groups, int) else 1)
