"""What the page says of the runs themselves: cards at its top, moments, provenance at its end."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from topolab.run import Run
from topolab_reports.report_data import ReportData, RunView
from topolab_reports.sections.base import over_seeds

__all__ = ["cards", "default_title", "folder_from", "moment_lines", "provenance"]

#: Runs that the time control names; more would not fit beside it.
_MOST_NAMED = 6


def default_title(views: Sequence[RunView]) -> str:
    """Methods and data of the runs."""
    methods = [str(view.run.config.get("method", view.label)) for view in views]
    sets = sorted({str(view.run.data["name"]) for view in views if "name" in view.run.data})
    text = " and ".join(dict.fromkeys(methods)) or "no snapshots"
    return f"topolab report: {text}" + (f" on {', '.join(sets)}" if sets else "")


def moment_lines(data: ReportData) -> list[str]:
    """What the time control says at each moment, of each run that is pictured."""
    lines = []
    labels = [view.label for view in data.views]
    for moment in data.moments:
        parts = []
        for view in data.representatives[:_MOST_NAMED]:
            snapshot = view.run[moment.indices[labels.index(view.label)]]
            text = f"{view.label}: step {snapshot.step:,}"
            if np.isfinite(snapshot.epoch):
                text += f", epoch {snapshot.epoch:.2f}"
            accuracy = snapshot.metrics.get("test_accuracy")
            if accuracy is not None and np.isfinite(accuracy):
                text += f", test accuracy {100 * accuracy:.1f} %"
            parts.append(text)
        lines.append(" · ".join(parts))
    return lines


def cards(data: ReportData) -> list[dict[str, Any]]:
    """One for each run, or for each group of runs that differ by their seed."""
    return [
        _card(label, [view for view in data.views if (view.group or view.label) == label])
        for label in data.groups
    ]


def _card(label: str, views: Sequence[RunView]) -> dict[str, Any]:
    run = views[0].run
    last = run[-1]
    maskable = [layer for layer in run.layers if layer.maskable] or list(run.layers)
    size = sum(layer.size for layer in maskable)
    active = sum(last.nnz(layer.name) for layer in maskable)
    ends = [view.run[-1].metrics.get("test_accuracy", float("nan")) for view in views]
    accuracy = over_seeds(ends, shares=True) if np.isfinite(ends).any() else "not recorded"
    widths = [run.layers[0].n_in, *[layer.n_out for layer in run.layers]]
    seeds = ", ".join("not given" if v.run.seed is None else str(v.run.seed) for v in views)
    facts = [
        ("test accuracy", accuracy),
        ("sparsity", f"{100 * (1 - active / size):.2f} %"),
        ("active weights", f"{active:,} of {size:,}"),
        ("network", "-".join(map(str, widths))),
        ("snapshots", _lengths(views)),
        ("seed" if len(views) == 1 else "seeds", seeds),
    ]
    method = run.config.get("method", "unknown method")
    data_set = run.data.get("name", "unknown data")
    unfinished = [view.run.state for view in views if view.run.state != "done"]
    return {
        "label": label,
        "what": f"{method} on {data_set}" if data_set != method else str(method),
        "state": unfinished[0] if unfinished else "done",
        "facts": facts,
    }


def _lengths(views: Sequence[RunView]) -> str:
    """Snapshots and steps, as ranges where the runs of a group differ."""
    counts = sorted({len(view.run) for view in views})
    ends = sorted({int(view.run.steps[-1]) for view in views})
    count = " to ".join(str(n) for n in dict.fromkeys([counts[0], counts[-1]]))
    first = min(int(view.run.steps[0]) for view in views)
    if len(ends) == 1:
        return f"{count}, steps {first} to {ends[0]:,}"
    return f"{count}, ending at steps {ends[0]:,} to {ends[-1]:,}"


def folder_from(out: Path, run: Run) -> str:
    """Where a run is, seen from the page."""
    try:
        return Path(os.path.relpath(run.path.resolve(), out.resolve().parent)).as_posix()
    except ValueError:  # another drive
        return run.path.as_posix()


def provenance(run: Run, out: Path) -> dict[str, Any]:
    """Where a run comes from, and how to repeat it."""
    manifest = run.manifest
    tables = sorted(path.name for path in run.tables_folder.glob("*.parquet"))
    return {
        "name": run.name,
        "state": run.state,
        "failure": run.failure,
        "folder": folder_from(out, run),
        "tables": tables,
        "facts": [
            ("run id", manifest["run_id"]),
            ("created", manifest.get("created", "not recorded")),
            ("command", manifest.get("command", "not recorded")),
            ("seed", run.seed),
            ("data", json.dumps(run.data, sort_keys=True)),
            ("configuration", json.dumps(run.config, sort_keys=True)),
            ("versions", json.dumps(manifest.get("versions", {}), sort_keys=True)),
            ("platform", manifest.get("platform", "not recorded")),
            ("git revision", manifest.get("git_revision") or "not recorded"),
            ("format version", manifest["version"]),
        ],
    }
