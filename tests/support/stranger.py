"""A package of somebody else's, installed as far as entry points can see."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

__all__ = ["install"]


def install(folder: Path, module: str, source: str, entries: Mapping[str, str]) -> None:
    """Write a module and the entry points that lead to it: ``{"commands.hello": "module:HELLO"}``.

    The folder must be on ``sys.path`` (``monkeypatch.syspath_prepend``) from then on.
    """
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    lines = []
    for key, value in entries.items():
        group, _, name = key.partition(".")
        lines.append(f"[topolab.{group}]\n{name} = {value}\n")
    (info / "entry_points.txt").write_text("".join(lines))
    (folder / f"{module}.py").write_text(source)
