"""The contracts of everything in here, and what it is for."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from topolab_hubs.analysis import mean_jaccard
from topolab_hubs.criterion import HUBS

import topolab
from topolab.testing import contract_of
from topolab_trainers.testing.criteria import layer_view


class TestMethod(contract_of("methods")):
    names = ("richest",)
    accuracy: ClassVar[float] = 0.6  # nearly all edges end up at a few neurons


class TestCriterion(contract_of("grow_criteria")):
    names = ("hubs",)


class TestDataset(contract_of("datasets")):
    names = ("rings",)


class TestAnalysis(contract_of("analyses")):
    names = ("overlap",)


class TestFigure(contract_of("figures")):
    names = ("overlap",)


class TestSection(contract_of("sections")):
    names = ("overlap",)


class TestCommand(contract_of("commands")):
    names = ("overlap",)


def test_the_score_is_the_fan_in() -> None:
    view = layer_view()
    score = HUBS.score(view)
    assert score is not None
    assert torch.equal(score[:, 0], view.mask.sum(dim=1).float())


def test_identical_neurons_overlap_wholly() -> None:
    assert mean_jaccard(np.array([[1, 0, 1], [1, 0, 1]], dtype=bool)) == 1
    assert np.isnan(mean_jaccard(np.zeros((3, 3), dtype=bool)))


def test_growth_at_the_hubs_makes_hubs(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"data": "rings", "hidden": (40, 20), "epochs": 20, "sparsity": 0.8,
                                "update_every": 10, "progress": False}  # fmt: skip
    ccv = {}
    for grow in ("hubs", "random"):
        run = topolab.train("richest", tmp_path / grow, grow=grow, **settings)
        fan_in = run[-1].masks["fc2"].sum(axis=1)
        ccv[grow] = fan_in.std() / fan_in.mean()
    assert ccv["hubs"] > 2 * ccv["random"]
