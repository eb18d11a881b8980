"""One road to a training: `topolab.train` with a method, a recipe or a plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import topolab
from topolab.errors import ConfigError, PartialFailure, RunExistsError
from topolab_trainers import listings, training
from topolab_trainers.recipes import PlannedRun, Recipe, find_recipe
from topolab_trainers.training import TrainingInterrupted

QUICK: dict[str, Any] = {"hidden": (8,), "epochs": 1, "threads": 1, "progress": False}
RECIPE = """
title = "two"
source = "a test"
seeds = [1, 2]

[settings]
hidden = [8]
epochs = 1
threads = 1

[[runs]]
name = "a"
method = "set"

[[runs]]
name = "b"
method = "static"
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "two.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def names_of(runs: list[topolab.Run]) -> list[str]:
    return [run.name for run in runs]


def test_one_method_is_one_run_where_nothing_is_said_of_its_folder() -> None:
    run = topolab.train("set", seed=5, **QUICK)
    assert run.path == Path("runs/set-digits-s5") and run.state == "done"
    with pytest.raises(RunExistsError):
        topolab.train("set", seed=5, **QUICK)
    again = topolab.train("set", run, seed=5, resume=True, **QUICK)  # a run is its folder
    assert again.identity == run.identity


def test_seeds_give_a_list() -> None:
    runs = topolab.train("set", "out", seeds=[2, 1], **QUICK)
    assert names_of(runs) == ["set-digits-s2", "set-digits-s1"]
    assert [run.seed for run in runs] == [2, 1]
    written = [path.stat().st_mtime_ns for path in sorted(Path("out").rglob("*.safetensors"))]
    assert names_of(topolab.train("set", "out", seeds="2,1", **QUICK)) == names_of(runs)
    assert written == [p.stat().st_mtime_ns for p in sorted(Path("out").rglob("*.safetensors"))]
    assert len(topolab.train("set", "out", seeds=(1,), **QUICK)) == 1


def test_a_recipe_by_path_by_object_and_by_name(
    recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = topolab.train(recipe, only="b", progress=False)
    assert names_of(runs) == ["b-s1", "b-s2"] and runs[0].path.parent == Path("runs/two")
    runs = topolab.train(find_recipe(str(recipe)), "o", only=["a"], seed=9, progress=False)
    assert names_of(runs) == ["a-s9"] and runs[0].config["method"] == "set"
    monkeypatch.setattr(training, "recipe_files", lambda: {"two": recipe, "set": recipe})
    monkeypatch.setattr("topolab_trainers.recipes.recipe_files", lambda: {"two": recipe})
    assert isinstance(listings.recipes("two"), Recipe)
    runs = topolab.train("two", "p", seeds=[3], sparsity=0.5, progress=False)
    assert names_of(runs) == ["a-s3", "b-s3"] and runs[0].config["sparsity"] == 0.5
    with pytest.raises(ConfigError, match=r"'set' is a method and a recipe; .*two\.toml"):
        topolab.train("set", "q", **QUICK)


def test_a_plan_together_and_in_turn(recipe: Path) -> None:
    plan = find_recipe(str(recipe)).plan(seeds=[1])
    alone = topolab.train(plan, "alone", progress=False)
    together = topolab.train(plan, "together", batched=True, progress=False)
    assert names_of(alone) == names_of(together) == ["a-s1", "b-s1"]
    assert {run.config["engine"] for run in together} == {"batched"}
    assert names_of(topolab.train(plan, "alone", only=["b-s1"], progress=False)) == ["b-s1"]
    with pytest.raises(ConfigError, match="at least one training is needed"):
        topolab.train([], "none")


def test_what_failed_is_said_and_what_is_done_is_there() -> None:
    bad = {"hidden": (8,), "epochs": 1, "ccv": 99}
    plan = [PlannedRun("bad", "psn", bad), PlannedRun("good", "set", {"hidden": (8,), "epochs": 1})]
    with pytest.raises(PartialFailure) as caught:
        topolab.train(plan, "out", progress=False)
    assert str(caught.value) == "1 of 2 failed: bad"
    assert names_of(list(caught.value.done)) == ["good"]
    [(name, reason)] = caught.value.failed
    assert name == "bad" and "a CCV of 99 cannot be reached" in str(reason)
    assert any("bad: " in remark for remark in caught.value.__notes__)  # shown by a traceback
    with pytest.raises(ConfigError, match="a CCV of 99"):  # one alone fails as itself
        topolab.train(plan[:1], "out", progress=False)


def test_progress_is_told_of_runs_and_of_steps() -> None:
    told: list[tuple[Any, ...]] = []
    quick = {**QUICK, "progress": lambda *report: told.append(report)}
    topolab.train("set", "out", seeds=[1, 2], **quick)
    assert [t for t in told if t[0] == "runs"] == [
        ("runs", 1, 2, "out/set-digits-s1"),
        ("runs", 2, 2, "out/set-digits-s2"),
    ]
    steps = [t for t in told if t[0] == "set-digits-s1"]
    assert [t[1] for t in steps] == list(range(1, 13)) and steps[-1][2] == 12
    assert steps[-1][3].startswith("test ") and steps[-1][3].endswith(" %")
    told.clear()
    topolab.train("set", "out", seeds=[1, 2], **quick)
    assert [t[3] for t in told] == [f"out/set-digits-s{s} (finished)" for s in (1, 2)]
    topolab.train("set", "batched", seeds=[1, 2], batched=True, **quick)
    assert ("batched", 12, 12) in [t[:3] for t in told]


def test_an_interruption_says_where_everything_is() -> None:
    def pressed(what: str, done: int, total: int | None, detail: str = "") -> None:
        if what == "set-digits-s2" and done == 3:
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted, match="safe in out/set-digits-s2") as caught:
        topolab.train("set", "out", seeds=[1, 2], **{**QUICK, "progress": pressed})
    assert isinstance(caught.value, KeyboardInterrupt)
    assert caught.value.path == Path("out/set-digits-s2")
    assert names_of(topolab.train("set", "out", seeds=[1, 2], **QUICK)) == [
        "set-digits-s1",
        "set-digits-s2",
    ]


