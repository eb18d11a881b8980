"""The command line: thin commands, each of which calls one public function.

Nothing heavy is imported before a command runs, so that help answers at once.
"""

from __future__ import annotations

from topolab.cli.app import app, main

__all__ = ["app", "main"]
