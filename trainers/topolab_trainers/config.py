"""The settings of a training: each is declared once, here, as a field of `TrainConfig`.

From the declaration follow the parameter of ``topolab train`` and its help, the type and check of
the value, the key in a recipe and in a run's manifest, whether runs that differ in it are compared
and replicas that differ in it trained together, and its row in the documents. Nothing heavy is
imported here, so that the command line can ask.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from topolab.errors import ConfigError
from topolab.options import GroupChoices, Option, options_of, resolve_options, setting

__all__ = ["NORMS", "RECORDABLE", "WEIGHT_INITS", "TrainConfig", "resolve", "settings"]

NORMS = ("layernorm", "none")
WEIGHT_INITS = ("he", "kaiming-uniform", "torch")
CANDIDATES = ("not-kept", "inactive-before")
RECORDABLE = ("weights", "activity", "gradient")


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides a training. All values are resolved: nothing is "auto" any more.

    Attributes
    ----------
    method : str
    options : mapping of str to value
        What the method and the initialisation know besides.

    The other attributes are the settings that every method has; `settings` lists their
    declarations.

    Examples
    --------
    >>> TrainConfig("mine").sparsity
    0.9
    """

    method: str
    data: str = setting(
        "digits", "Data set: see `topolab data`.", choices=GroupChoices("datasets"),
        noun="data set",
    )  # fmt: skip
    # Not part of the run's identity: the data's hash is.
    data_dir: str | None = setting(
        None, "Folder of the data files.", identity=False, compared=False,
        default_is="TOPOLAB_DATA_DIR",
    )  # fmt: skip
    model: str = setting("mlp", "The network.", choices=GroupChoices("models"))
    masked: tuple[str, ...] | None = setting(
        None, "Patterns of the layers that are masked, such as 'fc*'.", by_method=True,
        default_is="all but a dense output",
    )  # fmt: skip
    sparsity: float | None = setting(
        0.9, "Share of absent weights over the masked layers.", interval="[0, 1)",
        by_method=True, alike=False,
    )  # fmt: skip
    init: str = setting(
        "uniform", "How the first masks are made: see `topolab inits`.",
        choices=GroupChoices("inits"), flags=("--init", "--profile"), by_method=True, alike=False,
    )  # fmt: skip
    hidden: tuple[int, ...] = setting(
        (1024, 1024), "Widths of the hidden layers of an MLP.", interval="[1, inf)",
        noun="a list of widths such as 1024,1024",
        empty="at least one hidden layer is needed, such as 1024,1024",
    )  # fmt: skip
    norm: str = setting("layernorm", "Of an MLP: layernorm (PSN) or none (NSH).", choices=NORMS)
    weight_init: str = setting(
        "he", "First weights: he with the mean fan-in (PSN), kaiming-uniform with all inputs "
        "(NIST), or torch's own.", choices=WEIGHT_INITS, by_method=True, alike=False,
    )  # fmt: skip
    dense_output: bool = setting(
        True, "Keep the last layer dense and never update it (as PSN).",
        flags=("--dense-output/--sparse-output",), by_method=True,
    )  # fmt: skip
    epochs: int = setting(10, "Passes over the data.", interval="[1, inf)")
    batch_size: int = setting(128, "Samples per step.", interval="[1, inf)")
    optimizer: str = setting(
        "adam", "adam, sgd with Nesterov momentum, or adam-sgd: Adam, and SGD for the last 20 % "
        "(NIST).", choices=("adam", "sgd", "adam-sgd"), by_method=True,
    )  # fmt: skip
    lr: float = setting(
        None, "Learning rate.", interval="(0, inf)", default_is="0.001 adam, 0.1 sgd",
    )  # fmt: skip
    lr_schedule: str = setting(
        "constant", "constant, or nsh: divided by 10 at 50 % and at 75 % of the steps.",
        choices=("constant", "nsh"),
    )  # fmt: skip
    momentum: float = setting(0.9, "Of SGD.", interval="[0, 1)")
    weight_decay: float = setting(
        None, "Weight decay.", interval="[0, inf)", default_is="0 adam, 0.0005 sgd",
    )  # fmt: skip
    update_every: int | str | None = setting(
        None, "Steps between topology updates, or epoch.", interval="[1, inf)", words=("epoch",),
        default_is="never", by_method=True, alike=False,
    )  # fmt: skip
    drop_fraction: float = setting(
        0.3, "Share of a layer's active edges that an update drops (at the start, if it decays).",
        interval="[0, 1]", by_method=True, alike=False,
    )  # fmt: skip
    t_end: float = setting(
        1.0, "Share of all steps after which there is no update any more.", interval="[0, 1]",
        by_method=True, alike=False,
    )  # fmt: skip
    candidates: str = setting(
        "not-kept", "What may grow: every edge that was not kept, or only those inactive before.",
        choices=CANDIDATES, alike=False,
    )  # fmt: skip
    record: tuple[str, ...] = setting(
        (), "What snapshots keep besides the masks.",
        choices=RECORDABLE, compared=False, alike=False,
    )  # fmt: skip
    seed: int = setting(
        0, "Fixes everything that is drawn.", interval="[0, inf)", identity=False, compared=False,
        alike=False,
    )  # fmt: skip
    device: str = setting(
        "auto", "Where it is computed.", choices=("auto", "cpu", "cuda"), compared=False,
    )  # fmt: skip
    # Rounding depends on the number of threads, so it is part of the configuration.
    threads: int = setting(
        None, "torch's threads on the CPU.", interval="[1, inf)", compared=False,
        default_is="torch's own",
    )  # fmt: skip
    # auto is a fixed rule of device, size and density, so that equal commands stay equal.
    engine: str = setting(
        "auto", "How masked linear layers are computed; csr: only active weights are kept.",
        choices=("auto", "masked", "csr"), compared=False,
    )  # fmt: skip
    options: Mapping[str, Any] = field(default_factory=dict)

    def identity(self) -> dict[str, Any]:
        """The settings as kept in a run's manifest: without seed and folder of the data."""
        kept = asdict(self)
        for option in settings():
            if not option.identity:
                del kept[option.name]
        kept.update(kept.pop("options"))
        return {k: list(v) if isinstance(v, tuple) else v for k, v in kept.items()}

    def alike(self) -> tuple[Any, ...]:
        """What all replicas of one batched program have in common."""
        return tuple(getattr(self, option.name) for option in settings() if option.alike)


