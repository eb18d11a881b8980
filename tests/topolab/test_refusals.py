"""What is no path, no name and no switch is refused with a sentence, before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import topolab
from conftest import record_example  # type: ignore[import-not-found]
from topolab.errors import ConfigError, RunError
from topolab_trainers.listings import recipes
from topolab_trainers.recipes import PlannedRun, read_recipe

QUICK: dict[str, Any] = {"hidden": (8,), "epochs": 1, "progress": False}
PLACES: dict[str, Callable[[Any], Any]] = {
    "train": lambda out: topolab.train("set", out, **QUICK),
    "train seeds": lambda out: topolab.train("set", out, seeds=[1, 2], **QUICK),
    "train recipe": lambda out: topolab.train("demo", out, **QUICK),
    "demo": lambda out: topolab.demo(out, progress=False),
    "export": lambda out: topolab.export("example", out, to="npz"),
    "export several": lambda out: topolab.export(["example"], out, to="npz"),
    "log": lambda out: topolab.log("example", "tensorboard", out=out),
    "import_run": lambda out: topolab.import_run("example", out),
    "Comparison.save": lambda out: topolab.compare(["example", "other"], only="degree").save(out),
    "Recorder": lambda out: topolab.Recorder(out, layers=[]),
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    record_example(tmp_path / "example", snapshots=2)
    record_example(tmp_path / "other", snapshots=2, method="rigl")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("place", PLACES)
def test_a_place_is_a_path(place: str, folder: Path) -> None:
    before = sorted(folder.glob("*"))
    for wrong in (5, b"new", "a\0b", "a" * 5000, "\ud800", 1.5, True, ["new"]):
        with pytest.raises(ConfigError, match=r"^(out|path|folder) = .* is no path; give the"):
            PLACES[place](wrong)
    assert sorted(folder.glob("*")) == before


@pytest.mark.parametrize("wrong", [5, b"example", "a\0b", "a" * 5000, 1.5])
def test_a_run_is_a_path(wrong: Any) -> None:
    for function in (topolab.open_run, topolab.analyse, topolab.show, topolab.verify, topolab.runs):
        with pytest.raises(RunError, match="expected, and not"):
            function(wrong)
    with pytest.raises(RunError, match="expected, and not"):
        topolab.analyse(["example", wrong])


@pytest.mark.parametrize("wrong", [5, b"demo", "a\0b", ["demo"]])
def test_a_recipe_is_a_name_or_a_path(wrong: Any) -> None:
    with pytest.raises(ConfigError, match=r"unknown recipe .*; there is .*demo"):
        recipes(wrong)
    for listing in (topolab.methods, topolab.inits, topolab.data, topolab.analyses):
        with pytest.raises(ConfigError, match="unknown "):
            listing(wrong)
    if wrong != ["demo"]:
        with pytest.raises(ConfigError, match=r"data_dir = .* is no path"):
            topolab.data(data_dir=wrong)


def test_a_switch_is_true_or_false(folder: Path) -> None:
    for name in ("batched", "resume"):
        for wrong in ("x", 2, 0.5):
            with pytest.raises(ConfigError, match=f"{name} .* is neither true nor false"):
                topolab.train("set", "new", **QUICK, **{name: wrong})
    assert not (folder / "new").exists()


def test_nothing_to_train_is_refused_like_nothing_to_analyse() -> None:
    with pytest.raises(ConfigError, match="at least one training is needed"):
        topolab.train([])
    with pytest.raises(RunError, match="at least one run is needed"):
        topolab.analyse([])


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/b", "..", ".", "", "a\\b", "a\0b"])
def test_a_run_of_a_plan_lies_in_its_folder(name: str, folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"a run cannot be called .*it must be no path"):
        topolab.train([PlannedRun(name, "set", QUICK)], "pl")
    recipe = folder / "mine.toml"
    written = name.replace("\\", "\\\\").replace("\0", "\\u0000")
    recipe.write_text(f'[[runs]]\nname = "{written}"\nmethod = "set"\n')
    with pytest.raises(ConfigError, match=r"mine.toml: a run cannot be called .*be no path"):
        read_recipe(recipe)
