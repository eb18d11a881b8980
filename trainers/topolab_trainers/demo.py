"""The main job on embedded data, from training to report."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from topolab.paths import read_path
from topolab.progress import Progress, progress_shown
from topolab_trainers.recipes import find_recipe
from topolab_trainers.training import train

__all__ = ["demo"]


def demo(out: str | os.PathLike[str] = "demo", *, progress: Progress | bool | None = None) -> Path:
    """Train the recipe ``demo`` on embedded data, analyse its runs, write a report.

    What an earlier demo finished in the same folder is used again. It takes about half a minute on
    two cores.

    Parameters
    ----------
    out : path
        The folder of the runs and of the report.
    progress : Progress, bool or None
        A function of (what, done, total, detail), False for silence, None for a bar where a person
        looks.

    Returns
    -------
    Path
        The page: open it in a browser. The runs lie beside it.

    Raises
    ------
    RunError
        If the folder cannot be written, or holds other runs of these names.

    Examples
    --------
    >>> page = demo("demo")  # doctest: +SKIP
    >>> page.name  # doctest: +SKIP
    'report.html'
    """
    import topolab

    recipe = find_recipe("demo")
    # One seed, so that the folders need not say which.
    plan = [replace(item, name=item.method) for item in recipe.plan()]
    folder = read_path(out, "out", "give the folder of the runs and of the report")
    page = folder / "report.html"
    with progress_shown(progress) as tell:
        runs = train(plan, folder, progress=tell)
        topolab.report(runs, page, title=f"topolab demo: {recipe.title}", progress=tell)
    return page
