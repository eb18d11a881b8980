"""What failed of several is said once, whatever command it was."""

from __future__ import annotations

from pathlib import Path

import command
import pytest

from topolab.errors import ConfigError, PartialFailure, TopolabError


def test_the_demo_says_why_its_runs_failed(tmp_path: Path) -> None:
    """Runs of these names that are something else are in the way."""
    for name in ("rigl", "set"):
        (tmp_path / name).write_text("a file")
    outcome = command.run("demo", "--out", tmp_path)
    *notes, first, second, last = outcome.err.splitlines()
    assert outcome.code == 3 and outcome.out == ""
    assert last == "topolab: error: 2 of 2 failed: rigl, set"
    assert first.startswith("topolab: rigl: ") and str(tmp_path / "rigl") in first
    assert second.startswith("topolab: set: ") and len(second) > 30
    assert all(note.startswith("[") for note in notes)


def test_training_several_says_each_reason_once(tmp_path: Path) -> None:
    recipe = tmp_path / "some.toml"
    recipe.write_text(
        "[settings]\nhidden = [8]\nepochs = 1\n"
        "[[runs]]\nname = 'good'\nmethod = 'set'\n"
        "[[runs]]\nname = 'bad'\nmethod = 'psn'\nccv = 99\n"
    )
    outcome = command.run("train", "--recipe", recipe, "--out", tmp_path / "runs")
    assert outcome.code == 3 and "good-s0" in outcome.out
    assert outcome.err.count("a CCV of 99 cannot be reached") == 1
    assert "topolab: bad-s0: " in outcome.err


@pytest.mark.parametrize(
    ("name", "message", "line"),
    [
        ("a-s1", "a-s1: diverged", "a-s1: diverged"),
        ("runs/a: degree", "runs/a: no layer", "runs/a: degree: no layer"),
        ("runs/a: degree", "a: no layer", "runs/a: degree: no layer"),
        (
            "runs/a: degree",
            "runs/a/snapshots/3: damaged",
            "runs/a: degree: runs/a/snapshots/3: dam",
        ),
        ("a", "abc: no layer", "a: abc: no layer"),
    ],
)
def test_a_name_is_said_once(name: str, message: str, line: str) -> None:
    failed: list[tuple[str, TopolabError]] = [(name, ConfigError(message))]
    (reason,) = PartialFailure("1 of 2 failed", failed=failed).reasons()
    assert reason.startswith(line) and len(reason) - len(line) in (0, 4)


def test_a_method_and_a_recipe_are_one_too_many(tmp_path: Path) -> None:
    for typed in (["set", "--recipe", "demo"], ["--recipe", "demo", "set"]):
        outcome = command.run("train", *typed, "--out", tmp_path / "new")
        assert outcome.code == 2 and not (tmp_path / "new").exists()
        assert outcome.err == ("topolab: error: give a method (set) or a recipe (demo), not both\n")
    # What only methods know stands where a method would.
    outcome = command.run("train", "--recipe", "demo", "--ccv", "x", "--out", tmp_path / "new")
    assert outcome.code != 0 and "not both" not in outcome.err and "ccv" in outcome.err
