"""What figures and sections are given: runs side by side, their tables, the moments shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from topolab.analysis import Result
from topolab.comparison import differing
from topolab.run import Run

__all__ = ["Context", "Moment", "RunView", "moments_of", "view_runs"]


@dataclass(frozen=True)
class RunView:
    """A run under a label that no other run has, in a group of runs that differ by their seed."""

    run: Run
    label: str
    group: str = ""
    results: dict[str, Result] = field(default_factory=dict)

    @property
    def hidden(self) -> list[str]:
        """The layers of hidden neurons; of a network of one layer, that one."""
        names = [layer.name for layer in self.run.layers]
        return names[:-1] or names


@dataclass(frozen=True)
class Moment:
    """One position of the time control: for each run the index of the snapshot it shows."""

    indices: tuple[int, ...]


@dataclass(frozen=True)
class Context:
    """What every figure and section is given.

    Attributes
    ----------
    views : sequence of RunView
    moments : sequence of Moment
    """

    views: tuple[RunView, ...]
    moments: tuple[Moment, ...] = ()

    @property
    def labels(self) -> list[str]:
        """The groups, in order: what has a colour. Without repeated seeds these are the runs."""
        return list(dict.fromkeys(view.group or view.label for view in self.views))

    @property
    def shown(self) -> list[RunView]:
        """The first run of each group: the one that pictures of single networks show."""
        first: dict[str, RunView] = {}
        for view in self.views:
            first.setdefault(view.group or view.label, view)
        return list(first.values())

    def group_of(self, label: str) -> str:
        """The group of a run."""
        view = self.view(label)
        return view.group or view.label

    def view(self, label: str) -> RunView:
        """The run of this label."""
        return next(view for view in self.views if view.label == label)

    def table(self, name: str, *, shown: bool = False) -> pd.DataFrame:
        """A table of all runs below each other, with columns run and group in front of it.

        Parameters
        ----------
        name : str
        shown : bool
            Only of the runs that are pictured.
        """
        views = self.shown if shown else self.views
        parts = []
        for view in views:
            for result in view.results.values():
                if name in result.tables:
                    part = result.tables[name]
                    if len(part):
                        part = part.assign(run=view.label, group=view.group or view.label)
                        parts.append(part)
        if not parts:
            return pd.DataFrame({"run": [], "group": [], "step": [], "epoch": [], "layer": []})
        return pd.concat(parts, ignore_index=True)

    def step_of(self, moment: Moment, label: str) -> int:
        """The step that a run shows at a moment."""
        position = [view.label for view in self.views].index(label)
        return int(self.views[position].run.steps[moment.indices[position]])

    def at_moments(self, table: pd.DataFrame) -> pd.DataFrame:
        """The rows of a table of pictured runs at the steps that the time control shows."""
        keep = np.zeros(len(table), dtype=bool)
        for view in self.shown:
            steps = {self.step_of(moment, view.label) for moment in self.moments}
            keep |= ((table["run"] == view.label) & table["step"].isin(steps)).to_numpy()
        return table[keep].reset_index(drop=True)

    def hidden(self, table: pd.DataFrame, *, inputs: bool = False) -> pd.DataFrame:
        """Only hidden layers (and the inputs, if asked for), in the order of the network."""
        parts = []
        for view in self.views:
            of_run = table[table["run"] == view.label]
            for layer in (["input"] if inputs else []) + view.hidden:
                parts.append(of_run[of_run["layer"] == layer])
        return pd.concat(parts, ignore_index=True) if parts else table.iloc[:0]


def view_runs(runs: Sequence[Run]) -> list[RunView]:
    """Runs under labels of their own; those that differ only by their seed make one group."""
    labels = _labels(runs)
    keys = differing(runs)
    settings = [
        (
            tuple(str(run.config.get(key)) for key in keys),
            str(run.data.get("name", "")),
            _shape(run),
        )
        for run in runs
    ]
    seeds: dict[object, list[int | None]] = {}
    for run, setting in zip(runs, settings, strict=True):
        seeds.setdefault(setting, []).append(run.seed)
    names: dict[object, str] = {}
    for setting, of_group in seeds.items():
        members = [label for label, s in zip(labels, settings, strict=True) if s == setting]
        different = None not in of_group and len(set(of_group)) == len(of_group)
        if len(members) > 1 and different:
            names[setting] = _common(members, set(names.values()) | (set(labels) - set(members)))
    views = []
    for run, label, setting in zip(runs, labels, settings, strict=True):
        views.append(RunView(run, label, names.get(setting, label)))
    return views


def _shape(run: Run) -> str:
    return ",".join(f"{layer.name}:{layer.shape}" for layer in run.layers)


def _common(labels: Sequence[str], taken: Iterable[str]) -> str:
    """What the labels of runs of several seeds have in common, or a list of them."""
    stem = labels[0]
    for label in labels[1:]:
        while not label.startswith(stem):
            stem = stem[:-1]
    stem = re.sub(r"(?i)[-_./ ]*(seed|s)?[-_. ]*\d*$", "", stem)
    return stem if stem and stem not in set(taken) else "+".join(labels)


def _labels(runs: Sequence[Run]) -> list[str]:
    """The folders' names, with as much of their parents as it takes to tell them apart."""
    depth = 1
    while True:
        labels = ["/".join(run.path.resolve().parts[-depth:]) for run in runs]
        if len(set(labels)) == len(labels):
            return labels
        depth += 1


def moments_of(runs: Sequence[Run], most: int) -> tuple[Moment, ...]:
    """Evenly spaced snapshots of the longest run, the others at the same share of training.

    A run is shown at its last snapshot at or before that moment.
    """
    longest = max(runs, key=len)
    count = min(most, len(longest))
    chosen = np.unique(np.linspace(0, len(longest) - 1, count).round().astype(int))
    times = [_times(run) for run in runs]
    moments = []
    for time in _times(longest)[chosen]:
        indices = tuple(
            max(0, int(np.searchsorted(of_run, time + 1e-9, side="right")) - 1) for of_run in times
        )
        moments.append(Moment(indices))
    if len(moments) > 1:  # the end of one is the end of all, however long they are
        moments[-1] = Moment(tuple(len(run) - 1 for run in runs))
    return tuple(moments)


def _times(run: Run) -> npt.NDArray[np.float64]:
    epochs = run.epochs
    return epochs if np.isfinite(epochs).all() else run.steps.astype(np.float64)
