"""``topolab methods``, ``inits``, ``recipes``: what can be trained."""

from __future__ import annotations

from typing import Annotated

import typer

from topolab.cli.common import AsJson, complete, emit_json, table
from topolab.cli.listing import list_or_card

__all__ = ["inits", "methods", "recipes"]


def methods(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Show this method's card.",
            show_default=False,
            autocompletion=complete("methods"),
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the training methods, or show the card of one."""
    list_or_card("methods", name, as_json)


def inits(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Show this one's card.", show_default=False, autocompletion=complete("inits")
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the ways to make first masks (--init), or show the card of one."""
    list_or_card("inits", name, as_json)


def recipes(
    name: Annotated[
        str | None, typer.Argument(help="Show what this one trains.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the recipes (train --recipe), or what one of them trains."""
    from topolab_trainers.recipes import find_recipe, recipe_files

    if name is None:
        found = [find_recipe(n) for n in recipe_files()]
        if as_json:
            emit_json([{"name": r.name, "title": r.title, "source": r.source} for r in found])
        else:
            table(
                ("name", "what it trains", "source"), [(r.name, r.title, r.source) for r in found]
            )
        return
    recipe = find_recipe(name)
    plan = recipe.plan()
    if as_json:
        emit_json({
            "name": recipe.name, "title": recipe.title, "source": recipe.source,
            "note": recipe.note, "seeds": recipe.seeds,
            "runs": [{"name": p.name, "method": p.method, **p.settings} for p in plan],
        })  # fmt: skip
        return
    typer.echo(f"{recipe.title} ({recipe.source})")
    if recipe.note:
        typer.echo(recipe.note.strip())
    shared = ", ".join(f"{k} = {v}" for k, v in recipe.settings.items())
    typer.echo(f"every run: {shared}; seeds {', '.join(map(str, recipe.seeds))}")
    listed = []
    for run in recipe.runs:
        own = ", ".join(f"{k} = {v}" for k, v in run.items() if k not in ("name", "method"))
        listed.append((str(run["name"]), str(run["method"]), own or "-"))
    table(("run", "method", "settings"), listed)
