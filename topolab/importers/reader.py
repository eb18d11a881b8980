"""Going through the checkpoints of a series: what the first decides, what all must share."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from topolab.errors import LayerError
from topolab.importers.base import CheckpointContent, CheckpointError, FoundLayer, Importer, Order
from topolab.importers.inspection import Inspection, Source
from topolab.importers.layer_arrays import LayerArrays, in_order, layer_arrays, read_layers
from topolab.importers.layer_table import LayerHistory, check_chain, remark_states, report_layers
from topolab.importers.leftover import check_left_over
from topolab.importers.ordering import AmbiguousOrder, find_order, numbered
from topolab.importers.orientation import Orientation, candidates, choose
from topolab.importers.state_dict import state_dict, weights_of
from topolab.layers import LayerSpec
from topolab.registry import find, load_all
from topolab.snapshot import pack_mask

__all__ = ["SeriesReader"]


def _holds_weights_only(content: CheckpointContent) -> bool:
    """Whether this holds nothing but the weights of a model, as before it is pruned."""
    return content.kind in ("torch", "safetensors") and any(weights_of(state_dict(content.value)))


class SeriesReader:
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
        self.histories: dict[str, LayerHistory] = {}

    def take(self, index: int, content: CheckpointContent) -> None:
        """Read one checkpoint, check it against the first, remember what is asked of it later."""
        if self.importer is None:
            self._choose_importer(content)
            self.first = content.label
        elif self.format == "auto":
            self._check_importer(content)
        assert self.importer is not None
        lenient = self.format != "auto"
        if not self.importer.detect(content) and not (lenient and _holds_weights_only(content)):
            raise CheckpointError(
                f"{content.label}: does not follow {self.importer.name}"
                + ("" if not self.histories else ", as the checkpoints before it do")
            )
        if self.importer.detect(content):
            self.doubt = ""  # one that follows it is enough: those without masks are dense
        reading = read_layers(self.importer, content, self.order, lenient=lenient)
        self.remarks += reading.remarks
        self.remarks += check_left_over(
            content, self.importer, sure=self.format != "auto", chosen=self.named
        )
        if self.orientation is None and not self.named:
            self._choose_order(reading.layers, content)
        found = in_order(reading.layers, self.order, content)
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
        arrays = [layer_arrays(layer, self.orientation) for layer in layers]
        self._remember(index, arrays, [len(layer.shape) for layer in layers], content)

    def _matching(self, content: CheckpointContent) -> list[Importer]:
        """The conventions that this follows, the most specific first."""
        return sorted(
            (item for item in self.known.values() if item.detect(content)),
            key=lambda item: (-item.rank, item.name),
        )

    def _check_importer(self, content: CheckpointContent) -> None:
        """Masks that begin later in the series must not be overlooked."""
        assert self.importer is not None
        best = next(iter(self._matching(content)), self.importer)
        if best.rank > self.importer.rank:
            raise CheckpointError(
                f"{content.label}: follows {best.name}, but {self.first} only "
                f"{self.importer.name}; leave out those of one kind, or say "
                f"that the format is {best.name} if those without masks are dense"
            )

    def _choose_importer(self, content: CheckpointContent) -> None:
        known = self.known = load_all("importers", lambda cls: cls())
        matching = self._matching(content)
        self.matches = tuple(item.name for item in matching)
        if self.format != "auto":
            self.importer = known.get(self.format) or find("importers", self.format)()
            if self.format not in self.matches:
                self.doubt = (
                    f"{content.label}: does not follow {self.format}; "
                    f"it follows {', '.join(self.matches) or 'no convention that is known'}"
                )
                if not _holds_weights_only(content):
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

    def _ways(self, layers: Sequence[FoundLayer], content: CheckpointContent) -> dict[str, Any]:
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

    def _choose_order(self, layers: Sequence[FoundLayer], content: CheckpointContent) -> None:
        """Find the order of the layers where neither the file nor their names give it."""
        whole = [layer for layer in layers if len(layer.shape) in (2, 3, 4)]
        if content.ordered or len(whole) < 2 or numbered([layer.name for layer in whole]):
            return
        ways = self._ways(whole, content)
        inputs = ways.pop("inputs")
        try:
            found = find_order([(layer.name, layer.shape) for layer in whole], candidates(**ways),
                               inputs)  # fmt: skip
        except AmbiguousOrder as error:
            raise CheckpointError(
                f"{content.label}: the order of its layers is not in the file, and several chain: "
                f"{error}; give the names in the model's order in a file (model_order)"
            ) from error
        if found is None:
            self.unordered = True
            return
        self.order = found
        self.remarks.append(
            f"the order of the layers is not in the file; {' -> '.join(found)} chains"
        )

    def _choose_orientation(self, layers: Sequence[FoundLayer], content: CheckpointContent) -> None:
        self.orientation = choose([layer.shape for layer in layers], **self._ways(layers, content))

    def _remember(
        self,
        index: int,
        layers: Sequence[LayerArrays],
        sizes: Sequence[int],
        content: CheckpointContent,
    ) -> None:
        names = [layer.name for layer in layers]
        if self.histories and set(names) != set(self.histories):
            missing = sorted(set(self.histories) - set(names))
            extra = sorted(set(names) - set(self.histories))
            raise CheckpointError(
                f"{content.label}: "
                + (f"has no layer {', '.join(missing)}" if missing
                   else f"has a further layer {', '.join(extra)}")
                + ", unlike the checkpoints before it"
            )  # fmt: skip
        first = not self.histories
        for layer, size_count in zip(layers, sizes, strict=True):
            if first:
                try:
                    LayerSpec(layer.name, "linear", (1, 1))
                except LayerError as error:
                    raise CheckpointError(f"{content.label}: {error}") from error
                if min(layer.mask.shape) < 1:
                    raise CheckpointError(
                        f"{content.label}: layer {layer.name} is empty, {layer.mask.shape}"
                    )
                self.histories[layer.name] = LayerHistory(layer.mask.shape, size_count)
            history = self.histories[layer.name]
            if layer.mask.shape != history.shape:
                raise CheckpointError(
                    f"{content.label}: layer {layer.name} is {layer.mask.shape}, "
                    f"but {history.shape} in the checkpoints before it"
                )
            packed = pack_mask(layer.mask)
            history.digests.add(hashlib.blake2b(packed.tobytes(), digest_size=16).digest())
            history.active[index] = int(np.count_nonzero(layer.mask))
            if layer.weight is None:
                history.weights = False
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
        reports, remarks = report_layers(
            self.histories, sequence, sources, self.image_shape, ordered=not self.unordered
        )
        how = self.orientation.how
        remarks = [
            where,
            f"weights lie {how}" if how else "",
            *self.remarks,
            *remarks,
            *remark_states(reports, self.histories, sequence),
        ]
        check_chain(reports)
        return Inspection(
            convention=self.importer.name,
            matches=self.matches,
            orientation=self.orientation.order,
            bias=self.orientation.bias,
            how=how,
            layers=reports,
            steps=steps,
            epochs=epochs,
            metrics=metrics,
            sources=files,
            remarks=tuple(dict.fromkeys(r for r in remarks if r)),
        )
