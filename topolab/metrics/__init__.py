"""Measures of layered graphs: pure functions, arrays in and arrays out.

They know no files and no runs. Loops are compiled by numba, the rest is numpy and scipy.
"""

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
    spectral,
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
    "spectral",
]
