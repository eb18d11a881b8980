"""Measures of layered graphs: pure functions, arrays in and arrays out.

They know no files, no runs and no torch, and need numpy and scipy alone.
"""

from topolab.metrics import correlation, degree, dormancy, heatmap, hierarchy, kcore, powerlaw

__all__ = ["correlation", "degree", "dormancy", "heatmap", "hierarchy", "kcore", "powerlaw"]
