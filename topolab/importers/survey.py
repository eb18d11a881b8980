"""Reading a whole series once, without writing: what is in it and what would be made of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from topolab.chaining import chain_layers, is_apart, set_apart
from topolab.errors import ConfigError, LayerError
from topolab.importers.base import (
    CheckpointError,
    Content,
    FoundLayer,
    Importer,
    Order,
    Reading,
)
from topolab.importers.common import dense_layer, state_dict, weights_of
from topolab.importers.leftover import check_left_over
from topolab.importers.loading import load, verify_archive
from topolab.importers.ordering import Ambiguous, find_order, numbered
from topolab.importers.orientation import Orientation, candidates, choose
from topolab.importers.series import MAX_STEP, Moment, gather, number_at, steps_by_name
from topolab.layers import LayerSpec
from topolab.registry import load_all, names
from topolab.snapshot import pack_mask

__all__ = ["Inspection", "LayerReport", "Source", "Survey", "survey"]

Progress = Callable[[str, int, int], None]
_METRICS = {
    "test_accuracy": "test_accuracy", "test_acc": "test_accuracy", "train_loss": "train_loss",
    "val_accuracy": "val_accuracy", "val_acc": "val_accuracy", "test_loss": "test_loss",
    "val_loss": "val_loss", "train_accuracy": "train_accuracy", "train_acc": "train_accuracy",
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """One file of the series.

    Parameters
    ----------
    name : str
        Below the folder that all files share.
    sha256 : str
    step : int
    """

    name: str
    sha256: str
    step: int


@dataclass(frozen=True)
class LayerReport:
    """What a layer is over the series.

    Parameters
    ----------
    spec : LayerSpec
    state : {"dynamic", "static", "dense"}
        Its mask changes; is sparse and never changes; or is all ones in every checkpoint.
    density_first, density_last : float
        Active share of its weights.
    weights : bool
        Whether every checkpoint holds its weights.
    """

    spec: LayerSpec
    state: Literal["dynamic", "static", "dense"]
    density_first: float
    density_last: float
    weights: bool


@dataclass(frozen=True)
class Inspection:
    """What was recognised, and what an import would make of it.

    Parameters
    ----------
    convention : str
        The one that is taken.
    matches : tuple of str
        All that match, the most specific first.
    orientation : {"out-in", "in-out"}
    bias : bool
        Whether a last row (or column) of bias is cut off.
    how : str
        How the orientation was found.
    layers : tuple of LayerReport
    steps : tuple of int
    epochs : tuple of float, optional
    metrics : tuple of str
        Names of what is recorded besides.
    sources : tuple of Source
    remarks : tuple of str
        Everything a reader of the run should know.
    """

    convention: str
    matches: tuple[str, ...]
    orientation: Order
    bias: bool
    how: str
    layers: tuple[LayerReport, ...]
    steps: tuple[int, ...]
    epochs: tuple[float, ...] | None
    metrics: tuple[str, ...]
    sources: tuple[Source, ...]
    remarks: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON values."""
        return {
            "convention": self.convention,
            "matches": list(self.matches),
            "orientation": self.orientation,
            "bias": self.bias,
            "how": self.how,
            "layers": [
                {**layer.spec.to_dict(), "state": layer.state, "weights": layer.weights,
                 "density_first": layer.density_first, "density_last": layer.density_last}
                for layer in self.layers
            ],
            "steps": list(self.steps),
            "epochs": None if self.epochs is None else list(self.epochs),
            "metrics": list(self.metrics),
            "files": [
                {"name": s.name, "sha256": s.sha256, "step": s.step} for s in self.sources
            ],
            "remarks": list(self.remarks),
        }  # fmt: skip


@dataclass
class _Seen:
    """What has been seen of one layer so far."""

    shape: tuple[int, ...]
    digests: set[bytes] = field(default_factory=set)
    active: dict[int, int] = field(default_factory=dict)
    weights: bool = True


