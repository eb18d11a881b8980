"""The public doors: `inspect_checkpoints` and `import_run`."""

from __future__ import annotations

import contextlib
import glob
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from topolab.errors import RunError, RunExistsError
from topolab.importers.arguments import one_path, whole_seed
from topolab.importers.inspection import Inspection
from topolab.importers.survey import Survey, survey
from topolab.progress import Progress, progress_shown
from topolab.recorder import Recorder
from topolab.run import Run, open_run
from topolab.store.files import sync_folder
from topolab.store.folder import RunFolder

__all__ = ["import_run", "inspect_checkpoints"]

_TEMPORARY = ".importing-"


def inspect_checkpoints(
    paths: Sequence[str | os.PathLike[str]] | str | os.PathLike[str],
    *,
    format: str = "auto",
    step_from: str = "name",
    model_order: str | os.PathLike[str] | Sequence[str] | None = None,
    orientation: str = "auto",
    bias_row: bool | None = None,
    image_shape: tuple[int, int, int] | None = None,
    max_bytes: int = 4 * 2**30,
    progress: Progress | bool | None = None,
) -> Inspection:
    """Say what a series of checkpoints is and what `import_run` would make of it.

    Parameters
    ----------
    paths, format, step_from, model_order, orientation, bias_row, image_shape, max_bytes, progress
        As for `import_run`.

    Returns
    -------
    Inspection

    Raises
    ------
    CheckpointError, ConfigError
        As `import_run`.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> np.savez(folder + "/epoch1.npz", W1=2 * np.eye(4, 6), W2=3 * np.eye(2, 4))
    >>> found = inspect_checkpoints(folder)
    >>> found.convention, found.orientation, [layer.spec.shape for layer in found.layers]
    ('nerva-npz', 'out-in', [(4, 6), (2, 4)])
    """
    with progress_shown(progress) as report:
        return survey(
            paths, format=format, step_from=step_from, model_order=model_order,
            orientation=orientation, bias_row=bias_row, image_shape=image_shape,
            max_bytes=max_bytes, report=report,
        ).inspection  # fmt: skip


def import_run(
    paths: Sequence[str | os.PathLike[str]] | str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    format: str = "auto",
    step_from: str = "name",
    model_order: str | os.PathLike[str] | Sequence[str] | None = None,
    orientation: str = "auto",
    bias_row: bool | None = None,
    image_shape: tuple[int, int, int] | None = None,
    seed: int | None = None,
    max_bytes: int = 4 * 2**30,
    command: str | None = None,
    progress: Progress | bool | None = None,
) -> Run:
    """Make a run out of a series of checkpoints.

    Every checkpoint is read twice, one at a time: once to see that all is well, once to record
    it. If anything is wrong, nothing is left at `out`. No file is read in a way that could run
    code from it.

    Parameters
    ----------
    paths : path, or sequence of path
        Files, folders and globs, as on the command line; ``~`` is the home. In any order.
    out : path
        The folder of the new run.
    format : str
        A convention (``topolab.registry.names("importers")``), or "auto": the most specific of
        those that match the first checkpoint.
    step_from : {"name", "key"}
        Whether steps are numbers in the names, or a key inside: global_step, step, iteration,
        iter, steps, epoch.
    model_order : path or sequence of str, optional
        The layers in the order of the network, one on a line, optionally followed by the layer
        it reads. Layers that are not named are left out.
    orientation : {"auto", "out-in", "in-out"}
        How weight matrices lie; "auto" is the convention's way, or what lets the shapes chain.
    bias_row : bool, optional
        Whether a matrix carries the bias as its last input; None finds out by chaining.
    image_shape : tuple of int, optional
        ``(C, H, W)`` of the network's input, for heatmaps.
    seed : int, optional
        The seed of the training, where it is known.
    max_bytes : int
        No array, and no archive beyond its own size on disk, may claim more.
    command : str, optional
        What started it, for the report.
    progress : Progress, bool or None
        Told how many checkpoints were read, then recorded; see `topolab.progress`.

    Returns
    -------
    Run

    Raises
    ------
    UnsafeFileError
        If a file needs code to be read; its ``globals`` and ``snippet`` say which, and how to
        convert it.
    CheckpointError
        If a file is damaged, follows no convention, contradicts the others or claims too much.
    ConfigError
        If nothing is there, a setting cannot be, or the steps cannot be told.
    RunExistsError
        If there is something at `out`.

    Examples
    --------
    >>> import tempfile, torch, topolab
    >>> from torch.nn.utils import prune
    >>> folder = tempfile.mkdtemp()
    >>> model = torch.nn.Sequential(torch.nn.Linear(6, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    >>> _ = prune.l1_unstructured(model[0], "weight", amount=12)
    >>> torch.save(model.state_dict(), folder + "/step_100.pt")
    >>> run = topolab.import_run(folder, folder + "/run")
    >>> run.steps, run[0].nnz("0"), [layer.maskable for layer in run.layers]
    (array([100]), 12, [True, False])
    """
    target = one_path(out)
    seed = whole_seed(seed)
    _check_free(target)
    with progress_shown(progress) as report:
        series = survey(
            paths, format=format, step_from=step_from, model_order=model_order,
            orientation=orientation, bias_row=bias_row, image_shape=image_shape,
            max_bytes=max_bytes, report=report,
        )  # fmt: skip
        with _new_folder(target) as temporary:
            _record(series, temporary, step_from, seed, command, report)
    return open_run(target)


