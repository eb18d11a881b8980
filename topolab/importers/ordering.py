"""The order of layers whose file does not keep it: by their numbers, and by what chains."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from topolab.importers.base import Order
from topolab.importers.names import natural

__all__ = ["AmbiguousOrder", "find_order", "numbered"]

_DIGITS = re.compile(r"[0-9]+")
_TRIES = 50_000


class AmbiguousOrder(Exception):
    """Several orders chain."""


@dataclass(frozen=True)
class _Sizes:
    """What a layer takes and gives."""

    n_in: int
    n_out: int
    conv: bool


def numbered(names: Sequence[str]) -> bool:
    """Whether the names differ only in their numbers, which then tell the order.

    Examples
    --------
    >>> numbered(["fc1", "fc2", "fc10"]), numbered(["stem", "head"])
    (True, False)
    """
    return len({_DIGITS.sub("#", name) for name in names}) <= 1


def find_order(
    layers: Sequence[tuple[str, tuple[int, ...]]],
    candidates: Sequence[tuple[Order, bool]],
    inputs: int | None = None,
) -> tuple[str, ...] | None:
    """The order in which layers chain; those that differ only in a number stay in its order.

    Parameters
    ----------
    layers : sequence of (str, tuple of int)
        Names, and shapes as in the file.
    candidates : sequence of (str, bool)
        How matrices may lie and whether they carry the bias, the likeliest first.
    inputs : int, optional
        How many inputs the network has, if that is known.

    Returns
    -------
    tuple of str, or None
        None where no order chains, or there is too much to try.

    Raises
    ------
    AmbiguousOrder
        If several do.

    Examples
    --------
    >>> find_order([("out", (10, 30)), ("body", (30, 64))], [("out-in", False)])
    ('body', 'out')
    """
    groups: dict[str, list[str]] = {}
    for name, _ in sorted(layers, key=lambda item: natural(item[0])):
        groups.setdefault(_DIGITS.sub("#", name), []).append(name)
    for order, bias in candidates:
        sizes = {name: _sizes(shape, order, bias) for name, shape in layers}
        rows = _search(list(groups.values()), sizes, inputs)
        if len(rows) > 1:
            raise AmbiguousOrder(" or ".join(" -> ".join(one) for one in rows[:2]))
        if rows:
            return rows[0]
    return None


def _sizes(shape: tuple[int, ...], order: Order, bias: bool) -> _Sizes:
    if len(shape) != 2:
        return _Sizes(shape[1], shape[0], True)
    n_out, n_in = shape if order == "out-in" else shape[::-1]
    return _Sizes(n_in - bias, n_out, False)


def _follows(before: _Sizes, after: _Sizes) -> bool:
    if after.conv:
        depthwise = after.n_in == 1 and after.n_out == before.n_out
        return before.conv and (after.n_in == before.n_out or depthwise)
    if before.conv:
        return after.n_in % before.n_out == 0
    return after.n_in == before.n_out


def _search(
    groups: list[list[str]], sizes: dict[str, _Sizes], inputs: int | None
) -> list[tuple[str, ...]]:
    """The first two ways to put the groups into one row that chains; none after many tries."""
    count = sum(map(len, groups))
    rows: list[tuple[str, ...]] = []
    # Each: the row so far, and how many of every group are in it.
    stack: list[tuple[tuple[str, ...], tuple[int, ...]]] = [((), (0,) * len(groups))]
    tries = 0
    while stack and len(rows) < 2:
        row, used = stack.pop()
        if len(row) == count:
            rows.append(row)
            continue
        tries += 1
        if tries > _TRIES:
            return []
        for index in reversed(range(len(groups))):
            if used[index] == len(groups[index]):
                continue
            name = groups[index][used[index]]
            size = sizes[name]
            if row and not _follows(sizes[row[-1]], size):
                continue
            if not row and inputs is not None and not size.conv and size.n_in != inputs:
                continue
            more = (*used[:index], used[index] + 1, *used[index + 1 :])
            stack.append(((*row, name), more))
    return rows
