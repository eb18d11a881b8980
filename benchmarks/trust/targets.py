"""What is damaged: the one registry of the mutation job.

A target makes a small, sound example of what topolab reads, and reads it with everything that a
user might ask. To add one (a format that can be imported, say), append it to `TARGETS`:

    Target("npz masks", make_npz, read_npz, files=("*.npz",))

`make` writes into an empty folder; `read` calls ``ask(name, function)`` once for each thing that
can be asked, and every function returns plain values or arrays. The job mutates one of `files`,
reads again, and compares the answers of the same name; a function that raises a TopolabError has
refused, which is right. Whether a file is JSON, safetensors or zip is found from its first bytes,
so a new target gets the mutations of headers and entries without more ado.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

import topolab
from topolab.store import verify_run

__all__ = ["TARGETS", "Ask", "Target"]


class Ask(Protocol):
    """Ask for something: its answer is compared, or only that it answers or refuses."""

    def __call__(self, name: str, function: Callable[[], Any], *, compare: bool = True) -> Any: ...


@dataclass(frozen=True)
class Target:
    """Something that is read from disk.

    Attributes
    ----------
    name : str
    make : callable
        Writes a sound example into a folder.
    read : callable
        Asks everything of the folder: (folder, ask).
    files : tuple of str
        Patterns of the files that are damaged.
    reseal : callable, optional
        Makes checksums good again after a header was edited: (folder, file).
    checked : bool
        Whether the format carries checksums. Of one that does not, nobody can tell that a weight
        is another; answers may then differ, and all the rest is demanded.
    """

    name: str
    make: Callable[[Path], None]
    read: Callable[[Path, Ask], None]
    files: tuple[str, ...]
    reseal: Callable[[Path, Path], None] | None = None
    checked: bool = True


# -- runs ----------------------------------------------------------------------------------------

LAYERS = (
    topolab.LayerSpec("conv1", "conv", (4, 1, 3, 3), image_shape=(1, 4, 4)),
    topolab.LayerSpec("fc1", "linear", (12, 16)),
    topolab.LayerSpec("fc2", "linear", (3, 12), maskable=False),
)
IDENTITY: dict[str, Any] = {
    "config": {"method": "set", "lr": 0.1, "hidden": [12], "nested": {"a": None, "b": [1.5, "x"]}},
    "seed": 7,
    "data": {"name": "random", "sha256": "0" * 64},
}


def _masks(step: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(step)
    return {k.name: rng.random(k.shape) < (0.3 if k.maskable else 2) for k in LAYERS}


def make_run(folder: Path) -> None:
    """Six snapshots with weights, activity and gradients; finished."""
    with topolab.Recorder(folder, layers=LAYERS, command="topolab train", **IDENTITY) as recorder:
        for step in range(0, 60, 10):
            rng = np.random.default_rng(1000 + step)
            neurons = {k.name: rng.random(k.n_out) for k in LAYERS}
            recorder.record(
                step, _masks(step), epoch=step / 20,
                weights={k.name: rng.normal(size=k.shape) for k in LAYERS},
                activity=neurons, gradient=neurons,
                metrics={"test_accuracy": 1 - 0.5 ** (1 + step), "odd": float("nan")},
            )  # fmt: skip
        recorder.finish({"test_accuracy": 0.9, "train_seconds": 1.5})


def content(shot: topolab.Snapshot) -> Any:
    """Everything that a snapshot says."""
    return [
        shot.index, shot.step, shot.epoch, sorted(shot.metrics.items()),
        [
            [layer.to_dict(), shot.masks[layer.name], shot.weights[layer.name],
             shot.activity[layer.name], shot.gradient[layer.name],
             shot.biadjacency(layer.name).toarray()]
            for layer in shot.layers
        ],
    ]  # fmt: skip


def read_run(folder: Path, ask: Ask) -> None:
    """As a reader, a report, `show`, `verify`, an export and a resumed training read it."""
    run = ask("open", lambda: topolab.open_run(folder), compare=False)
    if run is None:
        return
    ask("manifest", lambda: [run.config, run.seed, run.data, [k.to_dict() for k in run.layers]])
    about = ("run_id", "created", "versions", "platform", "git_revision", "command")
    ask("provenance", lambda: [run.manifest.get(key) for key in about])
    ask("summary", lambda: run.summary)
    ask("failure", lambda: run.failure)
    steps = run.steps.tolist()
    for position, step in enumerate(steps):
        ask(f"snapshot {step}", lambda position=position: content(run[position]))
    ask("verify", lambda: [[p.file, p.message] for p in verify_run(folder).problems])
    for position, step in enumerate(steps):
        ask(f"epoch {step}", lambda position=position: float(run.epochs[position]))
    ask("identity", lambda: run.identity, compare=False)
    ask("state", lambda: run.state, compare=False)
    ask("show", lambda: repr(topolab.show(run)), compare=False)
    ask(
        "graph",
        lambda: topolab.LayeredGraph.from_snapshot(run[-1]).n_edges if len(run) else 0,
        compare=False,
    )
    ask("resume", lambda: _resume(folder, run.layers), compare=False)


def _resume(folder: Path, layers: tuple[topolab.LayerSpec, ...]) -> None:
    with topolab.Recorder(folder, layers=layers, resume=True, **IDENTITY) as recorder:
        recorder.record((recorder.last_step or 0) + 10, _masks(60))


def reseal_run(folder: Path, file: Path) -> None:
    """Make the checksums of the edited file good, and of the run where its identity changed."""
    from mutations import reseal_manifest, reseal_snapshot

    if file.name != "run.json":
        reseal_snapshot(file)
        return
    run_id, layers = reseal_manifest(file)
    for snapshot in sorted((folder / "snapshots").iterdir()):
        reseal_snapshot(snapshot, run_id=run_id, layers=layers)


# -- what is kept beside the snapshots -----------------------------------------------------------


def make_tables(folder: Path) -> None:
    """A run with a cached analysis."""
    make_run(folder)
    topolab.analyse(folder, ["degree"])


def read_tables(folder: Path, ask: Ask) -> None:
    """A cached table is right or is computed anew."""
    ask("degree", lambda: _table(folder))


def _table(folder: Path) -> Any:
    table = topolab.analyse(folder, ["degree"])["degree"].table
    return [list(table.columns), *(table[name].tolist() for name in table.columns)]


def make_state(folder: Path) -> None:
    """What a training needs to go on."""
    import torch

    from topolab_trainers.state import write_state

    rng = torch.Generator().manual_seed(3)
    tensors = {f"model.{i}": torch.randn(5, 7, generator=rng) for i in range(4)}
    tensors["mask.fc1"] = torch.rand(5, 7, generator=rng) < 0.5
    write_state(folder / "state.safetensors", tensors, {"run_id": "a" * 64, "step": 40})


def read_state(folder: Path, ask: Ask) -> None:
    """Read it back."""
    from topolab_trainers import state

    def read() -> Any:
        found = state.read_state(folder / "state.safetensors", "a" * 64)
        if found is None:
            return None
        about, tensors = found
        return [about["step"], sorted((k, v.numpy()) for k, v in tensors.items())]

    ask("state", read)


TARGETS = [
    Target("snapshots", make_run, read_run, ("snapshots/*.safetensors",), reseal_run),
    Target("manifest", make_run, read_run, ("run.json",), reseal_run),
    Target("notes", make_run, read_run, ("DONE",)),
    Target("cached tables", make_tables, read_tables, ("tables/*.parquet",)),
    Target("resume state", make_state, read_state, ("state.safetensors",)),
]


def _register_imports() -> None:
    from imports import import_targets

    TARGETS.extend(import_targets())


_register_imports()
