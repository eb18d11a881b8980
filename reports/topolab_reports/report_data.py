"""What figures and sections are given: runs side by side, their tables, the moments shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from topolab.analysis import Result
from topolab.comparison import differing_settings
from topolab.errors import ConfigError
from topolab.run import Run

__all__ = ["ReportData", "ReportMoment", "RunView", "choose_moments", "view_runs"]


@dataclass(frozen=True)
class RunView:
    """A run under a label that no other run has, in a group of runs that differ by their seed."""

    run: Run
    label: str
    group: str = ""
    results: dict[str, Result] = field(default_factory=dict)

    @property
    def hidden_layers(self) -> list[str]:
        """The layers of hidden neurons; of a network of one layer, that one."""
        names = [layer.name for layer in self.run.layers]
        return names[:-1] or names

    @property
    def first_layer(self) -> str:
        """The first layer of hidden neurons whose masks may be sparse; else the first."""
        maskable = {layer.name for layer in self.run.layers if layer.maskable}
        return next(
            (name for name in self.hidden_layers if name in maskable),
            self.hidden_layers[0],
        )


@dataclass(frozen=True)
class ReportMoment:
    """One position of the time control: for each run the snapshot it shows, and when that is."""

    indices: tuple[int, ...]
    time: float = float("nan")


@dataclass(frozen=True)
class ReportData:
    """What every figure and section is given.

    Attributes
    ----------
    views : sequence of RunView
    moments : sequence of ReportMoment
    """

    views: tuple[RunView, ...]
    moments: tuple[ReportMoment, ...] = ()

    @property
    def epochs(self) -> bool:
        """Whether time is counted in epochs: only where every run knows its own."""
        return all(np.isfinite(view.run.epochs).all() for view in self.views)

    def last_step(self, label: str) -> int:
        """The step of a run at the last moment."""
        return self.step_of(self.moments[-1], label)

    @property
    def groups(self) -> list[str]:
        """The groups, in order: what has a colour. Without repeated seeds these are the runs."""
        return list(dict.fromkeys(view.group or view.label for view in self.views))

    @property
    def representatives(self) -> list[RunView]:
        """The first run of each group: the one that pictures of single networks show."""
        first: dict[str, RunView] = {}
        for view in self.views:
            first.setdefault(view.group or view.label, view)
        return list(first.values())

    def view(self, label: str) -> RunView:
        """The run of this label."""
        return next(view for view in self.views if view.label == label)

    def table(self, name: str, *, representatives: bool = False) -> pd.DataFrame:
        """A table of all runs below each other, with columns run and group in front of it.

        Parameters
        ----------
        name : str
        representatives : bool
            Only of the runs that are pictured.
        """
        views = self.representatives if representatives else self.views
        parts = []
        epochs = self.epochs
        for view in views:
            for result in view.results.values():
                if name in result.tables:
                    part = result.tables[name]
                    if len(part):
                        if "epoch" in part and not epochs:
                            part = part.assign(epoch=np.nan)
                        part = part.assign(run=view.label, group=view.group or view.label)
                        parts.append(part)
        if not parts:
            return pd.DataFrame({"run": [], "group": [], "step": [], "epoch": [], "layer": []})
        return pd.concat(parts, ignore_index=True)

    def pooled(self, name: str) -> pd.DataFrame:
        """What the runs of each group say together by an analysis: as `topolab.compare` has it.

        Empty where the analysis has been made of no run, or says nothing of groups.
        """
        found = {view.label: view.results[name] for view in self.views if name in view.results}
        if not found:
            return pd.DataFrame()
        analysis = next(iter(found.values())).analysis
        across = analysis.across({label: result.tables for label, result in found.items()})
        if across is None:
            return pd.DataFrame()
        groups = {view.label: view.group or view.label for view in self.views}
        pooled = analysis.pool(across.assign(group=across["run"].map(groups)))
        return pd.DataFrame() if pooled is None else pooled

    def step_of(self, moment: ReportMoment, label: str) -> int:
        """The step that a run shows at a moment."""
        position = [view.label for view in self.views].index(label)
        return int(self.views[position].run.steps[moment.indices[position]])

    def at_moments(self, table: pd.DataFrame) -> pd.DataFrame:
        """The rows of a table of pictured runs at the steps that the time control shows."""
        keep = np.zeros(len(table), dtype=bool)
        for view in self.representatives:
            steps = {self.step_of(moment, view.label) for moment in self.moments}
            keep |= ((table["run"] == view.label) & table["step"].isin(steps)).to_numpy()
        return table[keep].reset_index(drop=True)

    def hidden_layers(self, table: pd.DataFrame, *, inputs: bool = False) -> pd.DataFrame:
        """Only hidden layers (and the inputs, if asked for), in the order of the network."""
        parts = []
        for view in self.views:
            of_run = table[table["run"] == view.label]
            for layer in (["input"] if inputs else []) + view.hidden_layers:
                parts.append(of_run[of_run["layer"] == layer])
        return pd.concat(parts, ignore_index=True) if parts else table.iloc[:0]


def view_runs(runs: Sequence[Run]) -> list[RunView]:
    """Runs under labels of their own; those that differ only by their seed make one group."""
    if len({run.path.resolve() for run in runs}) < len(runs):
        raise ConfigError("a run was given twice; each is shown once")
    labels = _labels(runs)
    keys = differing_settings(runs)
    settings = [
        (
            tuple(str(run.config.get(key)) for key in keys),
            json.dumps(run.data, sort_keys=True, default=str),
            _shape(run),
        )
        for run in runs
    ]
    seeds: dict[object, list[int | None]] = {}
    for run, setting in zip(runs, settings, strict=True):
        seeds.setdefault(setting, []).append(run.seed)
    names: dict[object, str] = {}
    for shared, of_group in seeds.items():
        members = [label for label, s in zip(labels, settings, strict=True) if s == shared]
        different = None not in of_group and len(set(of_group)) == len(of_group)
        # Runs that say nothing of their settings may differ in any of them.
        told = any(run.config for run, s in zip(runs, settings, strict=True) if s == shared)
        if len(members) > 1 and different and told:
            names[shared] = _common(members, set(names.values()) | (set(labels) - set(members)))
    views = []
    for run, label, setting in zip(runs, labels, settings, strict=True):
        views.append(RunView(run, label, names.get(setting, label)))
    return views


def _shape(run: Run) -> str:
    return ",".join(f"{layer.name}:{layer.shape}" for layer in run.layers)


def _common(labels: Sequence[str], others: Iterable[str]) -> str:
    """What the labels of runs of several seeds have in common, or a list of them."""
    stem = labels[0]
    for label in labels[1:]:
        while not label.startswith(stem):
            stem = stem[:-1]
    stem = re.sub(r"(?i)([-_./ ]+(seed|s)?)?[-_. ]*\d*$", "", stem)
    return stem if stem and stem not in set(others) else "+".join(labels)


def _labels(runs: Sequence[Run]) -> list[str]:
    """The folders' names, with as much of their parents as it takes to tell them apart."""
    depth = 1
    while True:
        labels = ["/".join(run.path.resolve().parts[-depth:]) for run in runs]
        if len(set(labels)) == len(labels):
            # matplotlib keeps names that begin with an underscore to itself
            return [f"run {label}" if label.startswith("_") else label for label in labels]
        depth += 1


def choose_moments(runs: Sequence[Run], most: int) -> tuple[ReportMoment, ...]:
    """Evenly spaced snapshots of the run that goes on longest; the others at the same time.

    Time is counted in epochs where every run knows its own, else in steps. A run is shown at its
    last snapshot at or before a moment, or at its first. Of one moment it is the end.
    """
    times = _times(runs)
    guide = max(times, key=lambda time: (time[-1], len(time)))
    positions = np.unique(np.linspace(0, len(guide) - 1, min(most, len(guide))).round().astype(int))
    if most == 1:
        positions = np.array([len(guide) - 1])
    moments = []
    for time in guide[positions]:
        indices = tuple(
            max(0, int(np.searchsorted(of_run, time + 1e-9, side="right")) - 1) for of_run in times
        )
        moments.append(ReportMoment(indices, float(time)))
    return tuple(moments)


def _times(runs: Sequence[Run]) -> list[npt.NDArray[np.float64]]:
    epochs = [run.epochs for run in runs]
    if all(np.isfinite(of_run).all() for of_run in epochs):
        return epochs
    return [run.steps.astype(np.float64) for run in runs]
