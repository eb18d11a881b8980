"""Analyses of topolab: one file each, a run in, tidy tables out."""
