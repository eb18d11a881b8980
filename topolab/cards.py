"""Cards: what a method, an analysis, ... is, its defaults, how it departs from its paper."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from topolab.errors import ConfigError

__all__ = ["card_of"]


def card_of(entry: Any) -> str:
    """The card of an entry, ours or a stranger's, as Markdown.

    It lies in the folder ``cards`` beside the module that defines the entry (or its class), and is
    called after the entry's name, or after its attribute ``card_name`` where several share one.

    Raises
    ------
    ConfigError
        If there is none.

    Examples
    --------
    >>> from topolab.registry import find
    >>> card_of(find("analyses", "degree")).splitlines()[0].startswith("# `degree`")
    True
    """
    owner = entry if isinstance(entry, type) else type(entry)
    module = sys.modules[owner.__module__]
    name = getattr(entry, "card_name", None) or entry.name
    path = Path(str(module.__file__)).parent / "cards" / f"{name}.md"
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        raise ConfigError(f"{entry.name} has no card ({path} is not there)") from None
