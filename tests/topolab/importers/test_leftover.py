"""What no layer was made of: masks are refused, the rest is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from checkpoints import inspect, mask, shapes_of
from torch import nn
from torch.nn.utils import parametrizations, prune

from topolab.importers import CheckpointError


def test_masks_that_nothing_reads_are_refused_unless_asked(series: Path) -> None:
    state = {"fc1.weight": torch.randn(8, 6), "fc2.weight": torch.randn(4, 8)}
    torch.save({"state_dict": state, "keep_mask": [["fc1", mask(8, 6)]]}, series / "1.pt")
    with pytest.raises(CheckpointError, match=r"1.pt: holds masks .*say that the format"):
        inspect(series)
    seen = inspect(series, format="dense")
    assert any("masks that dense does not read: keep_mask/0/1" in r for r in seen.remarks)


def test_what_is_left_out_is_named(series: Path) -> None:
    state = {"fc1.weight": torch.randn(8, 6), "embed.table": torch.randn(5, 5)}
    optimizer = {"state": {0: {"exp_avg": torch.randn(8, 6)}}}
    torch.save({"state_dict": state, "optimizer": optimizer}, series / "1.pt")
    (remark,) = [r for r in inspect(series).remarks if "left out" in r]
    assert remark == "left out: embed.table"


def test_an_lstm_is_not_lost_beside_a_linear_layer(series: Path) -> None:
    model = nn.ModuleDict({"rnn": nn.LSTM(5, 3), "fc": nn.Linear(3, 2)})
    for name in ("weight_ih_l0", "weight_hh_l0"):
        prune.random_unstructured(model["rnn"], name, amount=0.5)
    prune.random_unstructured(model["fc"], "weight", amount=0.5)
    torch.save(model.state_dict(), series / "1.pt")
    shapes = shapes_of(inspect(series))
    assert shapes == {"rnn.weight_ih_l0": (12, 5), "rnn.weight_hh_l0": (12, 3), "fc": (2, 3)} or (
        set(shapes) == {"rnn.weight_ih_l0", "rnn.weight_hh_l0", "fc"}
    )


@pytest.mark.parametrize("old", [False, True])
def test_a_layer_in_the_middle_is_not_lost(series: Path, old: bool) -> None:
    model = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 6))
    for layer in (model[0], model[2]):
        prune.random_unstructured(layer, "weight", amount=0.5)
    state = model.state_dict()
    if old:
        del state["1.weight"]
        state |= {"1.weight_g": torch.ones(6, 1), "1.weight_v": torch.randn(6, 6)}
    else:
        parametrizations.weight_norm(model[1])
        state = model.state_dict()
    torch.save(state, series / "1.pt")
    with pytest.raises(CheckpointError, match=r"layer 1 is kept in the two parts of weight_norm"):
        inspect(series)
    assert list(shapes_of(inspect(series, model_order=["0", "2"]))) == ["0", "2"]


@pytest.mark.parametrize("norm", [nn.utils.spectral_norm, parametrizations.spectral_norm])
def test_a_layer_under_a_norm_is_kept(series: Path, norm: Any) -> None:
    model = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 6))
    norm(model[1])
    prune.random_unstructured(model[0], "weight", amount=0.5)
    torch.save(model.state_dict(), series / "1.pt")
    assert list(shapes_of(inspect(series))) == ["0", "1", "2"]


@pytest.mark.parametrize(
    "more",
    [
        {"src_mask": torch.ones(6, 6).tril()},
        {"blocks.0.mask": torch.ones(1, 1, 8, 8, dtype=torch.bool).tril()},
        {"mask_token": torch.zeros(1, 1, 8)},
        {"pad.mask": torch.zeros(5, 7, dtype=torch.bool)},
    ],
)
def test_other_masks_are_not_topology(series: Path, more: dict[str, torch.Tensor]) -> None:
    state = {"fc1.weight": torch.randn(6, 6), "fc2.weight": torch.randn(4, 6), **more}
    torch.save({"model": state, "confusion": torch.rand(4, 4)}, series / "1.pt")
    assert list(shapes_of(inspect(series)))[:2] == ["fc1", "fc2"]
