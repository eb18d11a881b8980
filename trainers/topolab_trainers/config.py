"""The settings of a training, resolved and checked before anything is written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch

from topolab.errors import ConfigError
from topolab.registry import names
from topolab_trainers.distributions import DISTRIBUTIONS
from topolab_trainers.models import NORMS
from topolab_trainers.update import CANDIDATES

__all__ = ["TrainConfig", "resolve"]

OPTIMIZERS = ("adam", "sgd")
LR_SCHEDULES = ("constant", "nsh")
DEVICES = ("auto", "cpu", "cuda")
# Defaults that no method changes. A method's own come from `Backend.defaults`.
SHARED: dict[str, Any] = {
    "data": "digits",
    "data_dir": None,
    "sparsity": 0.9,
    "distribution": "uniform",
    "hidden": (1024, 1024),
    "norm": "layernorm",
    "dense_output": True,
    "epochs": 10,
    "batch_size": 128,
    "optimizer": "adam",
    "lr": None,
    "lr_schedule": "constant",
    "momentum": 0.9,
    "weight_decay": None,
    "update_every": None,
    "drop_fraction": 0.3,
    "t_end": 1.0,
    "candidates": "not-kept",
    "record_weights": False,
    "seed": 0,
    "device": "auto",
    "threads": None,
}


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides a training. All values are resolved: nothing is "auto" any more.

    Attributes
    ----------
    method, data : str
    data_dir : str or None
        Folder of the data files; not part of the run's identity, the data's hash is.
    sparsity : float
        Share of absent weights over the maskable layers, in [0, 1).
    distribution : {"uniform", "er", "erk"}
    hidden : tuple of int
        Widths of the hidden layers.
    norm : {"layernorm", "none"}
    dense_output : bool
        Keep the last layer dense and never update it (as PSN).
    epochs, batch_size : int
    optimizer : {"adam", "sgd"}
        SGD is with Nesterov momentum.
    lr : float
        Default 1e-3 for Adam, 0.1 for SGD.
    lr_schedule : {"constant", "nsh"}
        nsh: divided by 10 at 50 % and at 75 % of the steps.
    momentum, weight_decay : float
        Weight decay defaults to 0 for Adam and 5e-4 for SGD.
    update_every : int, "epoch" or None
        Steps between topology updates.
    drop_fraction : float
        Share of a layer's active edges that an update drops (at the start, if it decays).
    t_end : float
        Share of all steps after which there is no update any more.
    candidates : {"not-kept", "inactive-before"}
    record_weights : bool
        Keep the active weights in every snapshot.
    seed : int
    device : {"cpu", "cuda"}
    threads : int
        torch's threads on the CPU; rounding depends on it, so it is part of the configuration.
    """

    method: str
    data: str
    data_dir: str | None
    sparsity: float
    distribution: str
    hidden: tuple[int, ...]
    norm: str
    dense_output: bool
    epochs: int
    batch_size: int
    optimizer: str
    lr: float
    lr_schedule: str
    momentum: float
    weight_decay: float
    update_every: int | str | None
    drop_fraction: float
    t_end: float
    candidates: str
    record_weights: bool
    seed: int
    device: str
    threads: int

    def identity(self) -> dict[str, Any]:
        """The settings as kept in a run's manifest, without seed and folder of the data."""
        kept = asdict(self)
        del kept["seed"], kept["data_dir"]
        kept["hidden"] = list(self.hidden)
        return kept


def resolve(method: str, defaults: dict[str, Any], settings: dict[str, Any]) -> TrainConfig:
    """Fill in defaults and check everything.

    Parameters
    ----------
    method : str
    defaults : dict
        The method's own defaults.
    settings : dict
        What the user asked for; None means "the default".

    Returns
    -------
    TrainConfig

    Raises
    ------
    ConfigError
        For an unknown setting or a value that cannot be, naming what can.
    """
    known = [f.name for f in fields(TrainConfig) if f.name != "method"]
    unknown = sorted(set(settings) - set(known))
    if unknown:
        raise ConfigError(
            f"unknown setting {', '.join(unknown)}; method {method} knows {', '.join(known)}"
        )
    chosen = {**SHARED, **defaults, **{k: v for k, v in settings.items() if v is not None}}
    for name, allowed in (
        ("data", names("datasets")),
        ("distribution", DISTRIBUTIONS),
        ("norm", NORMS),
        ("optimizer", OPTIMIZERS),
        ("lr_schedule", LR_SCHEDULES),
        ("candidates", CANDIDATES),
        ("device", DEVICES),
    ):
        _one_of(name, chosen[name], allowed)
    for name, least in (("epochs", 1), ("batch_size", 1), ("seed", 0)):
        chosen[name] = _whole(name, chosen[name], least)
    adam = chosen["optimizer"] == "adam"
    if chosen["lr"] is None:
        chosen["lr"] = 1e-3 if adam else 0.1
    if chosen["weight_decay"] is None:
        chosen["weight_decay"] = 0.0 if adam else 5e-4
    for name, low, high, closed in (
        ("sparsity", 0.0, 1.0, "[0, 1)"),
        ("drop_fraction", 0.0, 1.0, "[0, 1]"),
        ("t_end", 0.0, 1.0, "[0, 1]"),
        ("momentum", 0.0, 1.0, "[0, 1)"),
        ("lr", 0.0, math.inf, "(0, inf)"),
        ("weight_decay", 0.0, math.inf, "[0, inf)"),
    ):
        chosen[name] = _number(name, chosen[name], low, high, closed)
    chosen["hidden"] = _widths(chosen["hidden"])
    if chosen["update_every"] not in (None, "epoch"):
        chosen["update_every"] = _whole("update_every", chosen["update_every"], 1)
    chosen["device"] = _device(chosen["device"])
    chosen["threads"] = _whole("threads", chosen["threads"] or torch.get_num_threads(), 1)
    if chosen["data_dir"] is not None:
        chosen["data_dir"] = str(chosen["data_dir"])
    return TrainConfig(method=method, **chosen)


def _one_of(name: str, value: Any, allowed: Sequence[str]) -> None:
    if value not in allowed:
        what = "data set" if name == "data" else name
        raise ConfigError(f"unknown {what} {value!r}; there is {', '.join(allowed)}")


def _whole(name: str, value: Any, least: int) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{name} {value!r} is not a whole number") from error
    if number != value or number < least:
        raise ConfigError(f"{name} {value!r} must be a whole number of at least {least}")
    return number


def _number(name: str, value: Any, low: float, high: float, interval: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{name} {value!r} is not a number") from error
    inside = low <= number <= high
    if interval.startswith("("):
        inside = inside and number > low
    if interval.endswith(")"):
        inside = inside and number < high
    if not inside:
        raise ConfigError(f"{name} {value} is outside {interval}")
    return number


def _widths(value: Any) -> tuple[int, ...]:
    try:
        widths = tuple(_whole("hidden", width, 1) for width in value)
    except TypeError as error:
        raise ConfigError(f"hidden {value!r} is not a list of widths such as 1024,1024") from error
    if not widths:
        raise ConfigError("hidden: at least one hidden layer is needed, such as 1024,1024")
    return widths


def _device(name: str) -> str:
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError(
            "device cuda was asked for, but torch sees no CUDA device; use --device cpu or auto"
        )
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return name
