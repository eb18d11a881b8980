"""Ways of drawing: ``draw(table, *, ax=None)`` and ``describe(table)`` for its text."""
