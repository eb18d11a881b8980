"""Sections of a report: one file each, found by entry point."""
