"""Momentum growth (SNFS): drop the smallest weights, grow where the averaged gradient is large."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from topolab.options import Option
from topolab_trainers.config import TrainConfig
from topolab_trainers.criteria import LayerView, UpdatePlan
from topolab_trainers.distributions import round_to
from topolab_trainers.dynamic import DropAndGrow, with_options
from topolab_trainers.method import LayerGenerator
from topolab_trainers.update import LayerUpdate, grow

__all__ = ["Momentum", "shares_by_momentum"]


class Momentum(DropAndGrow):
    """Sparse networks from scratch, by sparse momentum.

    References
    ----------
    T. Dettmers, L. Zettlemoyer, "Sparse Networks from Scratch: Faster Training without Losing
    Performance", arXiv 1907.04840 (2019).
    """

    name = "momentum"
    summary = "SNFS: drop the smallest weights, grow where the averaged gradient is largest"
    options = (
        *with_options(drop="magnitude", grow="momentum", decay="cosine"),
        Option("redistribute", "str", "none",
               "none: fixed layer budgets; momentum: by the layers' mean momentum.",
               choices=("none", "momentum")),
    )  # fmt: skip
    defaults: ClassVar[dict[str, Any]] = {
        "update_every": 400,
        "drop_fraction": 0.5,
        "init": "erk",
    }
    conserves = "network"

    def needs(self, config: TrainConfig) -> frozenset[str]:
        """Redistribution looks at the momentum whatever grows."""
        needed = super().needs(config)
        return needed | {"momentum"} if config.options["redistribute"] == "momentum" else needed

    def update_network(
        self,
        views: Sequence[LayerView],
        plan: UpdatePlan,
        config: TrainConfig,
        draw: LayerGenerator,
    ) -> dict[str, LayerUpdate]:
        """Each layer on its own, or with what was dropped anywhere shared anew."""
        if config.options["redistribute"] == "none":
            return super().update_network(views, plan, config, draw)
        generators = {view.name: draw(view.name) for view in views}
        keep = {v.name: plan.drop_criterion.keep(v, plan, generators[v.name]) for v in views}
        dropped = {v.name: int(v.mask.sum()) - int(keep[v.name].sum()) for v in views}
        mean, room = {}, {}
        for view in views:
            assert view.momentum is not None
            mean[view.name] = float(view.momentum[view.mask].abs().double().mean())
            closed = view.mask if plan.candidates == "inactive-before" else keep[view.name]
            room[view.name] = int((~closed).sum())
        counts = shares_by_momentum(mean, sum(dropped.values()), room)
        return {
            view.name: grow(
                view.mask, keep[view.name], plan.grow_criterion.score(view),
                generators[view.name], candidates=plan.candidates, number=counts[view.name],
            )
            for view in views
        }  # fmt: skip


def shares_by_momentum(
    mean: Mapping[str, float], total: int, room: Mapping[str, int]
) -> dict[str, int]:
    """How many edges each layer grows: in proportion to its mean momentum.

    Parameters
    ----------
    mean : mapping of str to float
        Per layer the mean absolute averaged gradient of its active weights.
    total : int
        Edges to share.
    room : mapping of str to int
        The most a layer can take; what it cannot goes to the others.

    Returns
    -------
    dict of str to int
        Their sum is `total`.

    Examples
    --------
    >>> shares_by_momentum({"a": 3.0, "b": 1.0}, 8, {"a": 100, "b": 100})
    {'a': 6, 'b': 2}
    >>> shares_by_momentum({"a": 3.0, "b": 1.0}, 8, {"a": 5, "b": 100})
    {'a': 5, 'b': 3}
    """
    full: set[str] = set()
    while True:
        free = [name for name in mean if name not in full]
        weight = sum(mean[name] for name in free)
        left = total - sum(room[name] for name in full)
        shares = {
            name: float(room[name]) if name in full
            else left * (mean[name] / weight if weight > 0 else 1 / len(free))
            for name in mean
        }  # fmt: skip
        over = {name for name in free if shares[name] > room[name]}
        if not over:
            return round_to(shares, total, room)
        full |= over
