"""Finding the masks of a live model: by convention, looked up anew at every snapshot."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from topolab.errors import LayerError
from topolab.layers import LayerSpec, layers_of

__all__ = ["Found", "MaskFinder", "Masks", "clean_name", "find_mask", "unwrap"]

#: Masks by layer name: live tensors, or a function of the model that gives them.
Masks = Mapping[str, Any] | Callable[[torch.nn.Module], Mapping[str, Any]]

# Names that wrappers put into the path of a module.
_WRAPPERS = ("_orig_mod", "_checkpoint_wrapped_module", "_fsdp_wrapped_module")
_CONVENTIONS = (
    "a weight_mask buffer (torch.nn.utils.prune), a parametrization with a mask, "
    "a mask buffer, or a sparse weight"
)


@dataclass(frozen=True)
class Found:
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


def find_mask(module: torch.nn.Module, name: str = "") -> Found | None:
    """The mask that a module carries by one of the conventions; None if it carries none.

    Parameters
    ----------
    module : torch.nn.Module
    name : str
        Of the layer, for messages.

    Returns
    -------
    Found or None

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
        return Found(_as_bool(pruned, name), "prune")
    masks = [_as_bool(part.mask, name) for part in _parametrizations(module)
             if isinstance(getattr(part, "mask", None), torch.Tensor)]  # fmt: skip
    if masks:
        mask = masks[0]
        for other in masks[1:]:
            mask = mask & other
        return Found(mask, "parametrization")
    if _has_csr(module):
        return Found(_of_padded_csr(module._csr)[0], "csr")
    own = getattr(module, "mask", None)
    weight = None if _parametrizations(module) else getattr(module, "weight", None)
    if isinstance(own, torch.Tensor) and (weight is None or own.shape == weight.shape):
        return Found(_as_bool(own, name), "buffer")
    if isinstance(weight, torch.Tensor) and weight.layout != torch.strided:
        return Found(_of_sparse(weight.detach()), "sparse")
    return None


def weight_of(module: torch.nn.Module) -> torch.Tensor | None:
    """The weight as the active connections use it; inactive ones may have any value.

    Nothing is computed that has an effect on the module: what `torch.nn.utils.prune` or a
    parametrization with a mask keeps is read where it is kept.
    """
    original = getattr(module, "weight_orig", None)
    if isinstance(original, torch.Tensor):  # `weight` is from before the optimiser's step
        return original
    parts = _parametrizations(module)
    if len(parts) == 1 and isinstance(getattr(parts[0], "mask", None), torch.Tensor):
        kept = module.parametrizations["weight"].original  # type: ignore[union-attr,index]
        return kept if isinstance(kept, torch.Tensor) else None
    if parts:
        training = [part.training for part in parts]
        for part in parts:
            part.training = False  # spectral_norm, for one, goes on iterating otherwise
        try:
            computed = module.weight
        finally:
            for part, was in zip(parts, training, strict=True):
                part.training = was
        return computed if isinstance(computed, torch.Tensor) else None
    if _has_csr(module):
        return _of_padded_csr(module._csr)[1]
    weight = getattr(module, "weight", None)
    if not isinstance(weight, torch.Tensor):
        return None
    return weight.detach() if weight.layout == torch.strided else weight.detach().to_dense()


def _parametrizations(module: torch.nn.Module) -> list[torch.nn.Module]:
    kept = getattr(module, "parametrizations", None)
    if not isinstance(kept, torch.nn.ModuleDict) or "weight" not in kept:
        return []
    return list(kept["weight"].children())


def _as_bool(mask: Any, name: str) -> torch.Tensor:
    values = mask.detach() if isinstance(mask, torch.Tensor) else torch.from_numpy(np.array(mask))
    if hasattr(values, "full_tensor"):  # a DTensor: put together on every rank
        values = values.full_tensor()
    if values.layout != torch.strided:
        return _of_sparse(values)
    if values.dtype == torch.bool:
        return values
    active = values != 0
    if not torch.equal(active.to(values.dtype), values):
        raise LayerError(
            f"layer {name}: a mask holds only 0 and 1, this one has others; "
            "give masks= a function that says which weights are active"
        )
    return active


