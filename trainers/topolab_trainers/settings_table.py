"""The settings that every method has, as the table of the documents.

``python -m topolab_trainers.settings_table`` prints it; it stands in ``docs/training.md``.
"""

from __future__ import annotations

import sys

from topolab.options import Option
from topolab_trainers.config import settings

__all__ = ["settings_table"]


def settings_table() -> str:
    """The table, as Markdown: a row for each declared setting.

    Examples
    --------
    >>> print(settings_table().splitlines()[2])
    | `data` | `--data` | digits | Data set: see `topolab data`. |
    """
    head = ["| setting | option | default | meaning |", "|---|---|---|---|"]
    return "\n".join([*head, *map(_row, settings())])


def _row(option: Option) -> str:
    flags = ", ".join(f"`{flag.replace('/', '`, `')}`" for flag in option.flags or (option.flag,))
    default = option.default_text or "none"
    if option.by_method:
        default += " *"
    return f"| `{option.name}` | {flags} | {default} | {option.meaning}. |"


if __name__ == "__main__":
    sys.stdout.write(settings_table() + "\n")
