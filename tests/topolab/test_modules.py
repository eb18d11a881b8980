"""Modules of ours in one process: of every class there is one."""

from __future__ import annotations

import sys


def test_no_class_is_there_twice() -> None:
    """A module that was executed twice would have classes that are not instances of each other."""
    ours = {name: module for name, module in sys.modules.items() if name.startswith("topolab")}
    twice = [
        f"{name}.{key}"
        for name, module in ours.items()
        for key, value in vars(module).items()
        if isinstance(value, type)
        and value.__module__ in ours
        and "." not in value.__qualname__
        and vars(ours[value.__module__]).get(value.__name__, value) is not value
    ]
    assert twice == []
