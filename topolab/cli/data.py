"""``topolab methods``, ``inits``, ``recipes``, ``analyses``, ``data``: what there is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from topolab.cli.common import AsJson, complete, emit_json, known_name, table

__all__ = ["analyses", "datasets", "inits", "methods", "recipes"]


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
    _list_or_card("methods", name, as_json)


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
    _list_or_card("inits", name, as_json)


def recipes(
    name: Annotated[
        str | None, typer.Argument(help="Show what this one trains.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the recipes (train --recipe), or what one of them trains."""
    from topolab.recipes import find_recipe, recipe_files

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


def analyses(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Show this analysis' card.",
            show_default=False,
            autocompletion=complete("analyses"),
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the analyses, or show the card of one."""
    _list_or_card("analyses", name, as_json)


def _list_or_card(group: str, name: str | None, as_json: bool) -> None:
    from topolab.registry import find, load_all

    if name is None:
        found = load_all(group)  # type: ignore[arg-type]
        if as_json:
            emit_json([_described(entry) for entry in found.values()])
        else:
            table(("name", "what it does"), [(n, entry.summary) for n, entry in found.items()])
        return
    known_name(group, name)
    entry = find(group, name)  # type: ignore[arg-type]
    card = entry.card() if hasattr(entry, "card") else card_of(entry)
    if as_json:
        emit_json({**_described(entry), "card": card})
        return
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(card))
    else:
        typer.echo(card)
    options = getattr(entry, "options", ())
    if options:
        table(
            ("option", "default", "meaning", "values"),
            [
                (f"--{o.name.replace('_', '-')}", _default(o.default), o.help,
                 ", ".join(o.choices) or o.interval)
                for o in options
            ],
            title="Options",
        )  # fmt: skip


def _default(value: Any) -> str:
    return "-" if value is None else str(value)


def _described(entry: Any) -> dict[str, Any]:
    described: dict[str, Any] = {"name": entry.name, "summary": entry.summary}
    if hasattr(entry, "defaults"):
        described["defaults"] = (
            entry.defaults() if callable(entry.defaults) else dict(entry.defaults)
        )
    if hasattr(entry, "options"):
        described["options"] = [
            {"name": o.name, "kind": o.kind, "default": o.default, "meaning": o.help,
             "choices": o.choices, "interval": o.interval}
            for o in entry.options
        ]  # fmt: skip
    if hasattr(entry, "schemas"):
        described["tables"] = {
            table_name: [
                {"name": c.name, "type": c.dtype.__name__, "unit": c.unit, "meaning": c.meaning}
                for c in schema
            ]
            for table_name, schema in entry.schemas.items()
        }
    return described


def card_of(entry: Any) -> str:
    """The card that lies in the folder ``cards`` beside the module of a method or analysis.

    Raises
    ------
    ConfigError
        If it has none.
    """
    from topolab.errors import ConfigError

    module = sys.modules[entry.__module__]
    path = Path(str(module.__file__)).parent / "cards" / f"{entry.name}.md"
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        raise ConfigError(f"{entry.name} has no card ({path} is not there)") from None


def datasets(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Load this one and say what is in it.",
            show_default=False,
            autocompletion=complete("datasets"),
        ),
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of the data files.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the data sets and where they are on this machine, or load one and describe it.

    Loading one fetches it if it has to be downloaded. Exit code 4 if it is not to be had.
    """
    from topolab.registry import find, load_all

    if name is not None:
        known_name("datasets", name)
        described = find("datasets", name).load(data_dir).describe()
        if as_json:
            emit_json(described)
            return
        for key, value in described.items():
            typer.echo(f"{key}: {value}")
        return
    found = {n: (s.summary, s.where(data_dir)) for n, s in load_all("datasets").items()}
    if as_json:
        emit_json([{"name": n, "summary": s, "where": w} for n, (s, w) in found.items()])
        return
    table(
        ("name", "what it is", "where"),
        [(n, s, w or "not on this machine") for n, (s, w) in found.items()],
    )
