"""Every public function of the metrics is called by something of ours, or offered by the page."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

import topolab
import topolab_analyses
import topolab_reports
import topolab_trainers
from topolab import metrics

PAGE = Path(topolab.__file__).parents[1] / "docs" / "statistics.md"
PACKAGES = (topolab, topolab_analyses, topolab_reports, topolab_trainers)


@cache
def used() -> set[str]:
    """Every name that the code of the packages reads."""
    found = set()
    for package in PACKAGES:
        for path in Path(str(package.__file__)).parent.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                    found.add(node.id)
                elif isinstance(node, ast.Attribute):
                    found.add(node.attr)
    return found


@pytest.mark.parametrize("name", metrics.__all__)
def test_a_public_function_is_called_or_offered(name: str) -> None:
    if not PAGE.exists():
        pytest.skip("the documents are not part of an installed package")
    page = PAGE.read_text(encoding="utf-8")
    public = getattr(metrics, name).__all__
    assert not [f for f in public if f not in used() and f"`{name}.{f}`" not in page]
