"""The layer table of a series: what each layer is over all of its checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from topolab.chaining import chain_layers, set_apart
from topolab.errors import ConfigError, LayerError
from topolab.importers.inspection import LayerReport
from topolab.layers import LayerSpec

__all__ = ["LayerHistory", "check_chain", "remark_states", "report_layers"]


@dataclass
class LayerHistory:
    """One layer over the checkpoints read so far.

    Parameters
    ----------
    shape : tuple of int
        As topolab has it.
    sizes : int
        How many sizes it has in the file: 3 of a one-dimensional convolution.
    digests : set of bytes
        Of its masks.
    active : dict of int to int
        Active weights, by the index of the checkpoint.
    weights : bool
        Whether every checkpoint holds its weights.
    """

    shape: tuple[int, ...]
    sizes: int
    digests: set[bytes] = field(default_factory=set)
    active: dict[int, int] = field(default_factory=dict)
    weights: bool = True

    def density(self, index: int) -> float:
        """Active share of its weights in one checkpoint."""
        return self.active[index] / int(np.prod(self.shape))


def report_layers(
    histories: Mapping[str, LayerHistory],
    sequence: Sequence[int],
    sources: Mapping[str, str],
    image_shape: tuple[int, int, int] | None,
    *,
    ordered: bool,
) -> tuple[tuple[LayerReport, ...], list[str]]:
    """What each layer is, and remarks on what was guessed.

    Parameters
    ----------
    histories : mapping of str to LayerHistory
        In the order of the network.
    sequence : sequence of int
        Indices of the checkpoints in the order of their steps.
    sources : mapping of str to str
        What a layer reads, where the user said it.
    image_shape : tuple of int, optional
        Of the network's input.
    ordered : bool
        Whether the order of the layers is known.
    """
    remarks: list[str] = []
    reports: list[LayerReport] = []
    widths: dict[str, int] = {}
    previous = "input"
    for name, history in histories.items():
        state = _state(history, sequence)
        before = widths.get(sources.get(name, previous), 0)
        spec = LayerSpec(
            name,
            "linear" if len(history.shape) == 2 else "conv",
            history.shape,
            state != "dense",
            None if reports else image_shape,
            groups=_groups(name, history, before, name in sources, remarks),
            source=sources.get(name),
        )
        widths[name], previous = spec.n_out, name
        first, last = history.density(sequence[0]), history.density(sequence[-1])
        reports.append(LayerReport(spec, state, first, last, history.weights))
    specs, alone = set_apart([report.spec for report in reports])
    if not ordered:  # a row by name would link what has nothing to do with each other
        specs = tuple(replace(spec, source=f"{spec.name}:in", image_shape=None) for spec in specs)
        alone = ()
        remarks.append(
            "the order of the layers is not in the file and follows from nothing, so each has "
            "inputs of its own; give their names in the model's order (model_order) for "
            "paths, shells and total degrees"
        )
    if alone:
        remarks.append(
            f"what {', '.join(alone)} read{'s' if len(alone) == 1 else ''} is not known, so "
            "inputs of their own are taken: paths and shells do not go through there; if the "
            "order, the orientation or what it reads is another, say so (model_order "
            "or orientation)"
        )
    return tuple(replace(r, spec=s) for r, s in zip(reports, specs, strict=True)), remarks


def _state(history: LayerHistory, sequence: Sequence[int]) -> Literal["dynamic", "static", "dense"]:
    if min(history.active[i] for i in sequence) == int(np.prod(history.shape)):
        return "dense"
    if len(history.digests) == 1 and len(sequence) > 1:
        return "static"
    return "dynamic"


def _groups(
    name: str, history: LayerHistory, before: int, has_source: bool, remarks: list[str]
) -> int:
    """The groups of a convolution, by how many of the channels before it one output reads."""
    shape = history.shape
    groups, rest = divmod(before, shape[1])
    if len(shape) == 2 or rest or groups < 1 or shape[0] % groups:
        groups = 1
    elif shape[1] > 1 and groups > 1 and not has_source:
        remarks.append(
            f"layer {name} may be a convolution of {groups} groups, or read another layer than "
            "the one before it: name what it reads (model_order)"
        )
        groups = 1  # it may read another layer, as a residual shortcut does
    if groups == shape[0] > 1 and shape[1] == 1:
        remarks.append(f"layer {name} is taken as a depthwise convolution")
    elif groups > 1:
        remarks.append(f"layer {name} is taken as a convolution of {groups} groups")
    if history.sizes == 3:
        remarks.append(f"layer {name} is a one-dimensional convolution, kept as k x 1")
    return groups


def remark_states(
    reports: Sequence[LayerReport], histories: Mapping[str, LayerHistory], sequence: Sequence[int]
) -> list[str]:
    """Remarks on layers that are dense or never change, and on a density that does."""
    remarks = []
    dense = [r.spec.name for r in reports if r.state == "dense"]
    static = [r.spec.name for r in reports if r.state == "static"]
    changing = [
        f"{r.spec.name} {r.density_first:.4g} to {r.density_last:.4g}"
        for r in reports
        if len({histories[r.spec.name].active[i] for i in sequence}) > 1
    ]
    if dense:
        remarks.append(f"dense in every checkpoint: {', '.join(dense)}")
    if static:
        remarks.append(f"sparse and never changing: {', '.join(static)}")
    if len(dense) == len(reports):
        remarks.append("no layer is sparse in any checkpoint")
    if changing:
        remarks.append(f"the density changes from step to step: {'; '.join(changing)}")
    if len(sequence) == 1:
        remarks.append("one checkpoint only: nothing can be said of change")
    return remarks


def check_chain(reports: Sequence[LayerReport]) -> None:
    """Refuse layers of which one reads what it cannot.

    Raises
    ------
    ConfigError
        Only what the user said in `model_order` can do that.
    """
    try:
        chain_layers([report.spec for report in reports])
    except LayerError as error:
        raise ConfigError(f"model_order: the layers do not chain ({error})") from error
