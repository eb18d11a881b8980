"""NIST's neuroseed masks: every input feeds exactly k outputs."""

from __future__ import annotations

import torch
from torch import Tensor

from topolab.errors import ConfigError
from topolab.layers import LayerSpec
from topolab.options import Option
from topolab_trainers.config import TrainConfig
from topolab_trainers.inits.base import Init, InitInputs, dense_masks

__all__ = ["NEUROSEED", "Neuroseed", "default_neuroseeds", "neuroseed_mask"]


def neuroseed_mask(n_out: int, n_in: int, k: int) -> Tensor:
    """Input i feeds outputs (i + t) mod n_out, t = 0 .. k - 1.

    Parameters
    ----------
    n_out, n_in : int
    k : int
        The neuroseed factor: every input's fan-out.

    Returns
    -------
    Tensor of bool, shape (n_out, n_in)

    Raises
    ------
    ConfigError
        If k is not in [1, n_out].

    Examples
    --------
    >>> neuroseed_mask(3, 4, 2).int().tolist()
    [[1, 0, 1, 1], [1, 1, 0, 1], [0, 1, 1, 0]]
    """
    if not 1 <= k <= n_out:
        raise ConfigError(
            f"a neuroseed factor of {k} is not in [1, {n_out}]: an input can feed at most the "
            f"{n_out} outputs there are"
        )
    mask = torch.zeros(n_out, n_in, dtype=torch.bool)
    inputs = torch.arange(n_in)
    for t in range(k):
        mask[(inputs + t) % n_out, inputs] = True
    return mask


def default_neuroseeds(layers: tuple[LayerSpec, ...]) -> tuple[int, ...]:
    """1 in the first masked layer, half of the outputs (at least 1) in every deeper one."""
    return tuple(1 if i == 0 else max(1, layer.n_out // 2) for i, layer in enumerate(layers))


class Neuroseed(Init):
    """One whole number per masked layer decides everything.

    References
    ----------
    "Beyond Pruning: Neuro-inspired Sparse Training", extending M. Kamelian Rad et al. (2025).
    """

    name = "nist"
    summary = "every input feeds exactly k outputs, the next ones in turn (NIST)"
    card_name = "nist"
    uses_sparsity = False
    options = (
        Option("neuroseeds", "ints", None,
               "k per masked layer; default 1, then half of the outputs.", interval="[1, inf)"),
    )  # fmt: skip

    def masks(
        self, layers: tuple[LayerSpec, ...], config: TrainConfig, inputs: InitInputs
    ) -> dict[str, Tensor]:
        """Neuroseed masks for every maskable layer, which have to be linear."""
        masks = dense_masks(layers)
        masked = tuple(layer for layer in layers if layer.maskable)
        wrong = [layer.name for layer in masked if layer.kind != "linear"]
        if wrong:
            raise ConfigError(
                f"init nist masks linear layers only, and {', '.join(wrong)} would be masked too; "
                "choose with --masked"
            )
        seeds = config.options["neuroseeds"] or default_neuroseeds(masked)
        if len(seeds) != len(masked):
            raise ConfigError(
                f"{len(seeds)} neuroseed factors were given for {len(masked)} masked layers "
                f"({', '.join(layer.name for layer in masked)}); give one for each"
            )
        for layer, k in zip(masked, seeds, strict=True):
            try:
                masks[layer.name] = neuroseed_mask(layer.n_out, layer.n_in, k)
            except ConfigError as error:
                raise ConfigError(f"layer {layer.name}: {error}") from error
        return masks


NEUROSEED = Neuroseed()