@dataclass(frozen=True)
class Oriented:
    """A layer as topolab has it: (out, in), two or four sizes."""

    name: str
    mask: npt.NDArray[np.bool_]
    weight: npt.NDArray[np.float32] | None


@dataclass(frozen=True)
class Survey:
    """A series that was read and found good: in the order of its steps."""

    importer: Importer
    moments: tuple[Moment, ...]
    steps: tuple[int, ...]
    stamps: tuple[tuple[tuple[int, int], ...], ...]
    metrics: tuple[dict[str, float], ...]
    inspection: Inspection
    order: tuple[str, ...] | None
    max_bytes: int
    orientation: Orientation
    lenient: bool

    def read(self, index: int) -> list[Oriented]:
        """The layers of one checkpoint, loaded again.

        Raises
        ------
        CheckpointError
            If its files have changed meanwhile.
        """
        moment = self.moments[index]
        if _stamps(moment) != self.stamps[index]:
            raise CheckpointError(f"{moment.label}: was changed while it was imported")
        try:
            content = load(moment.files, moment.kind, moment.label, moment.layers, self.max_bytes)
        except OSError as error:
            raise CheckpointError(f"{moment.label}: cannot be read ({error.strerror})") from error
        reading = _read(self.importer, content, self.order, lenient=self.lenient)
        found = _in_order(reading.layers, self.order, content)
        layers = [layer for layer in found if len(layer.shape) in (2, 3, 4)]
        return [_oriented(layer, self.orientation) for layer in layers]


def _stamps(moment: Moment) -> tuple[tuple[int, int], ...]:
    try:
        found = [path.stat() for path in moment.files]
    except OSError as error:
        raise CheckpointError(f"{moment.label}: cannot be read ({error.strerror})") from error
    return tuple((stat.st_size, stat.st_mtime_ns) for stat in found)


def survey(
    paths: Sequence[str | os.PathLike[str]],
    *,
    format: str = "auto",
    step_from: str = "name",
    model_order: str | os.PathLike[str] | Sequence[str] | None = None,
    orientation: str = "auto",
    bias_row: bool | None = None,
    image_shape: tuple[int, int, int] | None = None,
    max_bytes: int = 4 * 2**30,
    progress: Progress | None = None,
) -> Survey:
    """Read every checkpoint once, one at a time; see `topolab.import_run` for the parameters."""
    _check_options(format, step_from, orientation, max_bytes)
    order, sources = _names_and_sources(model_order)
    moments = gather(paths)
    steps, epochs, where = (
        steps_by_name(moments) if step_from == "name" else ([0] * len(moments), None, "")
    )
    reader = _Reader(format, order, orientation, bias_row, image_shape, max_bytes)
    inner_epochs: list[float | None] = []
    stamps, metrics, files = [], [], []
    for index, moment in enumerate(moments):
        stamps.append(_stamps(moment))
        files.append([_sha256(path) for path in moment.files])
        content = load(moment.files, moment.kind, moment.label, moment.layers, max_bytes)
        if moment.kind == "torch":
            verify_archive(moment.files[0])
        if step_from != "name":
            steps[index], where = _step_inside(content)
        reader.take(index, moment, content)
        metrics.append(_metrics(content))
        inside = number_at(content, ("epoch",))
        inner_epochs.append(None if inside is None else float(inside[0]))
        del content  # before the next is loaded
        if progress is not None:
            progress("reading", index + 1, len(moments))
    _check_steps(moments, steps)
    _as_shares(metrics, reader.remarks)
    sequence = sorted(range(len(moments)), key=lambda i: steps[i])
    inside_all = [e for e in inner_epochs if e is not None]
    known = inside_all if len(inside_all) == len(moments) else epochs
    base = Path(os.path.commonpath([str(p.resolve().parent) for m in moments for p in m.files]))
    inspection = reader.conclude(
        sequence,
        sources,
        steps=tuple(steps[i] for i in sequence),
        epochs=None if known is None else tuple(float(known[i]) for i in sequence),
        metrics=tuple(sorted({name for found in metrics for name in found})),
        files=tuple(
            Source(path.resolve().relative_to(base).as_posix(), digest, steps[i])
            for i in sequence
            for path, digest in zip(moments[i].files, files[i], strict=True)
        ),
        where=where,
    )
    assert reader.importer is not None
    assert reader.orientation is not None
    return Survey(
        importer=reader.importer,
        moments=tuple(moments[i] for i in sequence),
        steps=inspection.steps,
        stamps=tuple(stamps[i] for i in sequence),
        metrics=tuple(metrics[i] for i in sequence),
        inspection=inspection,
        order=reader.order,
        max_bytes=max_bytes,
        orientation=reader.orientation,
        lenient=format != "auto",
    )