def _of_sparse(values: torch.Tensor) -> torch.Tensor:
    """Where a sparse tensor has an entry, be it 0 or not."""
    if values.layout == torch.sparse_coo:
        indices = values._indices()
        entries = torch.ones(indices.shape[1], device=values.device)
        return torch.sparse_coo_tensor(
            indices, entries, values.shape, check_invariants=False
        ).to_dense() != 0  # fmt: skip
    ones = torch.ones_like(values.values(), dtype=torch.float32)
    by_row = values.layout in (torch.sparse_csr, torch.sparse_bsr)
    start = values.crow_indices() if by_row else values.ccol_indices()
    other = values.col_indices() if by_row else values.row_indices()
    with warnings.catch_warnings():  # torch says once that the layout is in beta
        warnings.filterwarnings("ignore", message="Sparse .* tensor support is in beta")
        filled = torch.sparse_compressed_tensor(
            start, other, ones, values.shape, layout=values.layout, check_invariants=False
        )
    return filled.to_dense() != 0


def _has_csr(module: torch.nn.Module) -> bool:
    """Whether a module keeps its weight as SparseLab's ``SparseLinear`` does."""
    fields = ("nrows", "ncols", "values", "col_indices", "row_start", "row_nnz")
    csr = getattr(module, "_csr", None)
    return all(hasattr(csr, field) for field in fields)


