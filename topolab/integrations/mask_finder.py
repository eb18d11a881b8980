"""The layer table of a live model, and its masks whenever they are asked for."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from topolab.chaining import set_apart
from topolab.errors import LayerError
from topolab.integrations.masks import (
    FoundMask,
    as_bool,
    clean_name,
    find_mask,
    parametrizations_of,
    unwrap,
    weight_of,
    whole_tensor,
)
from topolab.integrations.recordable import layer_of, masked_parameters, why_unrecordable
from topolab.layers import LayerSpec, layers_of

__all__ = ["MaskFinder", "Masks"]

#: Masks by layer name: live tensors, or a function of the model that gives them.
Masks = Mapping[str, Any] | Callable[[torch.nn.Module], Mapping[str, Any]]
# From this share of exact zeros on, a layer that is taken for dense is remarked upon.
_MANY_ZEROS = 0.1
_CONVENTIONS = (
    "a weight_mask buffer (torch.nn.utils.prune), a parametrization with a mask, "
    "a mask buffer, or a sparse weight"
)


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
                self._masks_of_user()
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

    def _masks_of_modules(self) -> tuple[dict[str, FoundMask], dict[str, str]]:
        """Masks by layer; and by parameter, why a mask that is there cannot be recorded."""
        found: dict[str, FoundMask] = {}
        unrecorded: dict[str, str] = {}
        for name, module in self._modules().items():
            if "parametrizations" in name.split("."):  # a part of a layer, not one
                continue
            for parameter, shape in masked_parameters(module).items():
                reason = why_unrecordable(module, parameter, shape)
                if reason:
                    unrecorded[f"{name}.{parameter}"] = reason
                    continue
                mask = find_mask(module, name)
                if mask is not None:
                    found[name] = mask
        return found, unrecorded

    def _masks_of_user(self) -> dict[str, FoundMask]:
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
            found[name or type(self.model).__name__] = FoundMask(as_bool(mask, name), "given")
        return found

    def _table(
        self, dense: Iterable[str] | None, image_shape: tuple[int, int, int] | None
    ) -> tuple[LayerSpec, ...]:
        given = self._masks is not None
        found, unrecorded = (self._masks_of_user(), {}) if given else self._masks_of_modules()
        why = "; ".join(f"{name}: {reason}" for name, reason in unrecorded.items())
        try:
            usual = {clean_name(spec.name): spec for spec in layers_of(self.model)}
        except LayerError as error:
            if not found and unrecorded:
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
                table.append(layer_of(name, module, tuple(found[name].mask.shape)))
        if dense is None:
            # a mask that is not recorded tells as well that zeros are not this model's masks
            sparse = bool(found) or any(not name.endswith(".bias") for name in unrecorded)
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
        if unrecorded:
            self._warn(
                "left",
                f"these masks are not recorded: {why}; to have them recorded give layers= a table "
                "of your own and masks= of its shapes",
            )
        table = [replace(spec, maskable=spec.name not in stays) for spec in table]
        if image_shape is not None:
            table[0] = replace(table[0], image_shape=image_shape)
        specs, alone = set_apart(table)
        if alone:
            self._warn(
                "apart",
                f"what {', '.join(alone)} read{'s' if len(alone) == 1 else ''} is not known, so "
                "inputs of their own are taken: paths and shells do not go through there; give "
                "layers= a table that says it, LayerSpec(..., source=...)",
            )
        return specs

    def _remark_zeros(self, modules: Mapping[str, torch.nn.Module]) -> None:
        """Say which layers are taken for dense and do not look it."""
        zeros = []
        for name, module in modules.items():
            if parametrizations_of(module):  # nothing is computed for a remark
                continue
            weight = whole_tensor(weight_of(module))
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
            found = self._masks_of_user() if self._masks is not None else None
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
        given: Mapping[str, FoundMask] | None,
    ) -> FoundMask:
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
            return FoundMask(torch.ones(layer.shape, dtype=torch.bool), "dense")
        weight = whole_tensor(weight_of(modules[name]))
        if weight is None:
            raise LayerError(f"layer {name} has neither a mask nor a weight; give masks=")
        return FoundMask(weight != 0, "zeros")

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
                weight = whole_tensor(
                    weight_of(modules[layer.name]) if layer.name in modules else None
                )
                if weight is None:
                    raise LayerError(
                        f"layer {layer.name}: its weight was not found in the model; "
                        "record without weights=True"
                    )
                out[layer.name] = weight.detach().to("cpu", torch.float32)
            return out
