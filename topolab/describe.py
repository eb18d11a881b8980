"""What a run is, at a glance; or many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from topolab.run import Run, RunLike, is_one_run, open_runs

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Description", "show"]


class Description(dict[str, Any]):
    """All that is known of a run, in values that JSON has; it shows the gist as text."""

    def __repr__(self) -> str:
        lines = self.headlines()
        width = max((len(layer["name"]) for layer in self["layers"]), default=0)
        for layer in self["layers"]:
            shape = " x ".join(map(str, layer["shape"]))
            active, sparsity = layer["active_last"], layer["sparsity_last"]
            share = (
                "" if active is None else f", {active:,} active, sparsity {100 * sparsity:.2f} %"
            )
            lines.append(f"  {layer['name']:<{width}}  {layer['kind']} {shape}{share}")
        return "\n".join(lines)

    def headlines(self) -> list[str]:
        """What is said of the run before its layers, line by line."""
        steps = self["steps"]
        span = f", steps {steps[0]} to {steps[-1]}" if steps else ""
        lines = [
            f"{self['path']}: {self['state']}",
            f"  {self['snapshots']} snapshots{span}, format version {self['format_version']}",
        ]
        if self["method"] or self["data"]:
            lines.append(
                f"  {self['method'] or 'unknown method'} on {self['data'] or 'unknown data'}, "
                f"seed {self['seed']}"
            )
        if self["test_accuracy"] is not None:
            lines.append(f"  test accuracy {100 * self['test_accuracy']:.2f} %")
        if self["failure"]:
            lines.append(f"  failed: {self['failure'].get('message', 'no message')}")
        if self["command"]:
            lines.append(f"  {self['command']}")
        return lines


def show(runs: RunLike | Sequence[RunLike]) -> Description | pd.DataFrame:
    """Say what a run holds: state, training, layers, metrics. Or list several.

    Parameters
    ----------
    runs : Run or path, or a sequence of them
        A folder that is no run stands for the runs in it.

    Returns
    -------
    Description or DataFrame
        Of one run a dict, which shows itself as text; of a sequence or a folder of runs a table
        with a row for each: name, path, state, method, data, seed, snapshots, test_accuracy.

    Raises
    ------
    RunError
        If there is no run.

    Examples
    --------
    >>> run = getfixture("example_run")
    >>> show(run)["layers"][0]["active_first"] == run[0].nnz("fc1")
    True
    >>> show(run.path.parent)[["name", "state", "method", "seed"]]
          name state method  seed
    0  example  done    set     7
    """
    opened = open_runs(runs)
    return _described(opened[0]) if is_one_run(runs) else _table(opened)


def _table(runs: Sequence[Run]) -> pd.DataFrame:
    import pandas as pd

    found = pd.DataFrame([_brief(run) for run in runs])
    # What a run does not say is missing; its seed stays a whole number.
    return found.astype({"seed": "Int64", "snapshots": "int64", "test_accuracy": "float64"})


def _brief(run: Run) -> dict[str, Any]:
    last = run[-1].metrics if len(run) else {}
    return {
        "name": run.name,
        "path": str(run.path),
        "state": run.state,
        "method": run.config.get("method"),
        "data": run.data.get("name"),
        "seed": run.seed,
        "snapshots": len(run),
        "test_accuracy": last.get("test_accuracy"),
    }


def _described(run: Run) -> Description:
    first, last = (run[0], run[-1]) if len(run) else (None, None)
    layers = [
        {
            **layer.to_dict(),
            "active_first": None if first is None else first.nnz(layer.name),
            "active_last": None if last is None else last.nnz(layer.name),
            "sparsity_last": None if last is None else 1 - last.nnz(layer.name) / layer.size,
        }
        for layer in run.layers
    ]
    manifest = dict(run.manifest)
    return Description({
        **_brief(run),
        "run_id": manifest["run_id"],
        "format_version": manifest["version"],
        "steps": run.steps.tolist(),
        "epoch_last": None if last is None else last.epoch,
        "layers": layers,
        "metrics_last": {} if last is None else dict(last.metrics),
        "config": run.config,
        "data_set": run.data,
        "summary": run.summary,
        "failure": run.failure,
        "created": manifest.get("created"),
        "command": manifest.get("command"),
        "versions": manifest.get("versions"),
        "git_revision": manifest.get("git_revision"),
    })  # fmt: skip
