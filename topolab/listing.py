"""What is registered: the entries of a group, what each can do, and its card."""

from __future__ import annotations

from typing import Any

from topolab.cards import card_of
from topolab.registry import Group, check_name, find, load_all

__all__ = ["Entries", "Entry", "analyses", "entries", "entry"]


class Entry(dict[str, Any]):
    """What one entry of a group is, in values that JSON has; it shows its card."""

    def __repr__(self) -> str:
        return str(self["card"]) if "card" in self else super().__repr__()


class Entries(dict[str, Entry]):
    """The entries of a group by name; it shows a line for each."""

    def __repr__(self) -> str:
        width = max(map(len, self), default=0)
        return "\n".join(f"{name:<{width}}  {e['summary']}" for name, e in self.items())


def analyses(name: str | None = None) -> Entries | Entry:
    """Which analyses there are, or all about one of them.

    Parameters
    ----------
    name : str, optional
        An analysis.

    Returns
    -------
    Entries or Entry
        Without a name every analysis by name; with one that analysis: its summary, the defaults of
        its parameters, the columns of its tables, its card.

    Raises
    ------
    ConfigError
        If there is no analysis of this name.

    Examples
    --------
    >>> "x_min" in analyses()["powerlaw"]["defaults"]
    True
    >>> analyses("degree")["card"].splitlines()[0]
    '# `degree`: degree distributions'
    """
    return entries("analyses") if name is None else entry("analyses", name)


def entries(group: Group) -> Entries:
    """Every entry of a group.

    Examples
    --------
    >>> entries("exporters")["npz"]["summary"]
    '...'
    """
    return Entries(load_all(group, _described))


def entry(group: Group, name: str) -> Entry:
    """One entry of a group, with its card.

    Raises
    ------
    ConfigError
        If there is none of this name, or it has no card.

    Examples
    --------
    >>> sorted(entry("analyses", "degree"))
    ['card', 'defaults', 'name', 'summary', 'tables']
    """
    found = find(group, check_name(group, name))
    card = card_of(found)
    return Entry(_described(found) | {"card": card})


def _described(found: Any) -> Entry:
    described = Entry(name=found.name, summary=found.summary)
    if hasattr(found, "defaults"):
        described["defaults"] = (
            found.defaults() if callable(found.defaults) else dict(found.defaults)
        )
    if hasattr(found, "options"):
        described["options"] = [
            {"name": o.name, "kind": o.kind, "default": o.default, "meaning": o.help,
             "choices": tuple(o.choices), "interval": o.interval}
            for o in found.options
        ]  # fmt: skip
    if hasattr(found, "schemas"):
        described["tables"] = {
            table_name: [
                {"name": c.name, "type": c.dtype.__name__, "unit": c.unit, "meaning": c.meaning}
                for c in schema
            ]
            for table_name, schema in found.schemas.items()
        }
    return described
