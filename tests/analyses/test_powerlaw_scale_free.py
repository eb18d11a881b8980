"""Broido and Clauset's categories: their limits, and what they are counted over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hand_worked import recorded

import topolab
from topolab.api import analyse, make_analysis
from topolab_analyses.scale_free import CATEGORIES, category, pool_counts, scale_free_rows


@pytest.mark.parametrize(
    ("unbeaten", "plausible", "long_tail", "steep", "strong", "word"),
    [
        (19, 20, 20, 18, 17, "Strongest"),
        (18, 20, 20, 18, 18, "Strong"),  # 90 % unbeaten are not 95 %
        (20, 17, 17, 17, 17, "Strong"),  # 85 % with tail and exponent are not 90 %
        (10, 10, 10, 10, 10, "Strong"),
        (10, 20, 20, 12, 9, "Weak"),
        (0, 20, 20, 20, 0, "Weak"),  # plausible, and every one beaten by a rival
        (20, 20, 9, 9, 9, "Weakest"),
        (0, 10, 0, 0, 0, "Weakest"),
        (10, 9, 9, 9, 9, "Super-Weak"),
        (9, 9, 9, 9, 9, "Not scale free"),
    ],
)
def test_limits(
    unbeaten: int, plausible: int, long_tail: int, steep: int, strong: int, word: str
) -> None:
    counts = {"graphs": 20, "unbeaten": unbeaten, "plausible": plausible, "long_tail": long_tail,
              "steep": steep, "strong": strong}  # fmt: skip
    assert category(counts) == word in CATEGORIES
    assert category({**counts, "graphs": 0}) == ""


def tables(
    rows: list[tuple[str, str, float, int, float]], lost: list[tuple[int, str]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fits of (layer, end, p, tail, alpha), one a step, and rivals that win against some."""
    fits = pd.DataFrame(
        [
            {"step": i, "layer": layer, "end": end, "variant": "searched", "p_value": p,
             "n_tail": tail, "alpha": alpha}
            for i, (layer, end, p, tail, alpha) in enumerate(rows)
        ]
    )  # fmt: skip
    rivals = pd.DataFrame(
        [
            {"step": i, "layer": layer, "end": end, "variant": "searched", "rival": rival,
             "ratio": -3.0, "p_value": 0.1 if (i, rival) in lost else 0.11}
            for i, (layer, end, *_) in enumerate(rows)
            for rival in ("exponential", "lognormal", "normal")
        ]
    )  # fmt: skip
    return fits, rivals


def test_counts_by_hand() -> None:
    rows = [
        ("a", "in", 0.5, 60, 2.5),  # all there
        ("a", "out", 0.5, 60, 2.5),  # beaten by a lognormal
        ("a", "total", 0.5, 49, 2.5),  # a short tail
        ("b", "in", 0.1, 900, 2.5),  # rejected
        ("b", "out", 0.9, 900, 3.0),  # not below 3
        ("b", "total", np.nan, 0, np.nan),  # no fit
        ("hidden", "total", 0.9, 900, 2.5),  # pooled: not counted
    ]
    found = {
        r["layer"]: r for r in scale_free_rows(*tables(rows, [(1, "lognormal"), (4, "normal")]))
    }
    names = ("graphs", "unfitted", "unbeaten", "plausible", "long_tail", "steep", "strong")
    assert [found["a"][name] for name in names] == [3, 0, 2, 3, 2, 2, 1]
    # a normal law is none of their rivals
    assert [found["b"][name] for name in names] == [2, 1, 2, 1, 1, 0, 0]
    assert [found["hidden"][name] for name in names] == [5, 1, 4, 4, 3, 2, 1]
    words = [found[layer]["scale_free"] for layer in ("a", "b", "hidden")]
    assert words == ["Weak", "Weak", "Weak"]
    fixed, rivals = tables(rows, [])
    fixed["variant"] = "fixed"
    assert [r["reason"] for r in scale_free_rows(fixed, rivals)] == ["no rivals were asked for"]


