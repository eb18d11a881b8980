"""The core names no method, network, data set, analysis, figure, nor what one of them declares.

Import rules cannot see a name in a string. So every string in `topolab` that is no docstring is
looked at, word by word, for a name that some package registers or declares.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import topolab
from topolab.registry import load_all, names
from topolab_trainers.config import settings
from topolab_trainers.recipes import recipe_files

CORE = Path(topolab.__file__).parent
GROUPS = (
    "methods", "models", "inits", "datasets", "drop_criteria", "grow_criteria", "analyses",
    "figures", "sections", "trackers",
)  # fmt: skip

#: Registered names that are a word of the core's own too: where, and as what.
PLACES = {
    ("accuracy", "importers"): "a key of other people's checkpoints",
    ("curves", "cli/log.py"): "the folder that curves are written to unless told otherwise",
    ("curves", "integrations"): "that folder, and the callback's own name in a logger",
    ("degree", "graph"): "an attribute of a vertex",
    ("dense", "importers"): "a layer without zeros; and the convention `dense`, in its own file",
    ("dense", "integrations"): "a layer without zeros",
    ("exponential", "metrics/powerlaw/rivals"): "a distribution that rivals the power law",
    ("gradient", "capture.py"): "what a snapshot keeps of a neuron",
    ("gradient", "store"): "what a snapshot keeps of a neuron",
    ("gradient", "testing/runs.py"): "what a snapshot keeps of a neuron",
    ("uniform", "metrics/prediction.py"): "a model of rewiring: all places are alike",
    ("degree", "metrics/prediction.py"): "a model of rewiring: a power of the degree",
    ("linear", "chaining.py"): "a kind of layer",
    ("linear", "importers"): "a kind of layer",
    ("linear", "integrations"): "a kind of layer",
    ("linear", "layers.py"): "a kind of layer",
    ("linear", "snapshot.py"): "a kind of layer",
    ("linear", "testing"): "a kind of layer",
    ("lognormal", "metrics/powerlaw"): "a distribution that rivals the power law",
    ("mlflow", "integrations/mlflow.py"): "a tracker, in its own file",
    ("momentum", "importers"): "a buffer of an optimiser in other people's checkpoints",
    ("dropped", "testing/runs.py"): "a metric of a made run, named as trainings record it",
    ("powerlaw", "provenance.py"): "the package of that name, whose version is kept",
    ("random", "store/processes.py"): "/proc/sys/kernel/random",
    ("rigl", "importers"): "other people's packages, whose files are recognised",
    ("static", "importers"): "a layer whose zeros stay",
    ("tensorboard", "integrations/tensorboard.py"): "a tracker, in its own file",
    ("training", "comparison.py"): "where a measure comes from that no analysis made",
    ("wandb", "integrations/wandb.py"): "a tracker, in its own file",
}

#: Words that somebody declares as a column, a setting, an option or a choice, and that are the
#: core's own, in which case the declaration follows the core; each line says as what.
WORDS = {
    "a snapshot, its layers and the files they are in": (
        "activity weights epoch layer step seed data snapshots"
    ),
    "the vocabulary of the graph": "active coreness edges neuron neurons direction source",
    "the tables of a comparison": "high low mean measure n note reason std value",
    "statistics of topolab.metrics, and scipy's words": (
        "alpha beta exact max null p_value rate replicates rival row col share sigma x_min"
        " x_max normal gamma"
    ),
    "curves that every run has": "fan_in_ccv k_max",
    "keys of other people's checkpoints, and words for their steps": (
        "epochs kernel model optimizer step_from updates"
    ),
    "torch, and where it computes": "auto cpu csr cuda device threads torch",
    "English": "events init none parameters sparsity stopped",
}
OWN = {word for words in WORDS.values() for word in words.split()}

#: Registered names that a sentence may hold in their everyday sense.
ENGLISH = frozenset(
    [
        "set",
        "random",
        "static",
        "dense",
        "linear",
        "quadratic",
        "exponential",
        "uniform",
        "momentum",
        "gradient",
        "sign",
        "magnitude",
        "bell",
        "powerlaw",
        "degree",
        "heatmap",
        "paths",
        "strength",
        "wiring",
        "selection",
        "attachment",
        "prediction",
        "scaling",
        "dormant",
        "spectral",
        "nulls",
        "accuracy",
        "churn",
        "curves",
        "overview",
        "exploration",
        "training",
        "digits",
        "demo",
        "synflow",
        "tensorboard",
        "wandb",
        "mlflow",
    ]
)


def registered() -> set[str]:
    """Everything that has a name by entry point, outside importers and exporters."""
    return {name for group in GROUPS for name in names(group)} | set(recipe_files())


def declared() -> set[str]:
    """Settings, options, choices of the trainers; tables and columns of the analyses."""
    options = [*settings()]
    for group in ("methods", "inits"):
        options += [option for entry in load_all(group).values() for option in entry.options]
    found = {option.name for option in options}
    found |= {choice for option in options for choice in option.choices}
    for analysis in load_all("analyses").values():
        for table, schema in analysis.schemas.items():
            found |= {table, *(column.name for column in schema)}
    return found


def strings(source: str) -> Iterator[tuple[int, str]]:
    """Every string constant that is neither a docstring nor in ``__all__``."""
    tree = ast.parse(source)
    left_out: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                left_out.add(id(first.value))
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            left_out |= {id(inside) for inside in ast.walk(node.value)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):  # noqa: SIM102
            if id(node) not in left_out:
                yield node.lineno, node.value


def named(source: str, place: str, known: set[str], others: set[str]) -> list[str]:
    """Names of others in the strings of a module.

    Parameters
    ----------
    source, place : str
        The module, and where it is in the core.
    known : set of str
        Registered names.
    others : set of str
        Names that are declared by those.
    """
    here = {word for word, prefix in PLACES if place.startswith(prefix)}
    found = []
    for line, text in strings(source):
        words = set(re.split(r"[^\w-]+", text)) | set(re.split(r"[^\w]+", text))
        words = {word for word in words if len(word) > 1}  # [a-z] in a pattern
        # In a sentence an English word is no name.
        sentence = " " in text.strip()
        wrong = words & (known - ENGLISH if sentence else known | (others - OWN))
        found += [f"{place}:{line} {word}" for word in sorted(wrong - here)]
    return found


def test_no_string_of_the_core_is_a_name_of_others() -> None:
    known, others = registered(), declared()
    found = []
    for path in sorted(CORE.rglob("*.py")):
        place = path.relative_to(CORE).as_posix()
        found += named(path.read_text(encoding="utf-8"), place, known, others - known)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "line",
    [
        "if method == 'rigl': pass",
        "x = config['set']",
        "x = {'adam-sgd': 1}",
        "WORDS = ('--init', 'erk')",
        "x = 'powerlaw.x_min'",
        "help = 'A network such as vgg16 or mlp.'",
        "x = f'{name}.test_dormant_share'.replace('dormant', '')",
        "x = config.get('drop_fraction')",
    ],
)
def test_a_name_would_be_found(line: str) -> None:
    known = registered()
    assert named(line, "cli/show.py", known, declared() - known)


def test_what_is_allowed_is_still_there() -> None:
    """An exception that nothing needs any more would let the next name through."""
    known, others = registered(), declared()
    text: dict[str, set[str]] = {}
    for path in CORE.rglob("*.py"):
        words = text.setdefault(path.relative_to(CORE).as_posix(), set())
        for _, string in strings(path.read_text(encoding="utf-8")):
            words |= set(re.split(r"[^\w-]+", string)) | set(re.split(r"[^\w]+", string))
    unneeded = [
        (word, prefix)
        for word, prefix in PLACES
        if word not in known | others
        or not any(word in words for place, words in text.items() if place.startswith(prefix))
    ]
    unneeded += [
        (word, "") for word in OWN - known
        if word not in others or not any(word in words for words in text.values())
    ]  # fmt: skip
    assert not unneeded
