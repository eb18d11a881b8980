"""The contract that every registered analysis keeps, and parameters that none takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hand_worked import MASKS, recorded

import topolab
from topolab.api import analyse, make_analysis
from topolab.errors import AnalysisError, ConfigError
from topolab.testing import contract_of


class TestEveryAnalysis(contract_of("analyses")):
    pass


def test_unknown_names_and_parameters(small: topolab.Run) -> None:
    with pytest.raises(ConfigError, match="unknown analysis 'degre'"):
        analyse(small, ["degre"])
    with pytest.raises(ConfigError, match="no parameter xmin; it has x_min"):
        analyse(small, ["powerlaw"], parameters={"powerlaw": {"xmin": 3}})
    with pytest.raises(ConfigError, match="not among the analyses"):
        analyse(small, ["degree"], parameters={"powerlaw": {"x_min": 3}})
    for name, bad in (
        ("powerlaw", {"x_min": 0}),
        ("powerlaw", {"rivals": "some"}),
        ("powerlaw", {"stop_at": 1.5}),
        ("powerlaw", {"x_max": 50}),
        ("kendall", {"direction": "up"}),
        ("dormant", {"taus": (-0.1,)}),
        ("attachment", {"replicates": 1}),
        ("exploration", {"hub_shares": (2.0,)}),
        ("gradient", {"parts": 0}),
        ("nulls", {"swaps": 0}),
        ("selection", {"nulls": 3}),
    ):
        with pytest.raises(AnalysisError):
            analyse(small, [name], parameters={name: bad})


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("dormant", {"thresholds": "x"}),
        ("dormant", {"thresholds": (1.5, 2)}),
        ("attachment", {"windows": "abc"}),
        ("attachment", {"windows": 2.5}),
        ("selection", {"seed": -1}),
        ("selection", {"x_min": True}),
        ("kshell", {"exclude_output": "maybe"}),
        ("nulls", {"swaps": float("nan")}),
        ("kendall", {"direction": 3}),
    ],
)
def test_parameters_of_another_type(small: topolab.Run, name: str, bad: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=rf"{name}\.\w+ = "):
        analyse(small, [name], parameters={name: bad})
    assert make_analysis("dormant", {"thresholds": 5}).parameters["thresholds"] == (5,)
    assert make_analysis("nulls", {"swaps": 2}).parameters["swaps"] == 2.0


@pytest.mark.parametrize(
    ("analysis", "name"),
    [("powerlaw", "hidden"), ("selection", "hidden"), ("exploration", "all"), ("nulls", "network")],
)
def test_names_that_stand_for_several_layers(tmp_path: Path, analysis: str, name: str) -> None:
    layers = (
        topolab.LayerSpec(name, "linear", (3, 4)),
        topolab.LayerSpec("out", "linear", (2, 3)),
    )
    run = recorded(tmp_path / "n", [{name: MASKS["fc1"], "out": MASKS["fc2"]}], layers)
    with pytest.raises(AnalysisError, match=f"a layer is named '{name}'"):
        analyse(run, [analysis])
