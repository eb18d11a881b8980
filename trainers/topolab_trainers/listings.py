"""What can be trained: methods, initialisations of masks, recipes, data sets."""

from __future__ import annotations

import os
from typing import Any

from topolab.listing import Entries, Entry, entries, entry
from topolab.paths import read_path
from topolab.registry import check_name, find, load_all
from topolab_trainers.recipes import Recipe, find_recipe, recipe_files

__all__ = ["Recipes", "data", "inits", "methods", "recipes"]


def methods(name: str | None = None) -> Entries | Entry:
    """Which training methods there are, or all about one of them.

    Parameters
    ----------
    name : str, optional
        A method.

    Returns
    -------
    Entries or Entry
        Without a name every method by name; with one that method: its summary, its own defaults of
        the settings that all have, its own options, its card.

    Raises
    ------
    ConfigError
        If there is no method of this name.

    Examples
    --------
    >>> methods("rigl")["defaults"]["update_every"]
    100
    """
    return entries("methods") if name is None else entry("methods", name)


def inits(name: str | None = None) -> Entries | Entry:
    """Which ways there are to make first masks (the setting `init`), or all about one of them.

    Parameters
    ----------
    name : str, optional
        An initialisation.

    Returns
    -------
    Entries or Entry
        Without a name every one by name; with one that one: its summary, its options, its card.

    Raises
    ------
    ConfigError
        If there is none of this name.

    Examples
    --------
    >>> [option["name"] for option in inits("lognormal")["options"]][0]
    'ccv'
    """
    return entries("inits") if name is None else entry("inits", name)


class Recipes(Entries):
    """The recipes by name; it shows a line for each."""

    def __repr__(self) -> str:
        width = max(map(len, self), default=0)
        return "\n".join(
            f"{name:<{width}}  {found['title']} ({found['source']})" for name, found in self.items()
        )


def recipes(name: str | os.PathLike[str] | None = None) -> Recipes | Recipe:
    """Which recipes there are, or one of them.

    Parameters
    ----------
    name : str or path, optional
        A recipe, or the path of a ``.toml``.

    Returns
    -------
    Recipes or Recipe
        Without a name title and source of every recipe by name; with one the recipe, which
        `topolab.train` takes too.

    Raises
    ------
    ConfigError
        If there is no recipe of this name.

    Examples
    --------
    >>> recipes()["demo"]["title"]
    'RigL and SET on digits'
    >>> [item.name for item in recipes("demo").plan()]
    ['rigl-s42', 'set-s42']
    """
    if name is not None:
        return find_recipe(name)
    found = [find_recipe(n) for n in recipe_files()]
    return Recipes({r.name: Entry(name=r.name, title=r.title, source=r.source) for r in found})


def data(
    name: str | None = None, *, data_dir: str | os.PathLike[str] | None = None
) -> Entries | dict[str, Any]:
    """Which data sets there are and where they are on this machine, or what is in one of them.

    Parameters
    ----------
    name : str, optional
        A data set. It is loaded, and fetched if it has to be downloaded.
    data_dir : path, optional
        Folder of the data files.

    Returns
    -------
    Entries or dict
        Without a name every data set by name: its summary, and `where` it is (None if it is not on
        this machine). With one its hash and sizes, as they are kept in a run's manifest.

    Raises
    ------
    ConfigError
        If there is no data set of this name.
    MissingDataError
        If it is not here and cannot be fetched; the message says how to get it.

    Examples
    --------
    >>> data("digits")["n_train"]
    1442
    """
    folder = None
    if data_dir is not None:
        folder = str(read_path(data_dir, "data_dir", "give the folder of the data files"))
    if name is not None:
        described: dict[str, Any] = (
            find("datasets", check_name("datasets", name)).load(folder).describe()
        )
        return described

    def described_here(source: Any) -> Entry:
        return Entry(name=source.name, summary=source.summary, where=source.where(folder))

    return Entries(load_all("datasets", described_here))
