"""Reading a whole series once, without writing: what is in it and what would be made of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from topolab.importers.archives import verify_archive
from topolab.importers.arguments import check_settings, image_size, path_list
from topolab.importers.base import CheckpointError, Importer
from topolab.importers.checkpoint import Checkpoint
from topolab.importers.inspection import Inspection, Source
from topolab.importers.layer_arrays import LayerArrays, in_order, layer_arrays, read_layers
from topolab.importers.loading import load
from topolab.importers.model_order import read_model_order
from topolab.importers.numbers_inside import as_shares, metrics_inside, number_at, step_inside
from topolab.importers.orientation import Orientation
from topolab.importers.reader import SeriesReader
from topolab.importers.series import gather
from topolab.importers.step_words import MAX_STEP
from topolab.importers.steps import steps_by_name
from topolab.progress import Progress

__all__ = ["Survey", "survey"]


@dataclass(frozen=True)
class Survey:
    """A series that was read and found good: in the order of its steps."""

    importer: Importer
    checkpoints: tuple[Checkpoint, ...]
    steps: tuple[int, ...]
    stamps: tuple[tuple[tuple[int, int], ...], ...]
    metrics: tuple[dict[str, float], ...]
    inspection: Inspection
    order: tuple[str, ...] | None
    max_bytes: int
    orientation: Orientation
    lenient: bool

    def read(self, index: int) -> list[LayerArrays]:
        """The layers of one checkpoint, loaded again.

        Raises
        ------
        CheckpointError
            If its files have changed meanwhile.
        """
        checkpoint = self.checkpoints[index]
        if _stamps(checkpoint) != self.stamps[index]:
            raise CheckpointError(f"{checkpoint.label}: was changed while it was imported")
        try:
            content = load(checkpoint, self.max_bytes)
        except OSError as error:
            raise CheckpointError(
                f"{checkpoint.label}: cannot be read ({error.strerror})"
            ) from error
        reading = read_layers(self.importer, content, self.order, lenient=self.lenient)
        found = in_order(reading.layers, self.order, content)
        layers = [layer for layer in found if len(layer.shape) in (2, 3, 4)]
        return [layer_arrays(layer, self.orientation) for layer in layers]


def _stamps(checkpoint: Checkpoint) -> tuple[tuple[int, int], ...]:
    try:
        stats = [path.stat() for path in checkpoint.files]
    except OSError as error:
        raise CheckpointError(f"{checkpoint.label}: cannot be read ({error.strerror})") from error
    return tuple((stat.st_size, stat.st_mtime_ns) for stat in stats)


def survey(
    paths: Sequence[str | os.PathLike[str]] | str | os.PathLike[str],
    *,
    format: str = "auto",
    step_from: str = "name",
    model_order: str | os.PathLike[str] | Sequence[str] | None = None,
    orientation: str = "auto",
    bias_row: bool | None = None,
    image_shape: tuple[int, int, int] | None = None,
    max_bytes: int = 4 * 2**30,
    report: Progress,
) -> Survey:
    """Read every checkpoint once, one at a time; see `topolab.import_run` for the parameters."""
    given = path_list(paths)
    check_settings(format, step_from, orientation, bias_row, max_bytes)
    image = image_size(image_shape)
    order, sources = read_model_order(model_order)
    checkpoints = gather(given)
    steps, epochs, where = (
        steps_by_name(checkpoints) if step_from == "name" else ([0] * len(checkpoints), None, "")
    )
    reader = SeriesReader(format, order, orientation, bias_row, image, max_bytes)
    inner_epochs: list[float | None] = []
    stamps, metrics, files = [], [], []
    for index, checkpoint in enumerate(checkpoints):
        stamps.append(_stamps(checkpoint))
        files.append([_sha256(path) for path in checkpoint.files])
        content = load(checkpoint, max_bytes)
        if checkpoint.kind == "torch":
            verify_archive(checkpoint.files[0])
        if step_from != "name":
            steps[index], where = step_inside(content)
        reader.take(index, content)
        metrics.append(metrics_inside(content))
        inside = number_at(content, ("epoch",))
        inner_epochs.append(None if inside is None else float(inside[0]))
        del content  # before the next is loaded
        report("reading", index + 1, len(checkpoints))
    _check_steps(checkpoints, steps)
    as_shares(metrics, reader.remarks)
    sequence = sorted(range(len(checkpoints)), key=lambda i: steps[i])
    inside_all = [e for e in inner_epochs if e is not None]
    epochs_of_all = inside_all if len(inside_all) == len(checkpoints) else epochs
    base = Path(os.path.commonpath([str(p.resolve().parent) for c in checkpoints for p in c.files]))
    inspection = reader.conclude(
        sequence,
        sources,
        steps=tuple(steps[i] for i in sequence),
        epochs=None if epochs_of_all is None else tuple(float(epochs_of_all[i]) for i in sequence),
        metrics=tuple(sorted({name for found in metrics for name in found})),
        files=tuple(
            Source(path.resolve().relative_to(base).as_posix(), digest, steps[i])
            for i in sequence
            for path, digest in zip(checkpoints[i].files, files[i], strict=True)
        ),
        where=where,
    )
    assert reader.importer is not None
    assert reader.orientation is not None
    return Survey(
        importer=reader.importer,
        checkpoints=tuple(checkpoints[i] for i in sequence),
        steps=inspection.steps,
        stamps=tuple(stamps[i] for i in sequence),
        metrics=tuple(metrics[i] for i in sequence),
        inspection=inspection,
        order=reader.order,
        max_bytes=max_bytes,
        orientation=reader.orientation,
        lenient=format != "auto",
    )


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from error


def _check_steps(checkpoints: Sequence[Checkpoint], steps: Sequence[int]) -> None:
    for checkpoint, step in zip(checkpoints, steps, strict=True):
        if not 0 <= step <= MAX_STEP:
            raise CheckpointError(f"{checkpoint.label}: step {step} is below 0 or too large")
    for index, step in enumerate(steps):
        first = steps.index(step)
        if first != index:
            raise CheckpointError(
                f"{checkpoints[first].label} and {checkpoints[index].label}: both are of step "
                f"{step}; leave one out, or take the steps from elsewhere (step_from)"
            )
