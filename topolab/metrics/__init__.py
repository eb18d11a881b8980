"""Measures of layered graphs: pure functions, arrays in and arrays out.

They know no files and no runs. Loops are compiled by numba, the rest is numpy and scipy.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from topolab.metrics import (
        attachment,
        churn,
        correlation,
        degree,
        dormancy,
        heatmap,
        hierarchy,
        kcore,
        multiple_tests,
        nulls,
        paths,
        powerlaw,
        prediction,
        scaling,
        spectral,
        tail_index,
    )

__all__ = [
    "attachment",
    "churn",
    "correlation",
    "degree",
    "dormancy",
    "heatmap",
    "hierarchy",
    "kcore",
    "multiple_tests",
    "nulls",
    "paths",
    "powerlaw",
    "prediction",
    "scaling",
    "spectral",
    "tail_index",
]


# Modules are imported when first used, so that one of them waits for no other's libraries.
def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return import_module(f"topolab.metrics.{name}")
    raise AttributeError(f"module 'topolab.metrics' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
