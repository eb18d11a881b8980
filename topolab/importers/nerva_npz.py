"""``.npz`` of numbered dense weights: W1, b1, W2, ... (nerva)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from topolab.importers.arrays import as_array, is_array
from topolab.importers.base import CheckpointContent, FoundLayer, Importer, Reading

__all__ = ["NervaNpz"]

_WEIGHT = re.compile(r"[Ww](\d+)")


class NervaNpz(Importer):
    """``W<n>`` with ``b<n>``; a weight that is exactly 0 is taken as absent."""

    name = "nerva-npz"
    summary = "A .npz of dense weights called W1, b1, W2, ... (nerva)."
    rank = 30
    chain = True
    from_zeros = True
    remark = (
        "masks are taken from the weights that are not 0: one that was grown at the last update "
        "and is still 0 is missed"
    )

    def detect(self, content: CheckpointContent) -> bool:
        """Whether there are numbered matrices."""
        return content.kind == "npz" and bool(_numbered(content))

    def read(self, content: CheckpointContent, order: Sequence[str] | None = None) -> Reading:
        """The matrices by number."""
        layers = []
        for key in _numbered(content):
            weight = as_array(content.value[key], content, key)
            layers.append(FoundLayer(key, weight != 0, weight))
        return Reading(tuple(layers))


def _numbered(content: CheckpointContent) -> list[str]:
    if not isinstance(content.value, Mapping):
        return []
    keys = [
        key
        for key, value in content.value.items()
        if isinstance(key, str) and _WEIGHT.fullmatch(key) and is_array(value) and value.ndim == 2
    ]
    return sorted(keys, key=lambda key: int(key[1:]))