def test_runs_are_counted_together() -> None:
    def run(name: str, graphs: int, strong: int, word: str) -> dict[str, Any]:
        counts = dict.fromkeys(("unbeaten", "plausible", "long_tail", "steep", "strong"), strong)
        return {"group": "g", "run": name, "layer": "hidden", "graphs": graphs, "unfitted": 1,
                **counts, "scale_free": word, "reason": ""}  # fmt: skip

    rows = [run("x", 4, 4, "Strongest"), run("y", 8, 2, "Not scale free"), run("z", 0, 0, "")]
    (made,) = pool_counts(pd.DataFrame(rows)).to_dict("records")
    assert (made["runs"], made["graphs"], made["strong"], made["unfitted"]) == (3, 12, 6, 3)
    assert made["scale_free"] == "Strong" and made["tally"] == "1 Not scale free, 1 Strongest"
    (empty,) = pool_counts(pd.DataFrame(rows[2:])).to_dict("records")
    assert empty["scale_free"] == empty["tally"] == ""


@pytest.fixture
def heavy(tmp_path: Path) -> topolab.Run:
    rng = np.random.default_rng(2)
    k = np.arange(3, 801)
    chance = k**-2.5 / (k**-2.5).sum()
    layers = (
        topolab.LayerSpec("a", "linear", (600, 800)),
        topolab.LayerSpec("b", "linear", (4, 600)),
    )
    frames = []
    for _ in range(2):
        fan_in = rng.choice(k, 600, p=chance)
        frames.append({"a": np.arange(800) < fan_in[:, None], "b": np.ones((4, 600), dtype=bool)})
    return recorded(tmp_path / "heavy", frames, layers)


def test_the_categories_of_a_run(heavy: topolab.Run) -> None:
    settings = {"errors": 0, "replicates": 300, "direction": "in"}
    made = analyse(heavy, ["powerlaw"], parameters={"powerlaw": settings})["powerlaw"]
    table = made.tables["powerlaw_scale_free"].set_index("layer")
    assert table.loc["hidden", "graphs"] == 1  # rivals at the last step only
    every = make_analysis("powerlaw", {**settings, "rivals": "all"})
    made = analyse(heavy, ["powerlaw"], parameters={"powerlaw": {**settings, "rivals": "all"}})[
        "powerlaw"
    ]
    table = made.tables["powerlaw_scale_free"].set_index("layer")
    assert (table["graphs"] == 2).all() and table.loc["a", "plausible"] == 2
    assert set(table["scale_free"]) == {"Strongest"}
    across = every.across({"r1": made.tables, "r2": made.tables})
    assert across.columns[0] == "run" and across["run"].tolist() == ["r1", "r1", "r2", "r2"]
    pooled = every.pool(across.assign(group="g"))
    assert pooled["graphs"].tolist() == [4, 4] and pooled["tally"].tolist() == ["2 Strongest"] * 2
    (said,) = every.statements(pooled)
    assert said.startswith("By Broido and Clauset's scale the hidden layers of g in 2 runs are ")
    assert "of 4 degree sequences a power law is plausible in 4" in said
    assert every.statements(made.table) == ()


def test_without_rivals_or_p_there_is_no_category(heavy: topolab.Run) -> None:
    for settings, reason in (
        ({"rivals": "none", "replicates": 100}, "no rivals were asked for"),
        ({"replicates": 0}, "no goodness of fit was asked for"),
        ({"direction": "out"}, "no degree sequence has a fit"),
        ({"engine": "powerlaw"}, "no rivals were asked for"),
    ):
        parameters = {"powerlaw": {"errors": 0, "direction": "in", **settings}}
        made = analyse(heavy, ["powerlaw"], parameters=parameters)["powerlaw"]
        table = made.tables["powerlaw_scale_free"]
        assert set(table["reason"]) == {reason} and set(table["scale_free"]) == {""}
