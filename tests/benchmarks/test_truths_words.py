"""Words are counted against the truth, and no run is judged twice."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from claim_rows import evidence
from statsmodels.stats.proportion import proportion_confint

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "truths"
sys.path.insert(0, str(FOLDER))  # as `python benchmarks/truths` does
tally, words = (importlib.import_module(name) for name in ("tally", "words"))
sys.path.remove(str(FOLDER))


@pytest.mark.parametrize(("hits", "of"), [(0, 20), (3, 20), (10, 10), (1, 340)])
def test_wilson(hits: int, of: int) -> None:
    assert tally.wilson(hits, of) == pytest.approx(proportion_confint(hits, of, method="wilson"))


@pytest.mark.parametrize(
    ("word", "wrong_where"),
    [
        ("supported", ("does not hold", "does not apply")),
        # A law with a cut-off is a law.
        ("law with a cut-off", ("does not hold", "does not apply")),
        ("not supported", ("holds", "does not apply")),
        ("does not apply", ("holds",)),
        ("undecided", ()),
        # What leaves a claim open is wrong only where there is no claim.
        ("cannot be told from a lognormal", ("does not apply",)),
        ("gains go with degree", ("does not apply",)),
    ],
)
def test_which_words_are_wrong(word: str, wrong_where: tuple[str, ...]) -> None:
    assert word in tally.WORDS
    for holds in ("holds", "does not hold", "does not apply"):
        assert tally.is_wrong(word, holds) == (holds in wrong_where), holds


def test_words_are_counted_against_the_truth() -> None:
    rows = [
        ("linear", "does not hold", "supported"), ("linear", "does not hold", "undecided"),
        ("linear", "does not hold", "law with a cut-off"),
        ("linear", "does not hold", "cannot be told from a lognormal"),
        ("static", "does not apply", "not supported"), ("static", "does not apply", "undecided"),
        ("static", "does not apply", "does not apply"),
        ("law", "holds", "not supported"), ("law", "holds", "supported"),
        ("law", "holds", "supported"), ("law", "holds", "undecided"),
        ("law", "holds", "law with a cut-off"),
    ]  # fmt: skip
    made = pd.DataFrame(rows, columns=["truth", "power_law_holds", "power_law"])
    made["attachment_holds"], made["attachment"] = "does not hold", "gains go with degree"
    made["decay_holds"], made["decay"] = "does not hold", "not supported"
    lines = list(tally.tally(made))
    assert len(lines) == 2 + 3 * 3
    cells = [line.strip("| ").split(" | ") for line in lines]
    words = (
        "supported", "not supported", "undecided", "law with a cut-off",
        "cannot be told from a lognormal", "gains go with degree", "does not apply",
    )  # fmt: skip
    assert cells[0] == ["truth", "claim", "in truth", *words, "wrong (95 %)"]
    assert lines[1] == "|" + "---|" * len(cells[0])

    def counts(row: int) -> dict[str, int]:
        return {w: int(n) for w, n in zip(words, cells[row][3:-1], strict=True) if n.strip()}

    assert cells[2][:3] == ["linear", "power law", "does not hold"]
    assert counts(2) == {words[0]: 1, words[2]: 1, words[3]: 1, words[4]: 1}
    assert cells[2][-1].startswith("0.50 (")
    assert cells[3][:2] == ["linear", "attachment"] and counts(3) == {words[5]: 4}
    assert cells[3][-1].startswith("0.00 (")
    assert counts(5) == {words[1]: 1, words[2]: 1, words[6]: 1}
    assert cells[5][-1].startswith("0.33 (")
    assert counts(8) == {words[0]: 2, words[1]: 1, words[2]: 1, words[3]: 1}
    assert cells[8][-1].startswith("0.20 (")
    law = list(tally.summary(made))[2].split(" | ")
    assert [cell[:4] for cell in law[1:]] == ["0.50", "0.20", "0.40", "0.33"]


def test_a_run_is_judged_and_carries_its_truth() -> None:
    made = words.judged(("linear", "small", 0), replicates=50, nulls=20)
    assert made["layer"].tolist() == ["fc1", "fc2"] and set(made["updates"]) == {40}
    assert set(made["attachment_holds"]) == {"holds"} and set(made["attachment"]) == {"supported"}


def test_what_was_analysed_is_not_analysed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fake(task: Any) -> pd.DataFrame:
        asked.append(task)
        # Words are those of the rules of today, whatever was kept.
        row = evidence(truth=task[0], p_law=0.1 + 0.2, x=np.nan, reason="", power_law="of old")
        return pd.DataFrame([row])

    monkeypatch.setattr(words, "judged", fake)
    tasks = [("linear", "small", seed) for seed in range(3)]
    said: list[str] = []
    first = words.collect(tmp_path, tasks[:2], workers=1, tell=said.append)
    both = words.collect(tmp_path, tasks, workers=1, tell=said.append)
    assert asked == tasks and "3 runs, 2 of them analysed before" in said
    assert len(first) == 2 and len(both) == 3
    assert both["power_law"].tolist() == ["supported"] * 3
    assert both["p_law"].tolist() == [0.1 + 0.2] * 3 and both["reason"].tolist() == [""] * 3
    monkeypatch.setattr(words, "digest", lambda: "other code")
    words.collect(tmp_path, tasks[:1], workers=1, tell=said.append)
    assert len(asked) == 4


def test_seeds_of_a_truth_are_judged_together() -> None:
    """Groups of three seeds, each with its own word; a group that is not whole is left out."""
    rows = [
        {**evidence(within=gain, gain_slope=gain, p_law=0.4), "truth": truth, "seed": seed,
         "layer": "fc1", "power_law_holds": "holds", "attachment_holds": holds,
         "decay_holds": "holds"}
        for truth, gain, holds in (("linear", 1.0, "holds"), ("none", 0.0, "does not hold"))
        for seed in range(7)
    ]  # fmt: skip
    made = tally.together(pd.DataFrame(rows), 3)
    assert made["group"].tolist() == ["linear/0", "linear/1", "none/0", "none/1"]
    assert made["runs"].tolist() == [3] * 4
    assert made["attachment"].tolist() == ["supported"] * 2 + ["not supported"] * 2
    assert made["attachment_holds"].tolist() == ["holds"] * 2 + ["does not hold"] * 2
    assert made["truth"].tolist() == ["linear", "linear", "none", "none"]
