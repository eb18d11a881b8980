"""The columns of `attachment`, and the rows of a run in which nothing changes."""

from __future__ import annotations

import math
from typing import Any

from topolab.hooks import LAYER, WHEN
from topolab.tables import Column

__all__ = ["EVENTS", "KERNELS", "SLOPES", "empty_events", "empty_kernel", "empty_slope"]

_END = Column("end", str, "1", "in = edges from its inputs, out = to its outputs, total = both.")
_KERNEL = Column("kernel", str, "1", "gain = edges grown, loss = edges dropped.")
SLOPES = (
    LAYER,
    _END,
    _KERNEL,
    Column("window", int, "1", "0 = the whole run, 1, 2, ... = its parts in order."),
    Column("step_from", int, "steps", "Step before the window's first update."),
    Column("step_to", int, "steps", "Step of its last update."),
    Column("updates", int, "1", "Updates in the window that changed this layer."),
    Column("events", int, "edges", "Edge ends gained, or lost."),
    Column("slope", float, "1", "Exponent of the kernel k^slope; 0 where it is random."),
    Column("low", float, "1", "Lower end of its 95 % interval (block bootstrap over time)."),
    Column("high", float, "1", "Upper end."),
    Column("standard_error", float, "1", "Of the bootstrap, or of the likelihood if larger."),
    Column(
        "null_low", float, "1", "Lower end of where random rewiring has its slope, 95 of 100 times."
    ),
    Column("null_high", float, "1", "Upper end."),
    Column("p_positive", float, "1", "One-sided p-value of a slope not above 0."),
    Column("p_negative", float, "1", "One-sided p-value of a slope not below 0."),
    Column("change_p", float, "1", "p-value of one slope in all windows; in window 0."),
    Column("zero", float, "1", "Kernel at degree 0 over that at 1; NaN if no neuron had degree 0."),
    Column("rate", float, "1", "Exponent of a neuron's rate; gain: 1 is Barabasi and Albert's."),
    Column("rate_low", float, "1", "Lower end of its 95 % interval."),
    Column("rate_high", float, "1", "Upper end."),
    Column(
        "joint", float, "1",
        "Slope of gains at given fitness, first degrees drawn regardless of it; in window 0.",
    ),
    Column("joint_low", float, "1", "Lower end of its 95 % interval."),
    Column("joint_high", float, "1", "Upper end."),
    Column("within", float, "1", "Slope of gains within neurons, whatever made first degrees."),
    Column("within_low", float, "1", "Lower end of its 95 % interval."),
    Column("within_high", float, "1", "Upper end."),
    Column("fitness_spread", float, "1", "Standard deviation of the fitness of the fit `joint`."),
    Column("reason", str, "1", "Why a number is missing; empty where none is."),
)  # fmt: skip
KERNELS = (
    LAYER,
    _END,
    _KERNEL,
    Column("degree_from", int, "edges", "First degree of the bin."),
    Column("degree_to", int, "edges", "Last degree of the bin."),
    Column("degree", float, "edges", "Mean degree of the bin, by places."),
    Column("value", float, "1", "The kernel; 1 = as many events as chance gives, on average."),
    Column("low", float, "1", "Lower end of its 95 % interval (block bootstrap over time)."),
    Column("high", float, "1", "Upper end."),
    Column("events", float, "edges", "Events in the bin."),
    Column("expected", float, "edges", "Events that chance gives it."),
)
EVENTS = (
    *WHEN,
    LAYER,
    _END,
    Column("side", str, "1", "in or out: the side of these edges; a total end has both."),
    Column("degree", int, "edges", "Active weights of a neuron at this end before the update."),
    Column("neurons", int, "neurons", "Neurons of this degree."),
    Column("room", int, "edges", "Their free places at this side."),
    Column("gained", int, "edges", "Edge ends they gained in the update."),
    Column("gain_chance", float, "edges", "What they gain on average if growth is at random."),
    Column("edges", int, "edges", "Their active weights at this side before the update."),
    Column("lost", int, "edges", "Edge ends they lost."),
    Column("loss_chance", float, "edges", "What they lose on average if pruning is at random."),
)


def empty_slope(step: int, reason: str) -> dict[str, Any]:
    """A row of the main table without a number."""
    row: dict[str, Any] = {c.name: math.nan for c in SLOPES}
    row.update(layer="all", end="total", kernel="gain", window=0, step_from=step, step_to=step)
    row.update(updates=0, events=0, reason=reason)
    return row


def empty_kernel() -> dict[str, Any]:
    """A kernel of one bin that nothing is known of."""
    row: dict[str, Any] = {c.name: math.nan for c in KERNELS}
    return {**row, "layer": "all", "end": "total", "kernel": "gain", "degree_from": 0,
            "degree_to": 0}  # fmt: skip


def empty_events(step: int) -> dict[str, Any]:
    """No neurons, no events."""
    row: dict[str, Any] = {c.name: 0 for c in EVENTS}
    return {**row, "step": step, "epoch": math.nan, "layer": "all", "end": "total", "side": "in"}
