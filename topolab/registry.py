"""Finding everything that has a name by entry point: methods, data sets, analyses, ...

Ours are found exactly as a stranger's are: a package that declares an entry point in one of
these groups adds to topolab without a change here.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeAlias

from topolab.errors import BrokenEntryWarning, ConfigError

__all__ = ["Group", "check_name", "did_you_mean", "find", "load_all", "names"]

#: The name of a group, without the prefix; a package may bring groups of its own.
Group: TypeAlias = str
PREFIX = "topolab."
#: What one entry of a group is called in a message; of other groups that is the group's own name.
SINGULAR = {
    "analyses": "analysis",
    "commands": "command",
    "contracts": "contract for the group",
    "datasets": "data set",
    "drop_criteria": "pruning criterion",
    "exporters": "export format",
    "figures": "figure",
    "grow_criteria": "growth criterion",
    "importers": "import convention",
    "inits": "init",
    "methods": "method",
    "models": "model",
    "recipes": "recipe folder",
    "sections": "report section",
    "settings": "declaration of settings",
    "trackers": "tracker",
}


def _found(group: Group) -> Mapping[str, EntryPoint]:
    return _grouped(tuple((path, _changed(path)) for path in sys.path)).get(group, {})


def _changed(path: str) -> int:
    try:
        return os.stat(path or ".").st_mtime_ns  # noqa: PTH116, every find asks
    except OSError:
        return 0


@lru_cache(maxsize=2)
def _grouped(where: tuple[tuple[str, int], ...]) -> dict[str, dict[str, EntryPoint]]:
    """All entry points of ours, read once for as long as no package comes or goes."""
    found: dict[str, dict[str, EntryPoint]] = {}
    every = entry_points()
    for group in sorted(every.groups):
        if group.startswith(PREFIX):
            inside: dict[str, EntryPoint] = {}
            # The first of two of one name wins, in the order the environment lists its packages.
            for entry in every.select(group=group):
                inside.setdefault(entry.name, entry)
            found[group.removeprefix(PREFIX)] = dict(sorted(inside.items()))
    return found


def names(group: Group) -> list[str]:
    """The names in a group, sorted; nothing is imported.

    Examples
    --------
    >>> "rigl" in names("methods")
    True
    """
    return list(_found(group))


def check_name(group: Group, name: object) -> str:
    """The name, if there is an entry of this name; nothing is imported.

    Raises
    ------
    ConfigError
        If there is none, or it is no name; the message lists what there is.

    Examples
    --------
    >>> check_name("methods", "rigl")
    'rigl'
    >>> check_name("exporters", "graphm")
    Traceback (most recent call last):
    topolab.errors.ConfigError: unknown export format 'graphm'; there is gexf, graphml, ...
    """
    return _entry(group, name).name


def _entry(group: Group, name: object) -> EntryPoint:
    found = _found(group)
    if isinstance(name, str) and name in found:
        return found[name]
    hint = did_you_mean(name, list(found)) if isinstance(name, str) else ""
    raise ConfigError(
        f"unknown {_singular(group)} {name!r}; there is {', '.join(found) or 'none'}{hint}"
    )


def find(group: Group, name: str) -> Any:
    """Import and return one entry.

    Raises
    ------
    ConfigError
        If there is none of this name (the message lists what there is), or it cannot be
        imported.
    """
    entry = _entry(group, name)
    try:
        return entry.load()
    except Exception as error:  # a stranger's module may fail in any way
        raise ConfigError(
            f"{_singular(group)} {name!r} ({entry.value}) cannot be loaded: {_reason(error)}"
        ) from error


def _reason(error: Exception) -> str:
    kind = "" if isinstance(error, (ImportError, AttributeError)) else type(error).__name__
    return ": ".join(part for part in (kind, str(error)) if part)


def did_you_mean(wrong: str, among: Sequence[str]) -> str:
    """A hint for a misspelt name, or nothing.

    Examples
    --------
    >>> did_you_mean("degre", ["degree", "dormant"])
    ' (did you mean degree?)'
    """
    close = get_close_matches(wrong, among, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _singular(group: Group) -> str:
    return SINGULAR.get(group, f"entry of {PREFIX}{group}")


def load_all(group: Group, use: Callable[[Any], Any] = lambda entry: entry) -> dict[str, Any]:
    """Import every entry of a group and return what becomes of each, by name.

    An entry with which that fails is left out, with a `BrokenEntryWarning`: what one package has
    broken costs nobody the others. `find` is for the entry that was asked for by name.

    Parameters
    ----------
    group : str
    use : callable, optional
        What is made of an entry, such as an object of a class; the entry itself without it.

    Examples
    --------
    >>> load_all("settings", lambda declared: declared()[0].name)
    {'trainers': 'data'}
    """
    found = {}
    for name in names(group):
        try:
            entry = find(group, name)
            try:
                found[name] = use(entry)
            except Exception as error:  # what a stranger declares may be anything
                raise ConfigError(
                    f"{_singular(group)} {name!r} cannot be used: {_reason(error)}"
                ) from error
        except ConfigError as error:
            # Always of this line, so that Python shows each of them once.
            warnings.warn(f"{error}; it is left out", BrokenEntryWarning, stacklevel=1)
    return found
