"""What is in a checkpoint and was not read: a mask that is overlooked would be a wrong result."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from topolab.importers.arrays import binary, is_array, is_sparse
from topolab.importers.base import CheckpointContent, CheckpointError, Importer

__all__ = ["check_left_over"]

_MOST_NAMES = 6
_DEEP = 5
_MANY = 10_000
#: Parts of a checkpoint that hold matrices of the training, not of the network.
_TRAINING = re.compile(
    r"(?i)optim|schedul|momentum|exp_avg|grad|scaler|history|explored|\bema|swa|rng"
)
_MASK = re.compile(r"(?i)mask")
_NO_TOPOLOGY = re.compile(r"(?i)fired|attn|attention|causal|grad")
_KEPT = re.compile(r"(?i)(?:^|/)masks?/")
_SPLIT = re.compile(r"(?:(.*)\.)?(?:parametrizations\.weight\.original1|weight_v)")


def check_left_over(
    content: CheckpointContent, importer: Importer, *, sure: bool, chosen: bool
) -> tuple[str, ...]:
    """Remarks on matrices that no layer was made of.

    Parameters
    ----------
    content : CheckpointContent
        After it was read.
    importer : Importer
        Who read it.
    sure : bool
        Whether the user named the convention.
    chosen : bool
        Whether the user named the layers.

    Raises
    ------
    CheckpointError
        If there are masks and the convention reads none, or a layer is missing in the middle;
        unless the user said so.
    """
    if not content.claims:  # somebody else's convention that reads in its own way
        return ()
    every = list(_matrices(content.value, "", 0))
    unread = [(path, value) for path, value in every if id(value) not in content.claims]
    shapes = {tuple(value.shape) for path, value in every if id(value) in content.claims}
    masks = [
        path for path, value in unread
        if (_MASK.search(path) or importer.from_zeros) and not _NO_TOPOLOGY.search(path)
        and (tuple(value.shape) in shapes or _KEPT.search(path)) and _may_be(value, content)
    ]  # fmt: skip
    if masks and importer.from_zeros and not sure:
        raise CheckpointError(
            f"{content.label}: holds masks ({_list(masks)}) that no convention reads; to take "
            f"what is not 0 as active all the same, say that the format is {importer.name}"
        )
    split = [
        match[1] or "layer" for path, _ in unread
        if (match := _SPLIT.fullmatch(_last(path))) and not _TRAINING.search(path)
    ]  # fmt: skip
    if split and not chosen:
        raise CheckpointError(
            f"{content.label}: layer {_list(split)} is kept in the two parts of weight_norm; take "
            "it off before saving (torch.nn.utils.parametrize.remove_parametrizations or "
            "remove_weight_norm), or leave the layer out by naming the others in a model order"
        )
    remarks = []
    if masks:
        remarks.append(f"masks that {importer.name} does not read: {_list(masks)}")
    other = [
        path for path, _ in unread
        if path not in masks and not _TRAINING.search(path) and not _NO_TOPOLOGY.search(path)
    ]  # fmt: skip
    if other and not chosen:
        remarks.append(f"left out: {_list(other)}")
    return tuple(remarks)


def _may_be(value: Any, content: CheckpointContent) -> bool:
    """Whether this could be the mask of a layer: not all the same, and no causal triangle."""
    if is_sparse(value) or not binary(value, content):
        return False
    one = value != 0
    return (
        bool(one.any())
        and not bool(one.all())
        and not bool(
            one.ndim == 2 and one.shape[0] == one.shape[1] and (one == one.tril()).all()
            if hasattr(one, "tril")
            else one.ndim == 2 and (one == np.tril(one)).all()
        )
    )


def _last(path: str) -> str:
    return path.rpartition("/")[2]


def _list(names: list[str]) -> str:
    words = [_last(name) if name.count("/") == 1 else name for name in names[:_MOST_NAMES]]
    return ", ".join(words) + (
        f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    )


def _matrices(value: Any, path: str, depth: int) -> Iterator[tuple[str, Any]]:
    """Arrays of two or more sizes in nested dictionaries and lists, with the path of their keys."""
    if is_array(value):
        if len(value.shape) >= 2:
            yield path, value
    elif depth < _DEEP and isinstance(value, (Mapping, list, tuple)) and len(value) < _MANY:
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, inner in items:
            yield from _matrices(inner, f"{path}/{str(key)[:200]}" if path else str(key), depth + 1)
