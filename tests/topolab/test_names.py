"""One name means one thing: a public class has its name alone."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import topolab
import topolab_analyses
import topolab_reports
import topolab_trainers

PACKAGES = (topolab, topolab_analyses, topolab_reports, topolab_trainers)
#: Entries that are registered under one name in two groups, or in a library's words.
SHARED = {"Dense", "Exploration", "SNIP", "Strength", "TopolabCallback", "Wiring"}


def test_no_class_shares_its_name() -> None:
    classes: dict[str, list[str]] = defaultdict(list)
    others: dict[str, list[str]] = defaultdict(list)
    for package in PACKAGES:
        folder = Path(str(package.__file__)).parent
        for path in sorted(folder.rglob("*.py")):
            place = f"{folder.name}/{path.relative_to(folder)}"
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    classes[node.name].append(place)
                for target in getattr(node, "targets", [getattr(node, "target", None)]):
                    if isinstance(target, ast.Name):
                        others[target.id].append(place)
    assert len(classes) > 200
    twice = {name: places + others[name] for name, places in classes.items()
             if len(places + others[name]) > 1}  # fmt: skip
    assert set(twice) == SHARED, twice
