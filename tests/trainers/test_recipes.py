"""Every recipe resolves, and a plan of them trains, goes on where it broke off, and skips."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import topolab
from topolab.cli import app
from topolab.errors import ConfigError
from topolab.registry import find, names
from topolab_trainers.recipes import find_recipe, read_recipe, recipe_files

SMALL = """
title = "small"
source = "a test"
seeds = [1, 2]

[settings]
data = "digits"
hidden = [16]
epochs = 2

[[runs]]
name = "a"
method = "set"

[[runs]]
name = "b"
method = "dense"
sparsity = 0.0
"""


@pytest.mark.parametrize("name", list(recipe_files()))
def test_every_recipe_resolves(name: str) -> None:
    recipe = find_recipe(name)
    assert recipe.title and recipe.source
    for item in recipe.plan({"epochs": 2}):
        config = find("methods", item.method)().configure(**item.settings)
        assert config.data in names("datasets") and config.epochs == 2
        assert config.seed in recipe.seeds


def test_the_papers_all_have_one() -> None:
    assert {name.partition("-")[0] for name in recipe_files()} >= {"psn", "nsh", "nist", "rigl"}


def test_what_makes_a_run_this_run_stays(tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    plan = read_recipe(path).plan({"sparsity": 0.5, "epochs": None}, seeds=[7])
    assert [p.name for p in plan] == ["a-s7", "b-s7"]
    assert plan[0].settings["sparsity"] == 0.5 and plan[1].settings["sparsity"] == 0.0
    assert plan[0].settings["epochs"] == 2
    assert [p.name for p in read_recipe(path).plan(only=["b"])] == ["b-s1", "b-s2"]
    with pytest.raises(ConfigError, match="no run c; it has a, b"):
        read_recipe(path).plan(only=["c"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = [", "not a TOML file"),
        ("color = 1", "a recipe has no color"),
        ("title = 'x'", r"at least one \[\[runs\]\]"),
        ("[[runs]]\nname = 'a'", "needs a name and a method"),
        ("seeds = []\n[[runs]]\nname = 'a'\nmethod = 'set'", "seeds must be"),
        ("[[runs]]\nname='a'\nmethod='set'\n[[runs]]\nname='a'\nmethod='set'", "two runs"),
        ("settings = 3\n[[runs]]\nname='a'\nmethod='set'", "settings must be a table"),
        ("[[runs]]\nname='a'\nmethod='set'\nseed=7", "seed cannot be set there"),
        ("[settings]\nout='x'\n[[runs]]\nname='a'\nmethod='set'", "out cannot be set there"),
        ("[[runs]]\nname='a'\nmethod='set'\ninit=['er']", "init cannot have such a value"),
    ],
)
def test_recipes_that_cannot_be(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "r.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_recipe(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_recipe(tmp_path / "absent.toml")
    with pytest.raises(ConfigError, match="unknown recipe 'psm'"):
        find_recipe("psm")


def test_a_recipe_from_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    out = tmp_path / "runs"
    arguments = ["train", "--recipe", str(path), "--epochs", "1", "--out", str(out), "--seeds", "3"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert {run.name for run in topolab.runs(out)} == {"a-s3", "b-s3"}
    other = [*arguments[:-4], "--out", str(tmp_path / "o"), "--seed", "0", "--only", "b"]
    assert CliRunner().invoke(app, other).exit_code == 0
    assert {run.name for run in topolab.runs(tmp_path / "o")} == {"b-s0"}
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*.safetensors")}
    (out / "a-s3" / "DONE").unlink()  # as if it had been killed at its very end
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0 and topolab.open_run(out / "a-s3").state == "done"
    same = {p: p.stat().st_mtime_ns for p in before if p.parent.name == "snapshots"}
    assert all(before[p] == t for p, t in same.items())


def test_one_failure_does_not_stop_the_others(tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    bad = "[[runs]]\nname = 'no'\nmethod = 'psn'\nccv = 99\n\n[[runs]]"
    path.write_text(SMALL.replace("[[runs]]", bad, 1))
    from topolab.errors import PartialFailure

    result = CliRunner().invoke(
        app, ["train", "--recipe", str(path), "--out", str(tmp_path / "r"), "--seeds", "1"]
    )
    assert isinstance(result.exception, PartialFailure)
    assert "1 of 3 failed: no-s1" in str(result.exception)
    assert topolab.open_run(tmp_path / "r" / "b-s1").state == "done"
