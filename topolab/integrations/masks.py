"""Finding the masks of a live model: by convention, looked up anew at every snapshot."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from topolab.chaining import set_apart
from topolab.errors import LayerError
from topolab.layers import LayerSpec, layers_of

__all__ = ["Found", "MaskFinder", "Masks", "clean_name", "find_mask", "unwrap"]

#: Masks by layer name: live tensors, or a function of the model that gives them.
Masks = Mapping[str, Any] | Callable[[torch.nn.Module], Mapping[str, Any]]

# Names that wrappers put into the path of a module.
_WRAPPERS = ("_orig_mod", "_checkpoint_wrapped_module", "_fsdp_wrapped_module")
# Devices with generators of their own, one per index.
_DEVICES = ("cuda", "xpu")
# From this share of exact zeros on, a layer that is taken for dense is remarked upon.
_MANY_ZEROS = 0.1
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
    masks = [_as_bool(part.mask, name) for part in _parametrizations(module) if _has_mask(part)]
    if masks:
        mask = masks[0]
        for other in masks[1:]:
            mask = mask & other
        return Found(mask, "parametrization")
    if _has_csr(module):
        return Found(_of_padded_csr(module._csr)[0], "csr")
    own = getattr(module, "mask", None)
    weight = _original(module) if _parametrizations(module) else getattr(module, "weight", None)
    if isinstance(own, torch.Tensor) and (weight is None or own.shape == weight.shape):
        return Found(_as_bool(own, name), "buffer")
    if isinstance(weight, torch.Tensor) and weight.layout != torch.strided:
        return Found(_of_sparse(weight.detach()), "sparse")
    return None


def weight_of(module: torch.nn.Module) -> torch.Tensor | None:
    """The weight as the active connections use it; inactive ones may have any value.

    What `torch.nn.utils.prune` or a parametrization with a mask keeps is read where it is kept.
    Another parametrization is computed, as in evaluation and with the random generators put back.
    """
    original = getattr(module, "weight_orig", None)
    if isinstance(original, torch.Tensor):  # `weight` is from before the optimiser's step
        return original
    parts = _parametrizations(module)
    kept = _original(module)
    if len(parts) == 1 and kept is not None and _has_mask(parts[0]):
        return kept
    if parts:
        whole: Any = module.parametrizations["weight"]  # type: ignore[index]
        with _untouched(whole):
            computed = whole()  # not `module.weight`, which parametrize.cached would keep
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


def _original(module: torch.nn.Module) -> torch.Tensor | None:
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
        The layer table; without it every Linear and Conv2d, and what else has a mask of its
        `weight` and can be recorded. Other masks are named in a warning.
    dense : iterable of str, optional
        Layers that stay dense. Without it: those that have no mask beside others that have one,
        whatever their values.
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
        if layers is not None:
            self.layers = tuple(layers)
            if masks is not None:
                self._given()
        else:
            with torch.no_grad():
                self.layers = self._table(dense, image_shape)
        self._dense = {layer.name for layer in self.layers if not layer.maskable}

    # -- the layer table ---------------------------------------------------------------------

    def _modules(self) -> dict[str, torch.nn.Module]:
        return {
            clean_name(path) or type(module).__name__: module
            for path, module in self.model.named_modules()
        }

    def _carried(self) -> tuple[dict[str, Found], dict[str, str]]:
        """Masks by layer; and by parameter, why a mask that is there cannot be recorded."""
        found: dict[str, Found] = {}
        left: dict[str, str] = {}
        for name, module in self._modules().items():
            if "parametrizations" in name.split("."):  # a part of a layer, not one
                continue
            for parameter, shape in _masked(module).items():
                reason = _unrecordable(module, parameter, shape)
                if reason:
                    left[f"{name}.{parameter}"] = reason
                    continue
                mask = find_mask(module, name)
                if mask is not None:
                    found[name] = mask
        return found, left

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
        self, dense: Iterable[str] | None, image_shape: tuple[int, int, int] | None
    ) -> tuple[LayerSpec, ...]:
        given = self._masks is not None
        found, left = (self._given(), {}) if given else self._carried()
        why = "; ".join(f"{name}: {reason}" for name, reason in left.items())
        try:
            usual = {clean_name(spec.name): spec for spec in layers_of(self.model)}
        except LayerError as error:
            if not found and left:
                raise LayerError(
                    f"the model has masks, but none that can be recorded ({why}); give layers= a "
                    "table of your own and masks= of its shapes"
                ) from error
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
        for name, module in modules.items():
            if name in usual:
                table.append(replace(usual[name], name=name))
            elif name in found:
                table.append(_spec(name, module, tuple(found[name].mask.shape)))
        if dense is None:
            # a mask that is not recorded tells as well that zeros are not this model's masks
            sparse = bool(found) or any(not name.endswith(".bias") for name in left)
            stays = {s.name for s in table if sparse and s.name not in found}
            if not given:
                self._remark_zeros({name: modules[name] for name in modules if name in stays})
        else:
            stays = set(dense)
            unknown = sorted(stays - {spec.name for spec in table})
            if unknown:
                raise LayerError(
                    f"dense layers {', '.join(unknown)} are not in the model; "
                    f"it has {', '.join(spec.name for spec in table)}"
                )
        if left:
            self._warn(
                "left",
                f"these masks are not recorded: {why}; to have them recorded give layers= a table "
                "of your own and masks= of its shapes",
            )
        table = [replace(spec, maskable=spec.name not in stays) for spec in table]
        if image_shape is not None:
            table[0] = replace(table[0], image_shape=image_shape)
        done, alone = set_apart(table)
        if alone:
            self._warn(
                "apart",
                f"what {', '.join(alone)} read{'s' if len(alone) == 1 else ''} is not known, so "
                "inputs of their own are taken: paths and shells do not go through there; give "
                "layers= a table that says it, LayerSpec(..., source=...)",
            )
        return done

    def _remark_zeros(self, modules: Mapping[str, torch.nn.Module]) -> None:
        """Say which layers are taken for dense and do not look it."""
        zeros = []
        for name, module in modules.items():
            if _parametrizations(module):  # nothing is computed for a remark
                continue
            weight = _full(weight_of(module))
            if weight is None or not weight.numel():
                continue
            share = int((weight == 0).sum()) / weight.numel()
            if share >= _MANY_ZEROS:
                zeros.append(f"{name} ({share:.0%} of its weights)")
        if zeros:
            self._warn(
                "dense zeros",
                "without a mask beside layers that have one, and so recorded as dense in spite of "
                f"exact zeros: {', '.join(zeros)}; if these are absent connections, give masks= "
                "the masks, or dense=() to have the zeros taken for them",
            )

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
        weight = _full(weight_of(modules[name]))
        if weight is None:
            raise LayerError(f"layer {name} has neither a mask nor a weight; give masks=")
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
                weight = _full(weight_of(modules[layer.name]) if layer.name in modules else None)
                if weight is None:
                    raise LayerError(
                        f"layer {layer.name}: its weight was not found in the model; "
                        "record without weights=True"
                    )
                out[layer.name] = weight.detach().to("cpu", torch.float32)
            return out


def _full(weight: torch.Tensor | None) -> torch.Tensor | None:
    """A DTensor put together, on every rank."""
    if weight is not None and hasattr(weight, "full_tensor"):
        whole: torch.Tensor = weight.full_tensor()
        return whole
    return weight


def _masked(module: torch.nn.Module) -> dict[str, tuple[int, ...]]:
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
    if _has_csr(module):
        return {"weight": (0, 0), **shapes}  # of two sizes, which are not asked for
    weight = _original(module)
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


def _unrecordable(module: torch.nn.Module, parameter: str, shape: tuple[int, ...]) -> str:
    """Why the mask of a parameter is not recorded; empty if it is."""
    kind = type(module).__name__
    if parameter != "weight":
        return f"only the mask of a module's `weight` is, not of its `{parameter}`"
    if isinstance(module, (torch.nn.Linear, torch.nn.Conv2d)) or _has_csr(module):
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


def _spec(name: str, module: torch.nn.Module, shape: tuple[int, ...]) -> LayerSpec:
    """The layer of a module that is no Linear and no Conv2d."""
    groups = getattr(module, "groups", 1)
    if len(shape) == 2:
        return LayerSpec(name, "linear", shape)
    return LayerSpec(name, "conv", shape, groups=groups if isinstance(groups, int) else 1)
