"""PSN's profiles as initial masks: who gets how many inputs, and which."""

from __future__ import annotations

import torch
from torch import Tensor

from topolab.errors import ConfigError
from topolab.layers import LayerSpec
from topolab.options import Option
from topolab_trainers import profiles
from topolab_trainers.config import TrainConfig
from topolab_trainers.distributions import DISTRIBUTIONS, edge_counts
from topolab_trainers.inits.base import Init, InitInputs, dense_masks, required_sparsity

__all__ = ["Profile"]

SHARED = (
    Option("spreading", "str", "even", "Which inputs a neuron gets.",
           choices=profiles.SPREADINGS),
    Option("rounding", "str", "exact", "exact edge count, ceil (Eq. 6) or floor (Fig. 1).",
           choices=profiles.ROUNDINGS),
    Option("f_min", "int", 1, "The smallest fan-in.", interval="[0, inf)"),
    Option("distribution", "str", "uniform", "How edges are shared among layers.",
           choices=DISTRIBUTIONS),
)  # fmt: skip
CCV = Option("ccv", "float", 1.0, "CCV of the fan-ins after clamping.", interval="[0, inf)")


class Profile(Init):
    """Masks whose fan-ins follow a profile.

    Parameters
    ----------
    name : str
        One of `topolab_trainers.profiles.shape`, or random, lognormal, powerlaw.
    summary : str
    *own : Option
        What this profile has besides the shared options.

    References
    ----------
    N. Tomczak, "Heterogeneous Connectivity in Sparse Networks", arXiv 2604.10560 (2026).
    """

    card_name = "profile"

    def __init__(self, name: str, summary: str, *own: Option) -> None:
        self.name, self.summary = name, summary
        self.options = (*own, *SHARED)

    def masks(
        self, layers: tuple[LayerSpec, ...], config: TrainConfig, inputs: InitInputs
    ) -> dict[str, Tensor]:
        """Per layer the profile over its output neurons; edges per layer by `distribution`."""
        options = config.options
        counts = edge_counts(layers, required_sparsity(config), options["distribution"])
        masks = dense_masks(layers)
        for layer in layers:
            if not layer.maskable or counts[layer.name] == layer.size:
                continue
            n = layer.size // layer.n_out
            try:
                fan_in = self.fan_ins(layer.n_out, n, counts[layer.name], config, inputs)
            except ConfigError as error:
                raise ConfigError(f"layer {layer.name}: {error}") from error
            mask = profiles.spread(fan_in, n, options["spreading"], inputs.generator)
            masks[layer.name] = mask.reshape(layer.shape)
        return masks

    def fan_ins(
        self, m: int, n: int, edges: int, config: TrainConfig, inputs: InitInputs
    ) -> profiles.IntArray:
        """Whole fan-ins for m neurons of n inputs, summing to `edges` (if rounding is exact)."""
        options = config.options
        f_min = options["f_min"]
        if self.name == "random":
            p = torch.ones(m, dtype=torch.float64).numpy()
        elif self.name in ("lognormal", "powerlaw"):
            lognormal = self.name == "lognormal"
            p = profiles.searched(
                profiles.lognormal_family(m, inputs.generator)
                if lognormal
                else profiles.powerlaw_family(m),
                profiles.WIDEST_SIGMA if lognormal else profiles.WIDEST_GAMMA,
                options["ccv"], n=n, edges=edges, f_min=f_min, what=self.name,
            )  # fmt: skip
        else:
            p = profiles.shape(
                self.name, m, alpha=options.get("alpha", 3.0), beta=options.get("beta", 3.0),
                peaks=options.get("peaks", 1),
            )  # fmt: skip
        return profiles.fan_ins(p, n, edges, rounding=options["rounding"], f_min=f_min)


ALPHA = Option("alpha", "float", 3.0, "Decay of the exponential.", interval="[0, inf)")
BETA = Option("beta", "float", 3.0, "Sharpness of the bell.", interval="[0, inf)")
PEAKS = Option("peaks", "int", 5, "Number of peaks.", interval="[1, inf)")
PEAK_BETA = Option("beta", "float", 1200.0, "Sharpness of the peaks.", interval="[0, inf)")

RANDOM = Profile("random", "the same fan-in for every neuron (PSN's baseline)")
LINEAR = Profile("linear", "fan-in falls as 1 - t")
QUADRATIC = Profile("quadratic", "fan-in falls as 1 - t^2")
EXPONENTIAL = Profile("exponential", "fan-in falls as exp(-alpha t)", ALPHA)
BELL = Profile("bell", "fan-in is highest in the middle", BETA)
INVERSE_LINEAR = Profile("inverse-linear", "linear, the other way round")
INVERSE_QUADRATIC = Profile("inverse-quadratic", "quadratic, the other way round")
INVERSE_EXPONENTIAL = Profile("inverse-exponential", "exponential, the other way round", ALPHA)
INVERSE_BELL = Profile("inverse-bell", "fan-in is highest at both ends", BETA)
MULTI_PEAK = Profile("multi-peak", "several peaks of high fan-in", PEAKS, PEAK_BETA)
LOGNORMAL = Profile("lognormal", "log-normal fan-ins of a given CCV", CCV)
POWERLAW = Profile("powerlaw", "fan-in falls as a power of the rank, of a given CCV", CCV)
