"""A setting is declared once, and seen everywhere: command, configuration, recipe, groups, page."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

import topolab
from topolab.cli import app
from topolab.comparison import differing_settings
from topolab.errors import ConfigError
from topolab.options import Option, options_of, setting
from topolab.registry import find, load_all
from topolab_trainers import config
from topolab_trainers.commands import TRAIN
from topolab_trainers.commands.train import train_callback
from topolab_trainers.jobs import Job, groups
from topolab_trainers.recipes import read_recipe
from topolab_trainers.settings_table import settings_table
from topolab_trainers.training import ONLY, SEEDS

ROOT = Path(__file__).resolve().parents[2]
QUICK: dict[str, Any] = {"data": "digits", "hidden": (8,), "epochs": 1, "threads": 1}


@dataclass(frozen=True)
class Warmer(config.TrainConfig):
    """All settings, and one more: this is the one place."""

    warmth: int = setting(3, "How warm the machine is.", interval="[1, 9]")


@pytest.fixture
def warmer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "TrainConfig", Warmer)


def typed(*arguments: str) -> Any:
    """The command as it is made from the declarations of now."""
    alone = typer.Typer()
    alone.command("train", context_settings=dict(TRAIN.context))(train_callback())
    return CliRunner().invoke(alone, arguments, env={"COLUMNS": "250"})


@pytest.mark.usefixtures("warmer")
def test_a_setting_added_in_one_place_is_seen_in_all(tmp_path: Path) -> None:
    for said in (typed("--help"), typed("set", "--help")):  # the parameter and its help
        assert said.exit_code == 0, said.output
        assert "--warmth" in said.output and "in [1, 9] (default: 3)" in said.output

    quick = ["--hidden", "8", "--epochs", "1", "--threads", "1", "-q"]
    done = typed("set", *quick, "--warmth", "4", "--out", str(tmp_path / "a"))
    assert done.exit_code == 0, done.output
    four = topolab.open_run(tmp_path / "a")
    assert four.config["warmth"] == 4  # the configuration and the manifest
    three = topolab.train("set", tmp_path / "b", **QUICK)
    assert three.config["warmth"] == 3 and three.identity != four.identity

    recipe = tmp_path / "warm.toml"  # the recipe's key
    recipe.write_text("[settings]\nhidden = [8]\nepochs = 1\nthreads = 1\nwarmth = 5\n"
                      "[[runs]]\nname = 'a'\nmethod = 'set'\n")  # fmt: skip
    assert topolab.train(recipe, tmp_path / "r")[0].config["warmth"] == 5

    for wrong in (10, "10"):  # the check
        with pytest.raises(ConfigError, match=r"warmth 10 is outside \[1, 9\]"):
            find("methods", "set")().configure(warmth=wrong)

    method = find("methods", "set")()  # what is trained together, and what is compared
    jobs = [Job(method, method.configure(**QUICK, warmth=w), tmp_path / f"{w}") for w in (1, 2, 1)]
    assert [[job.out.name for job in group] for group in groups(jobs)] == [["1", "1"], ["2"]]
    assert differing_settings([three, four]) == ["warmth"]

    row = "| `warmth` | `--warmth` | 3 | How warm the machine is, in [1, 9]. |"
    assert row in settings_table().splitlines()  # the documents


def test_what_a_declaration_says_of_groups_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True)
    class Looser(config.TrainConfig):
        warmth: int = setting(3, "How warm.", alike=False, compared=False, identity=False)

    monkeypatch.setattr(config, "TrainConfig", Looser)
    method = find("methods", "set")()
    configs = [method.configure(**QUICK, warmth=w) for w in (1, 2)]
    assert len(groups([Job(method, c, Path("x")) for c in configs])) == 1
    assert "warmth" not in configs[0].identity()
    from topolab.options import uncompared

    assert "warmth" in uncompared()
    monkeypatch.undo()
    assert "warmth" not in uncompared()
    assert uncompared() == {"seed", "device", "threads", "engine", "record", "data_dir"}


def test_every_field_is_a_setting() -> None:
    every = {f.name for f in fields(config.TrainConfig)} - {"method", "options"}
    assert set(options_of(config.TrainConfig)) == every


def test_no_kind_goes_with_a_field_of_any_type() -> None:
    @dataclass(frozen=True)
    class Odd:
        what: dict[str, int] | None = setting(None, "Nothing to type.")  # noqa: RUF009

    with pytest.raises(TypeError, match="setting what: no kind of option"):
        options_of(Odd)


def test_what_the_help_says_of_a_methods_own_defaults_is_so() -> None:
    own = {key for method in load_all("methods").values() for key in method.defaults}
    shared = {option.name for option in config.settings()}
    declared = {option.name for option in config.settings() if option.by_method}
    # Which layers are masked follows from a method's `masked_by_default`.
    assert declared == (own & shared) | {"masked"}


WRONG = {
    "sparsity": ("2.0", 2.0, "2.0", r"sparsity 2 is outside \[0, 1\)"),
    "hidden": ("abc", "abc", "'abc'", "hidden 'abc' is not a list of widths such as 1024,1024"),
    "epochs": ("x", "x", "'x'", "epochs 'x' is not a whole number"),
    "batch_size": ("0", 0, "0", "batch_size 0 must be a whole number of at least 1"),
    "update_every": ("day", "day", "'day'", "update_every 'day' is not a whole number"),
    "optimizer": ("lion", "lion", "'lion'", "unknown optimizer 'lion'; there is adam, sgd, adam-s"),
    "data": ("mnits", "mnits", "'mnits'", r"unknown data set 'mnits'; .*did you mean mnist"),
    "model": ("mpl", "mpl", "'mpl'", r"unknown model 'mpl'; there is alexnet.*did you mean mlp"),
    "record": ("weigths", "weigths", "'weigths'", "unknown record 'weigths'.*did you mean weights"),
    "t_end": ("-1.5", -1.5, "-1.5", r"t_end -1.5 is outside \[0, 1\]"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_is_refused_with_one_sentence_on_every_road(
    tmp_path: Path, name: str
) -> None:
    text, value, toml, sentence = WRONG[name]
    out = tmp_path / "r"
    with pytest.raises(ConfigError, match=sentence) as python:
        topolab.train("set", out, **{name: value})
    flag = "--" + name.replace("_", "-")
    typed = CliRunner().invoke(app, ["train", "set", flag, text, "--out", str(out)]).exception
    recipe = tmp_path / "r.toml"
    recipe.write_text(f"[settings]\n{name} = {toml}\n[[runs]]\nname = 'a'\nmethod = 'set'\n")
    with pytest.raises(ConfigError) as written:
        topolab.train(recipe, out)
    assert isinstance(typed, ConfigError)
    assert str(python.value) == str(written.value) == str(typed)
    assert not out.exists()


def every_option() -> dict[str, Option]:
    """Of the trainings, the methods, the first masks."""
    found = {option.name: option for option in config.settings()} | {"seeds": SEEDS, "only": ONLY}
    for group in ("methods", "inits"):
        for owner, entry in load_all(group).items():
            found |= {f"{owner} {option.name}": option for option in getattr(entry, "options", ())}
    return found


#: The same value as text and as Python has it.
SAME: list[tuple[str, Any]] = [
    ("x", "x"), ("2.5", 2.5), ("2.0", 2), ("2", 2.0), ("0", 0), ("-1", -1), ("-1.0", -1),
    ("-1.5", -1.5), ("nan", math.nan), ("inf", math.inf), ("-inf", -math.inf), ("1e300", 1e300),
    ("9007199254740993", 9007199254740993), ("0", np.int64(0)), ("2.5", np.float32(2.5)),
    ("3,x", (3, "x")), ("3,0.5", [3, 0.5]), ("0,-1", (0, -1)),
]  # fmt: skip


@pytest.mark.parametrize("name", every_option())
def test_text_and_value_are_the_same_or_refused_with_the_same_sentence(name: str) -> None:
    option = every_option()[name]

    def outcome(given: Any) -> Any:
        try:
            return option.read(given)
        except ConfigError as error:
            return f"refused: {error}"

    for text, value in SAME:
        if option.kind in ("str", "words") and str(value) != text:
            continue  # whatever it is becomes text
        if isinstance(value, (tuple, list)) and option.kind not in ("ints", "words"):
            continue
        if option.kind in ("ints", "words") and not isinstance(value, (str, tuple, list)):
            value = [value]
        typed, called = outcome(text), outcome(value)
        assert typed == called, (text, value)
    for truth in (True, False, np.True_):
        if option.kind in ("float", "int", "ints"):
            assert "refused: " in outcome([truth] if option.kind == "ints" else truth)


def test_a_recipes_shared_settings_are_looked_at_before_anything_is_trained(
    tmp_path: Path,
) -> None:
    recipe = tmp_path / "r.toml"
    recipe.write_text("[[runs]]\nname = 'a'\nmethod = 'set'\n[[runs]]\nname='b'\nmethod='rigl'\n")
    with pytest.raises(ConfigError, match="drop_fraction 7 is outside"):
        topolab.train(recipe, tmp_path / "r", drop_fraction=7)
    assert read_recipe(recipe).runs and not (tmp_path / "r").exists()


def test_the_help_of_a_method_lists_its_own_options_and_defaults() -> None:
    text = " ".join(typed("nist", "--help").output.split())
    assert "Options of nist" in text and "--prune-to" in text
    assert "Options of --init nist" in text and "--neuroseeds" in text
    assert "(NIST) (default: adam-sgd)" in text  # a shared setting, the method's own default
    text = " ".join(typed("set", "--init", "lognormal", "--help").output.split())
    assert "--drop <str>" in text and "(default: sign)" in text
    assert "Options of --init lognormal" in text and "--ccv" in text and "--prune-to" not in text
    said = typed("sett", "--help")
    assert isinstance(said.exception, ConfigError) and "did you mean set?" in str(said.exception)


def test_help_and_refusals_import_no_torch() -> None:
    script = (
        "import sys\nfrom topolab.cli import app\n"
        "from typer.testing import CliRunner\n"
        "done = CliRunner().invoke(app, sys.argv[1:])\n"
        "assert done.exit_code == 0, done.output\n"
        "assert not {'torch', 'pandas', 'scipy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script, "train", "--help"], check=True)


def test_the_page_holds_the_table() -> None:
    page = ROOT / "docs" / "training.md"
    if not page.exists():
        pytest.skip("the documents are not part of an installed package")
    assert settings_table() in page.read_text(encoding="utf-8")
