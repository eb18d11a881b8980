"""Options as parameters of a command: what typer reads is made from their declarations."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

import typer

from topolab.cli.common import complete
from topolab.options import GroupChoices, Option

__all__ = ["help_of", "parameters_of", "with_parameters"]

_METAVARS = {
    "float": "<float>", "int": "<int>", "str": "<str>", "bool": None, "ints": "<int,...>",
    "words": "<str,...>",
}  # fmt: skip


def help_of(option: Option, default: str | None = None) -> str:
    """The line of help of an option.

    Parameters
    ----------
    option : Option
    default : str, optional
        How its default is written, where it is a method's own.

    Examples
    --------
    >>> help_of(Option("norm", "str", "none", "Of an MLP.", choices=("layernorm", "none")))
    'Of an MLP: layernorm, none (default: none).'
    >>> help_of(Option("t_end", "float", 1.0, "Share of the steps.", interval="[0, 1]"), "0.75")
    'Share of the steps, in [0, 1] (default: 0.75).'
    """
    shown = option.default_text if default is None else default
    if default is None and option.by_method:
        shown = f"{shown}; a method may have its own" if shown else "by method"
    return f"{option.meaning} (default: {shown})." if shown else f"{option.meaning}."


def parameters_of(
    options: Sequence[Option],
    *,
    panel: str | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> list[inspect.Parameter]:
    """A parameter for each option, as typer reads them from a function.

    Every value is taken as text and None means "not given": `Option.read` checks it, with the same
    sentence as for a value from Python or from a recipe.

    Parameters
    ----------
    options : sequence of Option
    panel : str, optional
        The heading above them in the help.
    defaults : mapping, optional
        A method's own defaults, which the help then shows.
    """
    found = []
    for option in options:
        default = None
        if defaults is not None:
            own = option
            if option.name in defaults:
                own = replace(option, default=defaults[option.name], default_is="")
            default = own.default_text or "none"
        group = option.choices.group if isinstance(option.choices, GroupChoices) else None
        switch = option.kind == "bool"
        flags = option.flags or ((f"{option.flag}/--no-{option.flag[2:]}",) if switch else ())
        declared = typer.Option(
            *(flags or (option.flag,)),
            help=help_of(option, default),
            metavar=_METAVARS[option.kind],
            show_default=False,
            autocompletion=complete(group) if group else None,
            rich_help_panel=panel,
        )
        kind: Any = bool if switch else str
        annotation: Any = Annotated[kind | None, declared]
        keyword = inspect.Parameter.KEYWORD_ONLY
        found.append(inspect.Parameter(option.name, keyword, default=None, annotation=annotation))
    return found


def with_parameters(
    function: Callable[..., Any], parameters: Sequence[inspect.Parameter], after: str
) -> Callable[..., Any]:
    """A callback with the parameters of a function and more, where it says ``**settings``.

    Parameters
    ----------
    function : callable
        Its last parameter takes what is not its own.
    parameters : sequence of Parameter
    after : str
        The parameter of the function behind which they stand.
    """
    own = list(inspect.signature(function, eval_str=True).parameters.values())
    own = [
        p.replace(kind=p.KEYWORD_ONLY) for p in own if p.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    place = [p.name for p in own].index(after) + 1

    def callback(**given: Any) -> Any:
        return function(**given)

    callback.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [*own[:place], *parameters, *own[place:]]
    )
    callback.__name__, callback.__doc__ = function.__name__, function.__doc__
    return callback
