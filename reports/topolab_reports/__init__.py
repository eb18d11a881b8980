"""Reports of topolab: figures that draw tables, sections that explain them, one HTML page."""
