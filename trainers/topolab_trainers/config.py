"""The settings of a training, resolved and checked before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import torch

from topolab.errors import ConfigError
from topolab.options import Option, number, one_of, resolve_options, whole
from topolab.registry import names
from topolab_trainers.models import MODELS, NORMS, WEIGHT_INITS
from topolab_trainers.update import CANDIDATES

__all__ = ["RECORDABLE", "TrainConfig", "resolve"]

OPTIMIZERS = ("adam", "sgd", "adam-sgd")
LR_SCHEDULES = ("constant", "nsh")
DEVICES = ("auto", "cpu", "cuda")
ENGINES = ("auto", "masked", "csr")
RECORDABLE = ("weights", "activity", "gradient")
# Defaults that no method changes. A method's own come from `Backend.defaults`.
SHARED: dict[str, Any] = {
    "data": "digits",
    "data_dir": None,
    "model": "mlp",
    "masked": None,
    "sparsity": 0.9,
    "init": "uniform",
    "hidden": (1024, 1024),
    "norm": "layernorm",
    "weight_init": "he",
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
    "record": (),
    "seed": 0,
    "device": "auto",
    "threads": None,
    "engine": "auto",
}


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides a training. All values are resolved: nothing is "auto" any more.

    Attributes
    ----------
    method, data : str
    data_dir : str or None
        Folder of the data files; not part of the run's identity, the data's hash is.
    model : str
        The network: mlp, convnet, lenet5, alexnet, vgg16, mobilenet or resnet56.
    masked : tuple of str or None
        Patterns (as of file names) of the layers that are masked; None: all but a dense output.
    sparsity : float or None
        Share of absent weights over the maskable layers, in [0, 1); None where it follows from
        other settings (NIST's neuroseeds).
    init : str
        How the first masks are made: see `topolab inits`.
    hidden : tuple of int
        Widths of the hidden layers of an MLP.
    norm : {"layernorm", "none"}
        Of an MLP.
    weight_init : {"he", "kaiming-uniform", "torch"}
        He with the mean fan-in (PSN), Kaiming-uniform with all inputs (NIST), or torch's own.
    dense_output : bool
        Keep the last layer dense and never update it (as PSN).
    epochs, batch_size : int
    optimizer : {"adam", "sgd", "adam-sgd"}
        SGD is with Nesterov momentum. adam-sgd: Adam, and SGD for the last 20 % (NIST).
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
    record : tuple of {"weights", "activity", "gradient"}
        What snapshots keep besides the masks.
    seed : int
    device : {"cpu", "cuda"}
    threads : int
        torch's threads on the CPU; rounding depends on it, so it is part of the configuration.
    engine : {"auto", "masked", "csr"}
        How masked linear layers are computed. auto is a fixed rule of device, size and density,
        so that equal commands stay equal.
    options : mapping of str to value
        What the method and the initialisation know besides.
    """

    method: str
    data: str
    data_dir: str | None
    model: str
    masked: tuple[str, ...] | None
    sparsity: float | None
    init: str
    hidden: tuple[int, ...]
    norm: str
    weight_init: str
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
    record: tuple[str, ...]
    seed: int
    device: str
    threads: int
    engine: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def identity(self) -> dict[str, Any]:
        """The settings as kept in a run's manifest, without seed and folder of the data."""
        kept = asdict(self)
        del kept["seed"], kept["data_dir"]
        kept.update(kept.pop("options"))
        return {k: list(v) if isinstance(v, tuple) else v for k, v in kept.items()}


def shared_names() -> list[str]:
    """Names of the settings that every method has."""
    return [f.name for f in fields(TrainConfig) if f.name not in ("method", "options")]


def resolve(
    method: str,
    defaults: Mapping[str, Any],
    settings: Mapping[str, Any],
    options: Sequence[Option] = (),
) -> TrainConfig:
    """Fill in defaults and check everything.

    Parameters
    ----------
    method : str
    defaults : mapping
        The method's own defaults.
    settings : mapping
        What the user asked for; None means "the default".
    options : sequence of Option
        What the method and the initialisation know besides the shared settings.

    Returns
    -------
    TrainConfig

    Raises
    ------
    ConfigError
        For an unknown setting or a value that cannot be, naming what can.
    """
    known = shared_names()
    extra = {k: v for k, v in settings.items() if k not in known}
    given = {k: v for k, v in settings.items() if k in known and v is not None}
    own = {k: v for k, v in defaults.items() if k not in known}
    extra = {**own, **{k: v for k, v in extra.items() if v is not None}}
    chosen = {**SHARED, **{k: v for k, v in defaults.items() if k in known}, **given}
    chosen["options"] = resolve_options(
        f"method {method} from init {chosen['init']}", options, extra, known
    )
    for name, allowed in (
        ("data", names("datasets")),
        ("model", tuple(MODELS)),
        ("init", names("inits")),
        ("norm", NORMS),
        ("weight_init", WEIGHT_INITS),
        ("optimizer", OPTIMIZERS),
        ("lr_schedule", LR_SCHEDULES),
        ("candidates", CANDIDATES),
        ("device", DEVICES),
        ("engine", ENGINES),
    ):
        one_of(name, chosen[name], allowed)
    for name, least in (("epochs", 1), ("batch_size", 1), ("seed", 0)):
        chosen[name] = whole(name, chosen[name], least)
    sgd = chosen["optimizer"] == "sgd"
    if chosen["lr"] is None:
        chosen["lr"] = 0.1 if sgd else 1e-3
    if chosen["weight_decay"] is None:
        chosen["weight_decay"] = 5e-4 if sgd else 0.0
    for name, interval in (
        ("drop_fraction", "[0, 1]"),
        ("t_end", "[0, 1]"),
        ("momentum", "[0, 1)"),
        ("lr", "(0, inf)"),
        ("weight_decay", "[0, inf)"),
    ):
        chosen[name] = number(name, chosen[name], interval)
    if chosen["sparsity"] is not None:
        chosen["sparsity"] = number("sparsity", chosen["sparsity"], "[0, 1)")
    chosen["dense_output"] = Option("dense_output", "bool", True, "").read(chosen["dense_output"])
    if chosen["optimizer"] == "adam-sgd" and chosen["lr_schedule"] != "constant":
        raise ConfigError("optimizer adam-sgd has rates of its own; leave --lr-schedule constant")
    chosen["hidden"] = _widths(chosen["hidden"])
    for name, allowed in (("masked", ()), ("record", RECORDABLE)):
        chosen[name] = Option(name, "words", None, "", choices=allowed).read(chosen[name])
    chosen["record"] = tuple(what for what in RECORDABLE if what in chosen["record"])
    if chosen["update_every"] not in (None, "epoch"):
        chosen["update_every"] = whole("update_every", chosen["update_every"], 1)
    chosen["device"] = _device(chosen["device"])
    chosen["threads"] = whole("threads", chosen["threads"] or torch.get_num_threads(), 1)
    if chosen["data_dir"] is not None:
        chosen["data_dir"] = str(chosen["data_dir"])
    return TrainConfig(method=method, **chosen)


def _widths(value: Any) -> tuple[int, ...]:
    try:
        parts = value.split(",") if isinstance(value, str) else tuple(value)
    except TypeError as error:
        raise ConfigError(f"hidden {value!r} is not a list of widths such as 1024,1024") from error
    widths = tuple(whole("hidden", width, 1) for width in parts)
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
