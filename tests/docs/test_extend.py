"""The package of docs/extend.md, installed beside topolab: its tests and its commands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "examples" / "topolab-hubs"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package in it, as pip installs it."""
    target = tmp_path_factory.mktemp("site")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--no-deps", "--no-build-isolation", "--target", str(target), str(PACKAGE)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return target


def run(installed: Path, at: Path, *arguments: str) -> str:
    """What a process beside the package prints."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=at, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_its_own_tests_pass(installed: Path, tmp_path: Path) -> None:
    out = run(
        installed, tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error",
        "-c", str(PACKAGE / "pyproject.toml"), "--rootdir", str(PACKAGE), str(PACKAGE / "tests"),
    )  # fmt: skip
    assert "passed" in out and "failed" not in out and "skipped" not in out


SCRIPT = """
import sys, topolab
from topolab.cli import main

def command(*arguments):
    sys.argv = ["topolab", *arguments]
    try:
        main()
    except SystemExit as end:
        assert not end.code, (arguments, end.code)

small = ["--data", "rings", "--hidden", "12,8", "--epochs", "2", "--threads", "1"]
command("train", "richest", *small, "--out", "a")
command("train", "set", *small, "--grow", "hubs", "--out", "b")
command("methods", "richest")
command("analyse", "a", "--only", "overlap")
command("figure", "overlap", "a", "b", "--out", "overlap.svg")
command("report", "a", "b", "--only", "overlap", "--out", "page.html")
command("overlap", "a", "b")
assert topolab.overlap(["a", "b"]).run.unique().tolist() == ["a", "b"]
assert topolab.open_run("b").config["grow"] == "hubs"
"""


def test_its_entries_work_as_ours_do(installed: Path, tmp_path: Path) -> None:
    out = run(installed, tmp_path, "-c", SCRIPT)
    assert "preferential attachment at its extreme" in out  # the card
    page = (tmp_path / "page.html").read_text()
    assert "of their inputs on average" in page
    assert (tmp_path / "overlap.svg").read_text().startswith("<?xml")


def test_without_it_nothing_of_it_is_there() -> None:
    from topolab.registry import names

    assert "richest" not in names("methods") and "overlap" not in names("commands")
