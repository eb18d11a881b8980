"""Which way round a weight matrix lies, and whether it carries the bias: by chaining shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy.typing as npt

from topolab.importers.base import Order

__all__ = ["Orientation", "candidates", "choose"]


@dataclass(frozen=True)
class Orientation:
    """How the matrices of a series lie.

    Parameters
    ----------
    order : {"out-in", "in-out"}
        What the rows and what the columns are.
    bias : bool
        Whether the last input is the bias: a last row of (in, out), a last column of (out, in).
    how : str
        A sentence: how this was found.
    """

    order: Order
    bias: bool
    how: str

    def apply(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The array as (out, in), without the bias; a convolution is left as it is."""
        if array.ndim != 2:
            return array
        turned = array.T if self.order == "in-out" else array
        return turned[:, :-1] if self.bias else turned


def candidates(
    *, usual: Order, chain: bool, order: Order | None = None, bias: bool | None = None
) -> list[tuple[Order, bool]]:
    """How matrices may lie and whether they carry the bias, the likeliest first."""
    return [
        (way, extra)
        for extra in (False, True)
        for way in (usual, _other(usual))
        if order in (None, way)
        and bias in (None, extra)
        and (chain or way == usual or order)
        and (chain or bias is not None or not extra)
    ]


def choose(
    shapes: Sequence[tuple[int, ...]],
    *,
    usual: Order,
    chain: bool,
    order: Order | None = None,
    bias: bool | None = None,
    inputs: int | None = None,
) -> Orientation:
    """Find how matrices lie.

    Parameters
    ----------
    shapes : sequence of tuple of int
        In the order of the network, as in the file.
    usual : {"out-in", "in-out"}
        The convention's own, where the shapes do not tell.
    chain : bool
        Whether the shapes are asked at all.
    order, bias : optional
        What the user says.
    inputs : int, optional
        How many inputs the network has, if that is known.

    Examples
    --------
    >>> choose([(784, 100), (100, 10)], usual="out-in", chain=True).order
    'in-out'
    >>> choose([(785, 100), (101, 10)], usual="in-out", chain=True).bias
    True
    """
    if not chain and order is None and bias is None:
        return Orientation(usual, False, f"always {_words(usual)} in this convention")
    possible = candidates(usual=usual, chain=chain, order=order, bias=bias)
    fitting = [c for c in possible if _fits(shapes, *c, inputs)]
    best = (fitting or possible)[0]
    asked = "as asked" if order is not None else ""
    if order is not None and (bias is not None or len(possible) == 1):
        return Orientation(*best, asked)
    words = _words(best[0]) + (
        f" with the bias as the last {'row' if best[0] == 'in-out' else 'column'}"
        if best[1] else ""
    )  # fmt: skip
    if not fitting:
        how = f"the shapes chain in no way; {words} is usual in this convention"
    elif len(fitting) > 1:
        how = f"the shapes chain in {len(fitting)} ways; taken as {words}, as is usual"
    else:
        how = f"only {words} chains"
    return Orientation(*best, f"{asked}, {how}" if asked else how)


def _other(order: Order) -> Order:
    return "in-out" if order == "out-in" else "out-in"


def _words(order: Order) -> str:
    return f"({order.replace('-', ', ')})"


def _fits(shapes: Sequence[tuple[int, ...]], order: Order, bias: bool, inputs: int | None) -> bool:
    sizes = []
    for shape in shapes:
        if len(shape) != 2:
            sizes.append((0, 0))
            continue
        n_out, n_in = shape if order == "out-in" else shape[::-1]
        if n_in - bias < 1:
            return False
        sizes.append((n_out, n_in - bias))
    if inputs is not None and sizes and sizes[0][1] and sizes[0][1] != inputs:
        return False
    return all(before[0] == after[1] for before, after in pairwise(sizes) if before[0] and after[1])
