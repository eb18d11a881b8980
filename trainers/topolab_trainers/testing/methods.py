"""The contract of a training method."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

import topolab
from topolab.errors import ConfigError
from topolab.registry import Group
from topolab.testing import Contract, check_card
from topolab_trainers.config import TrainConfig
from topolab_trainers.criteria import LayerView, UpdatePlan
from topolab_trainers.loop import train
from topolab_trainers.method import Method
from topolab_trainers.schedules import UpdateTimes

__all__ = ["MethodContract"]


def contents(run: topolab.Run) -> dict[str, bytes]:
    """All that a training leaves: the snapshots and the parameters at the end."""
    files = {p.name: p.read_bytes() for p in sorted(run.files.snapshots.iterdir())}
    return files | {"final": run.files.final_weights.read_bytes()}


class MethodContract(Contract):
    """What every registered method does.

    Attributes
    ----------
    base : mapping
        Settings of the short trainings on digits.
    special : mapping
        By method what it needs besides, or instead; None takes a setting back.
    accuracy : float
        What twelve epochs reach at the least.
    """

    group: ClassVar[Group] = "methods"
    base: ClassVar[Mapping[str, Any]] = {
        "data": "digits", "hidden": (24, 16), "epochs": 3, "batch_size": 64, "seed": 3,
        "threads": 1, "sparsity": 0.8, "update_every": 7,
    }  # fmt: skip
    special: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    learning: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    accuracy: ClassVar[float] = 0.75

    def settings(self, name: str, **more: Any) -> dict[str, Any]:
        """Of a short training by this method."""
        return {**self.base, **self.special.get(name, {}), **more}

    def config(self, name: str, **more: Any) -> TrainConfig:
        """The same, resolved."""
        method: Method = self.entry(name)()
        return method.configure(**self.settings(name, **more))

    def plan(self, method: Method, config: TrainConfig) -> UpdatePlan:
        """An update that drops much."""
        return replace(method.plan_update(7, 69, 60, config), fraction=0.8)

    def test_the_same_seed_gives_the_same_bytes(self, name: str, tmp_path: Path) -> None:
        """And another seed gives others."""
        one, two = (topolab.train(name, tmp_path / n, **self.settings(name)) for n in "ab")
        assert contents(one) == contents(two) and len(one) > 3
        other = topolab.train(name, tmp_path / "c", **self.settings(name, seed=4))
        assert contents(one) != contents(other)

    def test_what_it_says_it_conserves(self, name: str, tmp_path: Path) -> None:
        """Edges of each layer, or of all together; and the sparsity is what was asked for."""
        run = topolab.train(name, tmp_path / "r", **self.settings(name))
        counts = [[shot.nnz(layer.name) for layer in run.layers] for shot in run]
        conserves = self.entry(name).conserves
        if conserves == "layer":
            assert all(c == counts[0] for c in counts)
        elif conserves == "network":
            assert all(sum(c) == sum(counts[0]) for c in counts)
        if conserves != "nothing":
            size = sum(layer.size for layer in run.layers if layer.maskable)
            pairs = zip(counts[0], run.layers, strict=True)
            active = sum(n for n, layer in pairs if layer.maskable)
            assert active == round((1 - run.config["sparsity"]) * size)

    @pytest.mark.parametrize("engine", ["masked", "csr"])
    def test_absent_weights_are_zero(self, name: str, engine: str, tmp_path: Path) -> None:
        """At the end, in both ways of keeping a layer."""
        try:
            run = topolab.train(name, tmp_path / "r", **self.settings(name, engine=engine))
        except ConfigError as error:
            pytest.skip(f"refused: {error}")
        final = load_file(run.files.final_weights)
        for layer in run.layers:
            weight = final[f"{layer.name}.weight"].reshape(layer.shape)
            absent = ~run[-1].masks[layer.name].reshape(layer.shape)
            assert not weight[absent].any()
            assert weight.any()

    def test_it_learns(self, name: str, tmp_path: Path) -> None:
        """Twelve epochs reach the accuracy; the summary says so too."""
        chosen = self.settings(name, epochs=12, lr=0.005, **self.learning.get(name, {}))
        run = topolab.train(name, tmp_path / "r", **chosen)
        reached = run[-1].metrics["test_accuracy"]
        assert reached > self.accuracy > run[0].metrics["test_accuracy"]
        assert run.summary["test_accuracy"] == reached

    def test_global_generators_are_untouched(self, name: str, tmp_path: Path) -> None:
        """Those of random, numpy and torch."""
        random.seed(0), np.random.seed(0), torch.manual_seed(0)  # noqa: NPY002
        topolab.train(name, tmp_path / "r", **self.settings(name))
        assert random.random() == 0.8444218515250481
        assert np.random.random() == 0.5488135039273248  # noqa: NPY002
        drawn = torch.rand(1)
        torch.manual_seed(0)
        assert torch.equal(drawn, torch.rand(1))

    def test_an_interrupted_run_goes_on_to_the_same_bytes(self, name: str, tmp_path: Path) -> None:
        """Three interruptions, each saved after the step."""
        method, config = self.entry(name)(), self.config(name)
        whole = train(method, config, tmp_path / "whole")
        at = [5, 31, 55]

        def stop(step: int, total: int, metrics: Any) -> None:
            if at and step == at[0]:
                at.pop(0)
                raise KeyboardInterrupt

        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                train(method, config, tmp_path / "r", resume=True, on_step=stop, save_every=0)
        assert topolab.open_run(tmp_path / "r").state == "interrupted"
        resumed = train(method, config, tmp_path / "r", resume=True)
        assert resumed.state == "done" and contents(resumed) == contents(whole)
        same = [
            {k: v for k, v in run.summary.items() if not k.endswith("_seconds")}
            for run in (whole, resumed)
        ]
        assert same[0] == same[1]

    def test_it_has_a_card(self, name: str) -> None:
        """The card speaks of every option of its own."""
        cls = self.entry(name)
        check_card(cls, cls.options)
        assert cls.name == name and 0 < len(cls.summary) < 100

    def test_a_whole_update_is_pure(self, name: str) -> None:
        """It changes none of its arguments, repeats, and conserves what the method says."""
        method, config = self.entry(name)(), self.config(name)
        rng = torch.Generator().manual_seed(1)
        mask = torch.zeros(9, 12, dtype=torch.bool)
        mask[:, ::3] = True  # the same fan-in everywhere, as SRigL has it
        weight = torch.randn(9, 12, generator=rng) * mask
        gradient, averaged = torch.randn(2, 9, 12, generator=rng)
        view = LayerView("fc1", mask, weight, gradient, averaged, int(mask.sum()))
        if method.times(config, 60, 23) == UpdateTimes(None, 60, 23):
            return  # static: there is no update
        plan = self.plan(method, config)
        before = [t.clone() for t in (mask, weight, gradient, averaged)]
        first, again = (
            method.update_network(
                [view], plan, config, lambda layer: torch.Generator().manual_seed(3)
            )["fc1"]
            for _ in "ab"
        )
        after = (mask, weight, gradient, averaged)
        assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
        assert torch.equal(first.mask, again.mask)
        assert torch.equal(first.mask, (mask & ~first.dropped) | first.grown)
        if method.conserves != "nothing":
            assert int(first.mask.sum()) == int(mask.sum())
