"""Figures: one file each, ``draw(table, *, ax=None)`` and ``describe(table)`` for its text."""
