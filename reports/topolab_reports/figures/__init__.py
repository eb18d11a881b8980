"""Figures with a name, one file each: what `topolab figures` lists and the report is made of."""