@contextmanager
def _new_folder(target: Path) -> Iterator[Path]:
    """A folder beside the target that becomes it if all goes well, and is gone if not."""
    temporary = target.parent / f"{_TEMPORARY}{target.name}-{secrets.token_hex(4)}"
    missing = [folder for folder in target.absolute().parents if not folder.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target)
        yield temporary
        _check_free(target)
        if target.is_dir():
            target.rmdir()  # an empty folder that was made for it
        temporary.rename(target)
        sync_folder(target.parent)
    except (OSError, RunError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(cause, OSError):
            raise
        raise RunError(
            f"{target}: cannot be written ({cause.strerror or cause}); nothing was left of it. "
            "Make room, or choose another place (out)"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        for folder in missing:
            with contextlib.suppress(OSError):  # it is there for the run, or was never made
                folder.rmdir()


def _sweep(target: Path) -> None:
    """Take away what imports to the same place left behind when they were killed."""
    for leftover in target.parent.glob(f"{_TEMPORARY}{glob.escape(target.name)}-????????"):
        if leftover.is_dir() and not leftover.is_symlink() and RunFolder(leftover).is_abandoned():
            shutil.rmtree(leftover, ignore_errors=True)


def _check_free(target: Path) -> None:
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise RunExistsError(f"{target}: something is already there; choose another place (out)")


def _record(
    series: Survey,
    path: Path,
    step_from: str,
    seed: int | None,
    command: str | None,
    report: Progress,
) -> None:
    inspection = series.inspection
    config = {
        "method": "imported",
        "convention": inspection.convention,
        "orientation": inspection.orientation,
        "bias_row": inspection.bias,
        "step_from": step_from,
    }
    data = {
        "name": "imported",
        "files": [{"name": s.name, "sha256": s.sha256, "step": s.step} for s in inspection.sources],
        "layers": {layer.spec.name: layer.state for layer in inspection.layers},
        "remarks": list(inspection.remarks),
    }
    specs = [layer.spec for layer in inspection.layers]
    with Recorder(
        path, layers=specs, config=config, seed=seed, data=data, command=command
    ) as recorder:
        for index, step in enumerate(series.steps):
            layers = series.read(index)
            recorder.record(
                step,
                {layer.name: layer.mask for layer in layers},
                epoch=None if inspection.epochs is None else inspection.epochs[index],
                weights={
                    layer.name: layer.weight for layer in layers if layer.weight is not None
                },
                metrics=series.metrics[index],
            )  # fmt: skip
            del layers  # before the next is loaded
            report("recording", index + 1, len(series.steps))