def _check_options(format: str, step_from: str, orientation: str, max_bytes: int) -> None:
    if format != "auto" and format not in names("importers"):
        raise ConfigError(
            f"unknown convention {format!r}; there is auto, {', '.join(names('importers'))}"
        )
    if step_from not in ("name", "key"):
        raise ConfigError(f"step_from = {step_from!r} is neither name nor key")
    if orientation not in ("auto", "out-in", "in-out"):
        raise ConfigError(f"orientation = {orientation!r} is none of auto, out-in, in-out")
    if max_bytes < 1:
        raise ConfigError(f"max_bytes = {max_bytes} must be at least 1")


def _names_and_sources(
    given: str | os.PathLike[str] | Sequence[str] | None,
) -> tuple[tuple[str, ...] | None, dict[str, str]]:
    """Names in the model's order, and what each reads; from a file with one layer on a line."""
    if given is None:
        return None, {}
    if isinstance(given, (str, os.PathLike)):
        try:
            text = Path(given).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{given}: the names cannot be read ({error})") from error
        lines = text.splitlines()
    else:
        lines = list(given)
    words = [line.split("#")[0].split() for line in lines]
    words = [line for line in words if line]
    wrong = next((line for line in words if len(line) > 2), None)
    if wrong is not None or not words:
        raise ConfigError(
            f"{given}: one layer on a line, optionally followed by the layer it reads"
            + (f"; {' '.join(wrong)!r} is more" if wrong else "; it has none")
        )
    order = tuple(line[0] for line in words)
    twice = sorted({name for name in order if order.count(name) > 1})
    if twice:
        raise ConfigError(f"{given}: {', '.join(twice)} is there twice")
    for position, line in enumerate(words):
        known = ("input", *order[:position])
        if len(line) == 2 and not is_apart(line[1]) and line[1] not in known:
            raise ConfigError(
                f"{given}: {line[0]} reads {line[1]}, which is not a layer before it; "
                f"there is {', '.join(known)}; {line[0]}:in stands for inputs of its own"
            )
    return order, {line[0]: line[1] for line in words if len(line) == 2}


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from error


def _step_inside(content: Content) -> tuple[int, str]:
    found = number_at(content)
    if found is None:
        raise CheckpointError(
            f"{content.label}: no step is inside (global_step, step, iteration, iter, steps or "
            "epoch); take the steps from the names with --step-from name"
        )
    number, key = found
    if number != int(number):
        raise CheckpointError(f"{content.label}: {key} = {number} is no whole number")
    return int(number), f"steps are the {key} inside"


def _check_steps(moments: Sequence[Moment], steps: Sequence[int]) -> None:
    for moment, step in zip(moments, steps, strict=True):
        if not 0 <= step <= MAX_STEP:
            raise CheckpointError(f"{moment.label}: step {step} is below 0 or too large")
    for index, step in enumerate(steps):
        first = steps.index(step)
        if first != index:
            raise CheckpointError(
                f"{moments[first].label} and {moments[index].label}: both are of step {step}; "
                "leave one out, or take the steps from elsewhere (--step-from)"
            )


