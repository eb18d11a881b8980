"""The core names no method, analysis or figure, nor their settings, in its strings either.

import-linter sees imports only; a name in a string ties the core to a package just as well.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import topolab
from topolab.registry import find, names

CORE = Path(topolab.__file__).parent
GROUPS = ("methods", "inits", "analyses", "figures", "sections", "datasets", "models",
          "drop_criteria", "grow_criteria")  # fmt: skip

#: Words of the core's own that are also the name of an entry somewhere.
OWN_WORDS = {
    "linear": "a kind of layer",
    "dense": "a state of a layer's mask; the importer of networks without masks",
    "static": "a state of a layer's mask",
    "gradient": "what a snapshot may hold for every neuron",
    "degree": "an attribute of a graph's nodes",
    "accuracy": "a key inside of checkpoints",
    "curves": "a folder for what a tracker draws",
    "powerlaw": "the package that topolab.metrics uses, in the versions of a manifest",
}
#: What is written as an example of the form ANALYSIS.NAME=VALUE.
EXAMPLES = {"powerlaw.x_min"}


def foreign() -> set[str]:
    """Names of entries that live outside of the core."""
    found: set[str] = set()
    for group in GROUPS:
        for name in names(group):
            entry = find(group, name)
            home = getattr(entry, "__module__", None) or type(entry).__module__
            if home.partition(".")[0] != "topolab":
                found.add(name)
    return found


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """The strings of a module, other than docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documents = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and node.body
        and isinstance(node.body[0], ast.Expr)
    }  # fmt: skip
    for node in ast.walk(tree):
        if id(node) not in documents and isinstance(node, ast.Constant):
            value = node.value
            yield from [(node.lineno, value)] if isinstance(value, str) else []


def named(text: str, others: set[str]) -> list[str]:
    """Which entries a string names: as a whole, or as in `powerlaw.x_min`."""
    dotted = re.findall(r"(?<![\w./-])([a-z][\w-]*)\.([a-z_][\w*]*)", text)
    found = [f"{first}.{second}" for first, second in dotted if first in others - {"training"}]
    return ([text] if text in others else []) + found


@pytest.fixture(scope="module")
def others() -> set[str]:
    found = foreign()
    assert {"rigl", "degree", "selection", "nsh-fig7", "digits", "erk"} <= found
    return found


@pytest.mark.parametrize(
    "path",
    # The metrics are modules of the core that carry the names of what they measure.
    [p for p in sorted(CORE.rglob("*.py")) if "metrics" not in p.relative_to(CORE).parts],
    ids=lambda path: path.relative_to(CORE).as_posix(),
)
def test_no_string_of_the_core_names_what_others_bring(path: Path, others: set[str]) -> None:
    found = {
        (line, name)
        for line, text in texts(path)
        for name in named(text, others)
        if name not in OWN_WORDS and name not in EXAMPLES
    }
    assert not found


def test_such_a_name_would_be_seen(others: set[str]) -> None:
    shown = "training.test_accuracy; exploration.r_s[all]; selection.gain_rate*"
    assert named(shown, others) == ["exploration.r_s", "selection.gain_rate*"]
    assert named("rigl", others) == ["rigl"] and named("what rigl does", others) == []


def test_every_exception_is_needed(others: set[str]) -> None:
    used = {name for path in CORE.rglob("*.py") for _, text in texts(path)
            for name in named(text, others)}  # fmt: skip
    assert set(OWN_WORDS) <= used and used >= EXAMPLES