def _of_padded_csr(csr: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Mask and values of a CSR matrix whose rows have room behind their live entries."""
    lengths = np.asarray(csr.row_nnz, dtype=np.int64)
    starts = np.asarray(csr.row_start, dtype=np.int64)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    behind = np.repeat(np.cumsum(lengths) - lengths, lengths)
    places = np.arange(len(rows)) - behind + np.repeat(starts, lengths)
    columns = np.asarray(csr.col_indices, dtype=np.int64)[places]
    mask = np.zeros((int(csr.nrows), int(csr.ncols)), dtype=np.bool_)
    values = np.zeros(mask.shape, dtype=np.float32)
    mask[rows, columns] = True
    values[rows, columns] = np.asarray(csr.values, dtype=np.float32)[places]
    return torch.from_numpy(mask), torch.from_numpy(values)


class MaskFinder:
    """The layer table of a model, and its masks whenever they are asked for.

    Parameters
    ----------
    model : torch.nn.Module
        Wrapped or not.
    masks : mapping or callable, optional
        Masks by layer name (``fc1``, or ``fc1.weight``), where no convention gives them; layers
        that are left out are dense.
    layers : sequence of LayerSpec, optional
        The layer table; without it every Linear and Conv2d, and what else has a mask.
    dense : iterable of str, optional
        Layers that stay dense. Without it: those that have no mask beside others that have one.
    image_shape : tuple of int, optional
        ``(C, H, W)`` of the input.

    Raises
    ------
    LayerError
        If there is no layer, or a mask is of no layer.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        *,
        masks: Masks | None = None,
        layers: Sequence[LayerSpec] | None = None,
        dense: Iterable[str] | None = None,
        image_shape: tuple[int, int, int] | None = None,
    ) -> None:
        self.model = unwrap(model)
        self._masks = masks
        self._warned: set[str] = set()
        found = self._given() if masks is not None else self._carried()
        self.layers = (
            tuple(layers) if layers is not None else self._table(found, dense, image_shape)
        )
        self._dense = {layer.name for layer in self.layers if not layer.maskable}

    # -- the layer table ---------------------------------------------------------------------

    def _modules(self) -> dict[str, torch.nn.Module]:
        return {
            clean_name(path) or type(module).__name__: module
            for path, module in self.model.named_modules()
        }

    def _carried(self) -> dict[str, Found]:
        found = {}
        for name, module in self._modules().items():
            if not _has_weight(module):
                continue
            mask = find_mask(module, name)
            if mask is not None:
                found[name] = mask
        return found

    def _given(self) -> dict[str, Found]:
        masks = self._masks(self.model) if callable(self._masks) else self._masks
        if not isinstance(masks, Mapping):
            raise LayerError(
                f"masks must give masks by layer name, not {type(masks).__name__}; "
                'for instance masks=lambda model: {"fc1": model.fc1_mask}'
            )
        modules = self._modules()
        found = {}
        for key, mask in masks.items():
            name = clean_name(str(key))
            if name not in modules and name.startswith("module."):
                name = name.removeprefix("module.")
            if name not in modules and name.removesuffix(".weight") in modules:
                name = name.removesuffix(".weight")
            found[name or type(self.model).__name__] = Found(_as_bool(mask, name), "given")
        return found

    def _table(
        self,
        found: Mapping[str, Found],
        dense: Iterable[str] | None,
        image_shape: tuple[int, int, int] | None,
    ) -> tuple[LayerSpec, ...]:
        try:
            usual = {clean_name(spec.name): spec for spec in layers_of(self.model)}
        except LayerError:
            if not found:
                raise
            usual = {}
        modules = self._modules()
        stray = sorted(set(found) - set(modules))
        if stray:
            raise LayerError(
                f"masks for {', '.join(stray)}, which the model does not have; "
                f"its layers are {', '.join(usual) or 'none'}; give layers= a table of your own"
            )
        table: list[LayerSpec] = []
        for name in modules:
            if name in usual:
                table.append(replace(usual[name], name=name))
            elif name in found:
                shape = tuple(found[name].mask.shape)
                table.append(LayerSpec(name, "linear" if len(shape) == 2 else "conv", shape))
        if dense is None:
            stays = {s.name for s in table if found and s.name not in found
                     and not self._has_zeros(modules[s.name])}  # fmt: skip
        else:
            stays = set(dense)
            unknown = sorted(stays - {spec.name for spec in table})
            if unknown:
                raise LayerError(
                    f"dense layers {', '.join(unknown)} are not in the model; "
                    f"it has {', '.join(spec.name for spec in table)}"
                )
        table = [replace(spec, maskable=spec.name not in stays) for spec in table]
        if image_shape is not None:
            table[0] = replace(table[0], image_shape=image_shape)
        return tuple(table)

    def _has_zeros(self, module: torch.nn.Module) -> bool:
        if self._masks is not None:
            return False
        weight = weight_of(module)
        return weight is not None and bool((weight == 0).any())

    # -- the masks ---------------------------------------------------------------------------

    def masks(self) -> dict[str, torch.Tensor]:
        """Per layer its mask now, on the CPU.

        Raises
        ------
        LayerError
            If a layer is gone, or its mask is not one.
        """
        with torch.no_grad():
            found = self._given() if self._masks is not None else None
            modules = self._modules()
            masks = {layer.name: self._of_layer(layer, modules, found) for layer in self.layers}
        by_zeros = [name for name, mask in masks.items() if mask.how == "zeros"]
        if by_zeros:
            self._warn(
                "zeros",
                f"no mask was found for {', '.join(by_zeros)} (no {_CONVENTIONS}), so the exact "
                "zeros of the weights are taken for absent connections; one that was grown at the "
                "last update and is still 0 would be missed: give masks= the masks to be sure",
            )
        return {name: found.mask.cpu() for name, found in masks.items()}

    def _of_layer(
        self,
        layer: LayerSpec,
        modules: Mapping[str, torch.nn.Module],
        given: Mapping[str, Found] | None,
    ) -> Found:
        name = layer.name
        if given is not None:
            found = given.get(name)
            if found is None and name not in self._dense:
                raise LayerError(f"masks gives none for layer {name}; it gives {', '.join(given)}")
        elif name not in modules:
            raise LayerError(f"layer {name} is not in the model; give masks= what finds its mask")
        else:
            found = find_mask(modules[name], name)
        if found is not None:
            if name in self._dense and not bool(found.mask.all()):
                self._warn(name, f"layer {name} was attached as a dense layer and has a mask now; "
                           "it is recorded, but attach with dense=() to have it counted "
                           "as a layer that changes")  # fmt: skip
            return found
        if name in self._dense:
            return Found(torch.ones(layer.shape, dtype=torch.bool), "dense")
        weight = weight_of(modules[name])
        if weight is None:
            raise LayerError(f"layer {name} has neither a mask nor a weight; give masks=")
        if hasattr(weight, "full_tensor"):
            weight = weight.full_tensor()
        return Found(weight != 0, "zeros")

    def _warn(self, once: str, message: str) -> None:
        if once not in self._warned:
            self._warned.add(once)
            warnings.warn(message, UserWarning, stacklevel=2)

    def weights(self) -> dict[str, torch.Tensor]:
        """Per layer its weight now, float32 on the CPU; those of absent connections are any.

        Raises
        ------
        LayerError
            If a layer has no weight of its mask's shape.
        """
        with torch.no_grad():
            modules = self._modules()
            out = {}
            for layer in self.layers:
                weight = weight_of(modules[layer.name]) if layer.name in modules else None
                if weight is None:
                    raise LayerError(
                        f"layer {layer.name}: its weight was not found in the model; "
                        "record without weights=True"
                    )
                if hasattr(weight, "full_tensor"):
                    weight = weight.full_tensor()
                out[layer.name] = weight.detach().to("cpu", torch.float32)
            return out


def _has_weight(module: torch.nn.Module) -> bool:
    """Whether a module is a layer: a Linear, a Conv2d, or one that keeps rows of connections."""
    return isinstance(module, (torch.nn.Linear, torch.nn.Conv2d)) or _has_csr(module)
