"""Recipes: the papers' protocols as files, one for each table or figure that has one."""

from __future__ import annotations

from pathlib import Path

__all__ = ["folder"]


def folder() -> Path:
    """Where this package's recipes are: beside it in a checkout, inside it when installed."""
    inside = Path(__file__).parent / "recipe_files"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "recipes"
