"""Recipes: named lists of trainings, kept as TOML files.

A recipe knows no method: it names one and gives settings, which the method checks.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from topolab.errors import ConfigError
from topolab.options import one_of
from topolab.paths import from_home, is_file_name, is_path
from topolab.registry import load_all

__all__ = ["PlannedRun", "Recipe", "find_recipe", "folder", "read_recipe", "recipe_files"]

#: What a recipe decides by itself, or the command does; no setting of a training.
RESERVED = frozenset({"name", "method", "seed"}) | {
    "what", "out", "seeds", "only", "batched", "resume", "progress", "command",
}  # fmt: skip


@dataclass(frozen=True)
class PlannedRun:
    """One training of a recipe.

    Attributes
    ----------
    name : str
        Of its folder: run and seed.
    method : str
    settings : mapping of str to value

    Raises
    ------
    ConfigError
        If the name is a path.
    """

    name: str
    method: str
    settings: Mapping[str, Any]

    def __post_init__(self) -> None:
        if not is_file_name(self.name):
            raise ConfigError(
                f"a run cannot be called {self.name!r}: its folder has this name, so it must be "
                "no path"
            )


@dataclass(frozen=True)
class Recipe:
    """A protocol: what is trained, how, and with which seeds.

    Attributes
    ----------
    name, title, source : str
        `source` says which paper's table or figure it is.
    note : str
        Where it departs from the paper, or what the paper leaves open.
    seeds : tuple of int
    settings : mapping
        Of every run.
    runs : tuple of mapping
        Each with ``name``, ``method`` and settings of its own.
    """

    name: str
    title: str
    source: str
    note: str
    seeds: tuple[int, ...]
    settings: Mapping[str, Any]
    runs: tuple[Mapping[str, Any], ...] = field(default=())

    def plan(
        self,
        overrides: Mapping[str, Any] | None = None,
        *,
        seeds: Sequence[int] | None = None,
        only: Sequence[str] | None = None,
    ) -> list[PlannedRun]:
        """Every training, in order: all runs of the first seed, then of the next.

        Parameters
        ----------
        overrides : mapping, optional
            Settings that replace the recipe's shared ones, where they are not None; what a run
            says for itself stays.
        seeds : sequence of int, optional
            Instead of the recipe's.
        only : sequence of str, optional
            Names of runs.

        Raises
        ------
        ConfigError
            If `only` names a run that is not there.
        """
        names = [str(run["name"]) for run in self.runs]
        unknown = sorted(set(only or ()) - set(names))
        if unknown:
            raise ConfigError(
                f"recipe {self.name} has no run {', '.join(unknown)}; it has {', '.join(names)}"
            )
        given = {k: v for k, v in (overrides or {}).items() if v is not None}
        plan = []
        for seed in seeds if seeds is not None else self.seeds:
            for run in self.runs:
                if only and run["name"] not in only:
                    continue
                own = {k: v for k, v in run.items() if k not in ("name", "method")}
                # What makes a run this run stays: the dense one has no sparsity to change.
                settings = {**self.settings, **given, **own, "seed": seed}
                plan.append(PlannedRun(f"{run['name']}-s{seed}", str(run["method"]), settings))
        return plan


def read_recipe(path: Path) -> Recipe:
    """Read a recipe's file.

    Raises
    ------
    ConfigError
        If it cannot be read or is no recipe, saying what is wrong with it.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not a TOML file ({error})") from error
    unknown = sorted(set(data) - {"title", "source", "note", "seeds", "settings", "runs"})
    if unknown:
        raise ConfigError(f"{path}: a recipe has no {', '.join(unknown)}")
    runs = data.get("runs")
    if not isinstance(runs, list) or not runs:
        raise ConfigError(f"{path}: a recipe needs at least one [[runs]]")
    for run in runs:
        if not isinstance(run, dict) or not {"name", "method"} <= set(run):
            raise ConfigError(f"{path}: every [[runs]] needs a name and a method")
    names = [str(run["name"]) for run in runs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"{path}: two runs are called {', '.join(twice)}")
    for name in names:
        try:
            PlannedRun(name, "", {})
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error
    settings = data.get("settings", {})
    if not isinstance(settings, dict):
        raise ConfigError(f"{path}: settings must be a table, as [settings]")
    for table in (settings, *runs):
        kept = RESERVED - ({"name", "method"} if table is not settings else set())
        wrong = sorted(kept & set(table))
        if wrong:
            raise ConfigError(f"{path}: {', '.join(wrong)} cannot be set there")
    for table in (settings, *runs):
        nested = [k for k, v in table.items() if isinstance(v, dict)]
        if nested or not isinstance(table.get("init", ""), str):
            raise ConfigError(f"{path}: {', '.join(nested) or 'init'} cannot have such a value")
    seeds = data.get("seeds", [0])
    if not isinstance(seeds, list) or not seeds or not all(isinstance(s, int) for s in seeds):
        raise ConfigError(f"{path}: seeds must be a list of whole numbers")
    return Recipe(
        name=path.stem,
        title=str(data.get("title", path.stem)),
        source=str(data.get("source", "")),
        note=str(data.get("note", "")),
        seeds=tuple(seeds),
        settings=dict(settings),
        runs=tuple(runs),
    )


def recipe_files() -> dict[str, Path]:
    """The installed recipes by name, from every folder that a package declares.

    Examples
    --------
    >>> "psn-fashion-mnist" in recipe_files()
    True
    """
    found: dict[str, Path] = {}
    for folder in load_all("recipes", lambda place: Path(place())).values():
        for path in sorted(folder.glob("*.toml")):
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def find_recipe(name: str | os.PathLike[str]) -> Recipe:
    """A recipe by name, or by the path of a TOML file.

    Raises
    ------
    ConfigError
        If there is none; the message lists what there is.

    Examples
    --------
    >>> find_recipe("psn-fashion-mnist").settings["sparsity"]
    0.9
    """
    text = os.fspath(name) if is_path(name) else name
    if isinstance(text, str) and text.endswith(".toml"):
        return read_recipe(from_home(text))
    files = recipe_files()
    return read_recipe(files[one_of("recipe", text, list(files))])


def folder() -> Path:
    """Where this package's recipes are: beside it in a checkout, inside it when installed."""
    inside = Path(__file__).parent / "recipe_files"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "recipes"
