"""``topolab methods``, ``inits``, ``recipes``: what can be trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from topolab.cli.common import AsJson, complete, emit_json, table
from topolab.cli.listing import print_listing

if TYPE_CHECKING:
    from topolab_trainers.recipes import Recipe

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
    from topolab_trainers.listings import methods as list_methods

    print_listing(list_methods(name), as_json)


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
    from topolab_trainers.listings import inits as list_inits

    print_listing(list_inits(name), as_json)


def recipes(
    name: Annotated[
        str | None, typer.Argument(help="Show what this one trains.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the recipes (train --recipe), or what one of them trains."""
    from topolab_trainers.listings import Recipes
    from topolab_trainers.listings import recipes as list_recipes

    found = list_recipes(name)
    if not isinstance(found, Recipes):
        _print_recipe(found, as_json)
    elif as_json:
        emit_json(list(found.values()))
    else:
        rows = [(r["name"], r["title"], r["source"]) for r in found.values()]
        table(("name", "what it trains", "source"), rows)


def _print_recipe(recipe: Recipe, as_json: bool) -> None:
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
