"""sparsimony's RigL, trained with its own loop, is recorded by its masks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import topolab

pytest.importorskip(
    "sparsimony",
    reason="sparsimony is not installed (it asks for numpy 1; pip install --no-deps sparsimony)",
)
pytestmark = pytest.mark.filterwarnings("ignore:torch.ao.pruning")

Maker = Callable[..., torch.nn.Sequential]
Batch = Callable[..., tuple[torch.Tensor, torch.Tensor]]


def test_rigl_is_recorded(tmp_path: Path, mlp: Maker, batch: Batch) -> None:
    from sparsimony.distributions.base import UniformDistribution
    from sparsimony.dst.rigl import RigL
    from sparsimony.schedulers.base import ConstantScheduler

    model = mlp(pruned=False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    sparsifier = RigL(
        ConstantScheduler(pruning_ratio=0.4, t_end=100, delta_t=3), UniformDistribution(),
        optimizer, sparsity=0.5,
    )  # fmt: skip
    sparsifier.prepare(model, [{"tensor_fqn": "0.weight"}, {"tensor_fqn": "2.weight"}])
    used = {}
    with topolab.attach(optimizer, model, tmp_path / "run", every=1, weights=True):
        for step in range(1, 11):
            inputs, labels = batch(step)
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(inputs), labels).backward()
            used[step] = model[0].parametrizations.weight[0].mask.bool().numpy().copy()  # type: ignore[union-attr,index]
            optimizer.step()
            sparsifier.step()
        last = model[0].parametrizations.weight.original.detach().numpy()  # type: ignore[union-attr]
    run = topolab.open_run(tmp_path / "run")
    assert run.steps.tolist() == list(range(11))
    assert [(s.name, s.maskable) for s in run.layers] == [("0", True), ("2", True), ("4", False)]
    for step, mask in used.items():  # a snapshot has the masks that its step was done with
        assert np.array_equal(run.at(step=step).masks["0"], mask)
        assert mask.sum() == 24
    changed = [
        step for step in range(2, 11)
        if not np.array_equal(run.at(step=step).masks["0"], run.at(step=step - 1).masks["0"])
    ]  # fmt: skip
    assert changed == [4, 7, 10]  # the updates after steps 3, 6 and 9
    assert run[-1].weights["0"] is not None
    assert np.array_equal(run[-1].weights["0"], last[run[-1].masks["0"]])
