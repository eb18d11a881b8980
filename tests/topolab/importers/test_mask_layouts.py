"""Masks in every place where people keep them: read right, or refused."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from checkpoints import inspect, mask, matrix, refusal, shapes_of
from torch import nn
from torch.nn.utils import parametrize

import topolab
from topolab.importers import CheckpointError


@pytest.mark.parametrize("ending", [".mask", "_mask", ".weight_mask"])
@pytest.mark.parametrize("kind", [torch.bool, torch.float32])
def test_a_mask_beside_the_weight_is_found(
    series: Path, tmp_path: Path, ending: str, kind: torch.dtype
) -> None:
    """Where it is applied in `forward`, the weight has no zeros."""
    masks = {"fc1": mask(8, 6), "fc2": mask(4, 8)}
    state = {f"{name}.weight": torch.randn(m.shape) for name, m in masks.items()}
    state |= {f"{name}{ending}": m.to(kind) for name, m in masks.items()}
    torch.save({"state_dict": state}, series / "a_1.pt")
    run = topolab.import_run(series, tmp_path / "run")
    for name, expected in masks.items():
        assert (run[0].masks[name] == expected.numpy()).all()
        assert (run[0].weights[name] == state[f"{name}.weight"][expected].numpy()).all()


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state, masks: {"model": state, "masks": list(masks.values())},
        lambda state, masks: {"state_dict": state, "pruner": {"masks": masks}},
        lambda state, masks: {"masks": {**masks, "drop": 0.1, "epoch": None}, "state_dict": state},
        lambda state, masks: {
            "masks": masks, "state_dict": {f"model.{k}": v for k, v in state.items()}
        },
    ],
    ids=["list", "nested", "a number among them", "another prefix"],
)  # fmt: skip
def test_masks_by_layer_are_found(series: Path, tmp_path: Path, wrap: Any) -> None:
    masks = {"fc1.weight": mask(8, 8), "fc2.weight": mask(8, 8)}
    state = OrderedDict((name, torch.randn(8, 8)) for name in masks)
    torch.save(wrap(state, masks), series / "a_1.pt")
    run = topolab.import_run(series, tmp_path / "run")
    assert len(run.layers) == 2
    for layer, (name, expected) in zip(run.layers, masks.items(), strict=True):
        assert (run[0].masks[layer.name] == expected.numpy()).all()
        assert run[0].weights[layer.name][0] == state[name][0, 0]


def test_a_mask_that_fits_two_weights_is_refused(series: Path) -> None:
    state = {"a.fc.weight": torch.randn(8, 8), "b.fc.weight": torch.randn(8, 8)}
    torch.save({"masks": {"fc.weight": mask(8, 8)}, "model": state}, series / "1.pt")
    with pytest.raises(CheckpointError, match=r"the mask fc fits several weights \(a.fc, b.fc\)"):
        inspect(series)


def test_masks_that_begin_later_are_not_overlooked(series: Path) -> None:
    state = {"fc1.weight": torch.randn(8, 6)}
    torch.save({"state_dict": state}, series / "ser_0.pt")
    torch.save({"state_dict": state, "masks": {"fc1.weight": mask(8, 6)}}, series / "ser_1.pt")
    with pytest.raises(CheckpointError, match=r"ser_1.pt: follows masks-dict, but .*ser_0.pt only"):
        inspect(series)
    assert inspect(series, format="dense").convention == "dense"
    seen = inspect(series, format="masks-dict")
    assert seen.layers[0].density_first == 1 and seen.layers[0].density_last < 1
    assert any("ser_0.pt holds no masks: its layers are dense" in r for r in seen.remarks)
    run = topolab.import_run(series, series.parent / "run", format="masks-dict")
    assert run[0].masks["fc1"].all() and not run[1].masks["fc1"].all()


class Masked(nn.Module):
    def __init__(self, keep: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", keep)

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight * self.mask


def test_several_masks_of_one_weight_all_count(series: Path, tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(8, 6))
    masks = [mask(6, 8), mask(6, 8)]
    for one in masks:
        parametrize.register_parametrization(model[0], "weight", Masked(one))
    torch.save(model.state_dict(), series / "1.pt")
    run = topolab.import_run(series, tmp_path / "run")
    assert (run[0].masks["0"] == (masks[0] & masks[1]).numpy()).all()


def test_bare_masks_may_have_those_of_biases(series: Path) -> None:
    bare = {"fc1.weight": mask(8, 6), "fc1.bias": torch.ones(8, dtype=torch.bool)}
    torch.save(bare, series / "1.pt")
    seen = inspect(series)
    assert seen.convention == "masks-dict" and not seen.layers[0].weights


def test_masks_beside_weights_in_an_npz_are_no_layers(series: Path) -> None:
    arrays = {"fc1": matrix(8, 8), "fc2": matrix(8, 8)}
    masks = {f"{name}_mask": array != 0 for name, array in arrays.items()}
    np.savez(series / "s1.npz", **arrays, **masks)
    with pytest.raises(CheckpointError, match=r"holds masks \(fc1_mask, fc2_mask\)"):
        inspect(series)
    letters = {"w1": matrix(8, 8), "m1": mask(8, 8), "w2": matrix(4, 8), "m2": mask(4, 8)}
    np.savez(series / "s1.npz", **letters)
    with pytest.raises(CheckpointError, match=r"holds masks \(m1, m2\)"):
        inspect(series)


def test_one_prefix_maps_all_masks(series: Path) -> None:
    masks = {"0.weight": mask(8, 8), "1.0.weight": mask(8, 8)}
    state = {f"{p}{name}": torch.randn(8, 8) for p in ("net.", "ema.") for name in masks}
    torch.save({"masks": masks, "state_dict": state}, series / "1.pt")
    seen = inspect(series)
    assert {"net.0", "net.1.0"} <= set(shapes_of(seen))
    assert any("names begin with net." in remark for remark in seen.remarks)


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (torch.tensor([[0.0, 0.5]]), "holds 0.5"),
        (torch.tensor([[0.0, float("nan")]]), "holds nan"),
        (torch.tensor([[0, 2]]), "holds 2"),
        (torch.tensor([[1j, 0]]), "complex64, no numbers"),
        (torch.empty(0, 3), "is empty"),
        (torch.zeros(2, 2, 2, 2, 2), "a layer has 2, 3 or 4 sizes"),
    ],
)
def test_what_is_no_mask_is_refused_by_file_and_layer(
    series: Path, mask: torch.Tensor, words: str
) -> None:
    torch.save({"masks": {"fc1": mask, "fc2": torch.eye(2)}}, series / "net_5.pt")
    refusal(series, "net_5.pt", "fc1", words)


def test_a_mask_of_another_shape_than_its_weight_is_refused(series: Path) -> None:
    value = {"state_dict": {"fc.weight": torch.zeros(2, 3)}, "masks": {"fc": torch.eye(2)}}
    torch.save(value, series / "1.pt")
    refusal(series, "1.pt", "layer fc", "(2, 2)", "(2, 3)")