def _metrics(content: Content) -> dict[str, float]:
    """Accuracy and loss where a torch checkpoint plainly names them, as they stand there."""
    found: dict[str, float] = {}
    if content.kind != "torch" or not isinstance(content.value, Mapping):
        return found
    for key, name in _METRICS.items():
        value = content.value.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            continue
        if abs(value) < 1e300 or value != value:  # no float is made of an integer of 400 digits
            found[name] = float(value)
    return found


def _plain(content: Content) -> bool:
    """Whether this holds nothing but the weights of a model, as before it is pruned."""
    return content.kind in ("torch", "safetensors") and any(weights_of(state_dict(content.value)))


def _read(
    importer: Importer, content: Content, order: Sequence[str] | None, *, lenient: bool
) -> Reading:
    """Read a checkpoint; if the user named the convention, one without masks is dense."""
    if not lenient or importer.detect(content):
        return importer.read(content, order)
    weights = weights_of(state_dict(content.value))
    return Reading(
        tuple(dense_layer(name, value, content) for name, value in weights),
        (f"{content.label} holds no masks: its layers are dense",),
    )


def _as_shares(metrics: Sequence[dict[str, float]], remarks: list[str]) -> None:
    """Per cent become shares: in all checkpoints, where one has an accuracy above 1."""
    for name in sorted({n for found in metrics for n in found if n.endswith("accuracy")}):
        known = [found[name] for found in metrics if name in found]
        if not 1 < max(known) <= 100:
            continue
        remarks.append(f"{name} is taken as per cent")
        for found in metrics:
            if name in found:
                found[name] /= 100


def _in_order(
    layers: Sequence[FoundLayer], order: Sequence[str] | None, content: Content
) -> list[FoundLayer]:
    if order is None:
        return list(layers)
    by_name = {layer.name: layer for layer in layers}
    missing = [name for name in order if name not in by_name]
    if missing:
        raise CheckpointError(
            f"{content.label}: has no layer {', '.join(missing)}; it has {', '.join(by_name)}"
        )
    return [by_name[name] for name in order]


def _oriented(layer: FoundLayer, orientation: Orientation) -> Oriented:
    mask, weight = layer.mask, layer.weight
    if weight is not None:
        weight = orientation.apply(weight)
    if mask is None:
        assert weight is not None
        mask = np.ones(weight.shape, dtype=np.bool_)
    else:
        mask = orientation.apply(mask)
    if mask.ndim == 3:  # a one-dimensional convolution
        mask = mask[..., None]
        weight = None if weight is None else weight[..., None]
    if weight is not None:
        with np.errstate(over="ignore"):  # what is too large is infinite, and said
            weight = weight.astype(np.float32, copy=False)
    return Oriented(layer.name, np.asarray(mask, dtype=np.bool_), weight)


