"""Data sets: one file each, local folders first, then a checked download."""