def settings() -> tuple[Option, ...]:
    """The settings that every method has, in the order of their declaration.

    Examples
    --------
    >>> [option.name for option in settings()][:2]
    ['data', 'data_dir']
    """
    return tuple(options_of(TrainConfig).values())


def resolve(
    method: str,
    defaults: Mapping[str, Any],
    given: Mapping[str, Any],
    options: Sequence[Option] = (),
) -> TrainConfig:
    """Fill in defaults and check everything.

    Parameters
    ----------
    method : str
    defaults : mapping
        The method's own defaults.
    given : mapping
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
    shared = {option.name: option for option in settings()}
    asked = {**defaults, **{k: v for k, v in given.items() if v is not None}}
    chosen = {name: option.default for name, option in shared.items()}
    chosen |= {k: v for k, v in asked.items() if k in shared}
    own = resolve_options(
        f"method {method} from init {chosen['init']}",
        options,
        {k: v for k, v in asked.items() if k not in shared},
        list(shared),
    )
    read = {name: option.read(chosen[name]) for name, option in shared.items()}
    return TrainConfig(method=method, options=own, **_settle(read))


def _settle(read: dict[str, Any]) -> dict[str, Any]:
    """What follows from other settings, or from this machine."""
    sgd = read["optimizer"] == "sgd"
    if read["lr"] is None:
        read["lr"] = 0.1 if sgd else 1e-3
    if read["weight_decay"] is None:
        read["weight_decay"] = 5e-4 if sgd else 0.0
    if read["optimizer"] == "adam-sgd" and read["lr_schedule"] != "constant":
        raise ConfigError("optimizer adam-sgd has rates of its own; leave --lr-schedule constant")
    read["record"] = tuple(what for what in RECORDABLE if what in read["record"])
    read["device"] = _device(read["device"])
    if read["threads"] is None:
        import torch

        read["threads"] = torch.get_num_threads()
    return read


def _device(name: str) -> str:
    if name == "cpu":
        return name
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if name == "cuda":
        raise ConfigError(
            "device cuda was asked for, but torch sees no CUDA device; use --device cpu or auto"
        )
    return "cpu"