class _Reader:
    """Goes through the checkpoints and gathers what they say together."""

    def __init__(
        self,
        format: str,
        order: tuple[str, ...] | None,
        orientation: str,
        bias_row: bool | None,
        image_shape: tuple[int, int, int] | None,
        max_bytes: int,
    ) -> None:
        self.format = format
        self.order = order
        self.asked: Order | None = None
        if orientation != "auto":
            self.asked = "out-in" if orientation == "out-in" else "in-out"
        self.bias_row = bias_row
        self.image_shape = image_shape
        self.named = order is not None
        self.unordered = False
        self.doubt = ""
        self.first = ""
        self.known: dict[str, Importer] = {}
        self.importer: Importer | None = None
        self.orientation: Orientation | None = None
        self.matches: tuple[str, ...] = ()
        self.remarks: list[str] = []
        self.seen: dict[str, _Seen] = {}
        self.kinds: dict[str, int] = {}

    def take(self, index: int, moment: Moment, content: Content) -> None:
        """Read one checkpoint, check it against the first, remember what is asked of it later."""
        if self.importer is None:
            self._choose_importer(content)
            self.first = content.label
        elif self.format == "auto":
            self._check_importer(content)
        assert self.importer is not None
        lenient = self.format != "auto"
        if not self.importer.detect(content) and not (lenient and _plain(content)):
            raise CheckpointError(
                f"{content.label}: does not follow {self.importer.name}"
                + ("" if not self.seen else ", as the checkpoints before it do")
            )
        if self.importer.detect(content):
            self.doubt = ""  # one that follows it is enough: those without masks are dense
        reading = _read(self.importer, content, self.order, lenient=lenient)
        self.remarks += reading.remarks
        self.remarks += check_left_over(
            content, self.importer, sure=self.format != "auto", chosen=self.named
        )
        if self.orientation is None and not self.named:
            self._choose_order(reading.layers, content)
        found = _in_order(reading.layers, self.order, content)
        layers = [layer for layer in found if len(layer.shape) in (2, 3, 4)]
        for layer in found:
            if len(layer.shape) in (2, 3, 4):
                continue
            if layer.mask is not None and len(layer.shape) > 1:
                raise CheckpointError(
                    f"{content.label}: layer {layer.name} has a mask of shape {layer.shape}; "
                    "a layer has 2, 3 or 4 sizes"
                )
            self.remarks.append(f"{layer.name} of shape {layer.shape} is left out")
        if not layers:
            raise CheckpointError(f"{content.label}: holds no layer with a mask or a weight")
        if self.orientation is None:
            self._choose_orientation(layers, content)
        assert self.orientation is not None
        done = [_oriented(layer, self.orientation) for layer in layers]
        for before in layers:
            self.kinds.setdefault(before.name, len(before.shape))
        self._remember(index, done, content)

    def _matching(self, content: Content) -> list[Importer]:
        """The conventions that this follows, the most specific first."""
        return sorted(
            (item for item in self.known.values() if item.detect(content)),
            key=lambda item: (-item.rank, item.name),
        )

    def _check_importer(self, content: Content) -> None:
        """Masks that begin later in the series must not be overlooked."""
        assert self.importer is not None
        best = next(iter(self._matching(content)), self.importer)
        if best.rank > self.importer.rank:
            raise CheckpointError(
                f"{content.label}: follows {best.name}, but {self.first} only "
                f"{self.importer.name}; leave out those of one kind, or give --format {best.name} "
                "if those without masks are dense"
            )

    def _choose_importer(self, content: Content) -> None:
        known = self.known = {name: cls() for name, cls in load_all("importers").items()}
        matching = self._matching(content)
        self.matches = tuple(item.name for item in matching)
        if self.format != "auto":
            self.importer = known[self.format]
            if self.format not in self.matches:
                self.doubt = (
                    f"{content.label}: does not follow {self.format}; "
                    f"it follows {', '.join(self.matches) or 'no convention that is known'}"
                )
                if not _plain(content):
                    raise CheckpointError(self.doubt)
        elif not matching:
            raise CheckpointError(
                f"{content.label}: follows no convention that is known "
                f"({', '.join(known)}); docs/import.md says what each looks for"
            )
        else:
            self.importer = matching[0]
        if self.importer.remark:
            self.remarks.append(self.importer.remark)

    def _ways(self, layers: Sequence[FoundLayer], content: Content) -> dict[str, Any]:
        """What is known of how the matrices lie."""
        assert self.importer is not None
        image = self.image_shape
        usual, chain = self.importer.order, self.importer.chain
        if content.kind == "npz":  # arrays by anybody: no framework says how they lie
            chain = True
            if all(str(k).endswith("kernel") for k, v in content.value.items() if v.ndim == 2):
                usual = "in-out"  # so Keras and Flax call it
        return {
            "usual": usual,
            "chain": chain,
            "order": self.asked,
            "bias": self.bias_row,
            "inputs": None if image is None else image[0] * image[1] * image[2],
        }

    def _choose_order(self, layers: Sequence[FoundLayer], content: Content) -> None:
        """Find the order of the layers where neither the file nor their names give it."""
        whole = [layer for layer in layers if len(layer.shape) in (2, 3, 4)]
        if content.ordered or len(whole) < 2 or numbered([layer.name for layer in whole]):
            return
        ways = self._ways(whole, content)
        inputs = ways.pop("inputs")
        try:
            found = find_order([(layer.name, layer.shape) for layer in whole], candidates(**ways),
                               inputs)  # fmt: skip
        except Ambiguous as error:
            raise CheckpointError(
                f"{content.label}: the order of its layers is not in the file, and several chain: "
                f"{error}; give the names in the model's order in a file for --model-order"
            ) from error
        if found is None:
            self.unordered = True
            return
        self.order = found
        self.remarks.append(
            f"the order of the layers is not in the file; {' -> '.join(found)} chains"
        )

    def _choose_orientation(self, layers: Sequence[FoundLayer], content: Content) -> None:
        self.orientation = choose([layer.shape for layer in layers], **self._ways(layers, content))

    def _remember(self, index: int, layers: Sequence[Oriented], content: Content) -> None:
        names_ = [layer.name for layer in layers]
        if self.seen and set(names_) != set(self.seen):
            missing = sorted(set(self.seen) - set(names_))
            extra = sorted(set(names_) - set(self.seen))
            raise CheckpointError(
                f"{content.label}: "
                + (f"has no layer {', '.join(missing)}" if missing
                   else f"has a further layer {', '.join(extra)}")
                + ", unlike the checkpoints before it"
            )  # fmt: skip
        first = not self.seen
        for layer in layers:
            if first:
                try:
                    LayerSpec(layer.name, "linear", (1, 1))
                except LayerError as error:
                    raise CheckpointError(f"{content.label}: {error}") from error
                if min(layer.mask.shape) < 1:
                    raise CheckpointError(
                        f"{content.label}: layer {layer.name} is empty, {layer.mask.shape}"
                    )
                self.seen[layer.name] = _Seen(layer.mask.shape)
            seen = self.seen[layer.name]
            if layer.mask.shape != seen.shape:
                raise CheckpointError(
                    f"{content.label}: layer {layer.name} is {layer.mask.shape}, "
                    f"but {seen.shape} in the checkpoints before it"
                )
            packed = pack_mask(layer.mask)
            seen.digests.add(hashlib.blake2b(packed.tobytes(), digest_size=16).digest())
            seen.active[index] = int(np.count_nonzero(layer.mask))
            if layer.weight is None:
                seen.weights = False
            elif not np.isfinite(layer.weight[layer.mask]).all():
                self.remarks.append(f"layer {layer.name} has weights that are not finite")

    # -- the end ---------------------------------------------------------------------------------

    def conclude(
        self,
        sequence: Sequence[int],
        sources: Mapping[str, str],
        *,
        steps: tuple[int, ...],
        epochs: tuple[float, ...] | None,
        metrics: tuple[str, ...],
        files: tuple[Source, ...],
        where: str,
    ) -> Inspection:
        """Everything that is known once all checkpoints were read."""
        assert self.importer is not None
        assert self.orientation is not None
        if self.doubt:
            raise CheckpointError(self.doubt)
        reports = []
        changing = []
        sizes: dict[str, int] = {}
        previous = "input"
        for position, (name, seen) in enumerate(self.seen.items()):
            size = int(np.prod(seen.shape))
            counts = [seen.active[i] for i in sequence]
            state: Literal["dynamic", "static", "dense"] = "dynamic"
            if min(counts) == size:
                state = "dense"
            elif len(seen.digests) == 1 and len(sequence) > 1:
                state = "static"
            if len(set(counts)) > 1:
                changing.append(f"{name} {counts[0] / size:.4g} to {counts[-1] / size:.4g}")
            before = sizes.get(sources.get(name, previous), 0)
            spec = self._spec(name, seen, state != "dense", position, before, sources)
            sizes[name], previous = spec.n_out, name
            reports.append(
                LayerReport(spec, state, counts[0] / size, counts[-1] / size, seen.weights)
            )
        specs, alone = set_apart([report.spec for report in reports])
        if self.unordered:  # a row by name would link what has nothing to do with each other
            specs = tuple(
                replace(spec, source=f"{spec.name}:in", image_shape=None) for spec in specs
            )
            alone = ()
            self.remarks.append(
                "the order of the layers is not in the file and follows from nothing, so each has "
                "inputs of its own; give their names in the model's order with --model-order for "
                "paths, shells and total degrees"
            )
        reports = [replace(r, spec=spec) for r, spec in zip(reports, specs, strict=True)]
        if alone:
            self.remarks.append(
                f"what {', '.join(alone)} read{'s' if len(alone) == 1 else ''} is not known, so "
                "inputs of their own are taken: paths and shells do not go through there; if the "
                "order, the orientation or what it reads is another, say so with --model-order "
                "or --orientation"
            )
        remarks = [where, f"weights lie {self.orientation.how}" if self.orientation.how else ""]
        remarks += self.remarks
        self._more_remarks(remarks, reports, changing, len(sequence))
        return Inspection(
            convention=self.importer.name,
            matches=self.matches,
            orientation=self.orientation.order,
            bias=self.orientation.bias,
            how=self.orientation.how,
            layers=tuple(reports),
            steps=steps,
            epochs=epochs,
            metrics=metrics,
            sources=files,
            remarks=tuple(dict.fromkeys(r for r in remarks if r)),
        )

    def _spec(
        self,
        name: str,
        seen: _Seen,
        maskable: bool,
        position: int,
        before: int,
        sources: Mapping[str, str],
    ) -> LayerSpec:
        kind: Literal["linear", "conv"] = "linear" if len(seen.shape) == 2 else "conv"
        groups, rest = divmod(before, seen.shape[1])
        if kind == "linear" or rest or groups < 1 or seen.shape[0] % groups:
            groups = 1
        elif seen.shape[1] > 1 and groups > 1 and name not in sources:
            self.remarks.append(
                f"layer {name} may be a convolution of {groups} groups, or read another layer than "
                "the one before it: name what it reads in --model-order"
            )
            groups = 1  # it may read another layer, as a residual shortcut does
        if groups == seen.shape[0] > 1 and seen.shape[1] == 1:
            self.remarks.append(f"layer {name} is taken as a depthwise convolution")
        elif groups > 1:
            self.remarks.append(f"layer {name} is taken as a convolution of {groups} groups")
        if self.kinds[name] == 3:
            self.remarks.append(f"layer {name} is a one-dimensional convolution, kept as k x 1")
        image = self.image_shape if position == 0 else None
        return LayerSpec(
            name, kind, seen.shape, maskable, image,
            groups=groups, source=sources.get(name),
        )  # fmt: skip

    def _more_remarks(
        self, remarks: list[str], reports: Sequence[LayerReport], changing: list[str], count: int
    ) -> None:
        assert self.orientation is not None
        by_state = {
            state: [r.spec.name for r in reports if r.state == state]
            for state in ("dense", "static")
        }
        if by_state["dense"]:
            remarks.append(f"dense in every checkpoint: {', '.join(by_state['dense'])}")
        if by_state["static"]:
            remarks.append(f"sparse and never changing: {', '.join(by_state['static'])}")
        if len(by_state["dense"]) == len(reports):
            remarks.append("no layer is sparse in any checkpoint")
        if changing:
            remarks.append(f"the density changes from step to step: {'; '.join(changing)}")
        if count == 1:
            remarks.append("one checkpoint only: nothing can be said of change")
        try:
            chain_layers([r.spec for r in reports])
        except LayerError as error:
            raise ConfigError(f"--model-order: the layers do not chain ({error})") from error