@pytest.mark.parametrize(
    ("what", "more", "sentence"),
    [
        ("sett", {}, r"unknown method 'sett'; .*did you mean set\?"),
        ("set", {"only": "a"}, "only is for the runs of a recipe"),
        ("set", {"seed": 1, "seeds": [2]}, "give either seed or seeds"),
        ("set", {"seeds": [1, 1]}, "seeds 1,1 names a seed twice"),
        ("set", {"seeds": "1;2"}, "seeds '1;2' is not a list of seeds such as 42,123"),
        ("set", {"seeds": []}, "at least one seed"),
        ("set", {"seeds": [-1]}, "seeds -1 must be a whole number of at least 0"),
        ("absent.toml", {}, "absent.toml: cannot be read"),
        (7, {}, "7 is nothing to train"),
        ([7], {}, "7 is nothing to train"),
        ([PlannedRun("a", "set", {})], {"seeds": [1]}, "a plan has its seeds already"),
        ([PlannedRun("a", "set", {})], {"only": "b"}, "the plan has no run b; it has a"),
        ("set", {"spasity": 1}, "unknown setting spasity.*did you mean sparsity"),
    ],
)
def test_what_cannot_be_asked(what: Any, more: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        topolab.train(what, "out", progress=False, **more)
    assert not Path("out").exists()


def test_what_is_listed_can_be_looked_at() -> None:
    methods = topolab.methods()
    assert methods["rigl"]["defaults"]["update_every"] == 100 and "rigl  " in repr(methods)
    assert repr(topolab.methods("rigl")).startswith("# ")
    assert topolab.inits("lognormal")["options"][0]["name"] == "ccv"
    assert "RigL and SET on digits (topolab demo)" in repr(topolab.recipes())
    assert topolab.data()["digits"]["where"] and topolab.data("digits")["n_train"] == 1442
    for wrong in (topolab.methods, topolab.inits, topolab.recipes, topolab.data):
        with pytest.raises(ConfigError, match="unknown"):
            wrong("nosuch")
