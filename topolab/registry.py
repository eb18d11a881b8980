"""Finding everything that has a name by entry point: methods, data sets, analyses, ...

Ours are found exactly as a stranger's are: a package that declares an entry point in one of
these groups adds to topolab without a change here.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Literal

from topolab.errors import ConfigError

__all__ = ["Group", "find", "load_all", "names"]

Group = Literal[
    "commands",
    "methods",
    "inits",
    "drop_criteria",
    "grow_criteria",
    "datasets",
    "recipes",
    "analyses",
    "figures",
    "sections",
    "importers",
    "exporters",
    "trackers",
]
PREFIX = "topolab."
_SINGULAR = {
    "commands": "command",
    "methods": "method",
    "inits": "init",
    "drop_criteria": "pruning criterion",
    "grow_criteria": "growth criterion",
    "recipes": "recipe folder",
    "datasets": "data set",
    "analyses": "analysis",
    "figures": "figure",
    "exporters": "export format",
    "sections": "report section",
    "importers": "import convention",
    "trackers": "tracker",
}


def _found(group: Group) -> Mapping[str, EntryPoint]:
    return _grouped(tuple((path, _changed(path)) for path in sys.path)).get(group, {})


def _changed(path: str) -> int:
    try:
        return Path(path).stat().st_mtime_ns
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


def find(group: Group, name: str) -> Any:
    """Import and return one entry.

    Raises
    ------
    ConfigError
        If there is none of this name (the message lists what there is), or it cannot be
        imported.
    """
    found = _found(group)
    if name not in found:
        what = _SINGULAR[group]
        raise ConfigError(f"unknown {what} {name!r}; there is {', '.join(found) or 'none'}")
    try:
        return found[name].load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"{_SINGULAR[group]} {name!r} ({found[name].value}) cannot be loaded: {error}"
        ) from error


def load_all(group: Group) -> dict[str, Any]:
    """Import and return every entry of a group, by name."""
    return {name: find(group, name) for name in names(group)}
