"""The contract of an exporter."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from topolab.errors import TopolabError
from topolab.exporters import export
from topolab.exporters.base import Exporter
from topolab.registry import Group
from topolab.testing.contract import Contract
from topolab.testing.runs import make_run

__all__ = ["ExporterContract"]


class ExporterContract(Contract):
    """What every registered exporter does."""

    group: ClassVar[Group] = "exporters"

    def test_what_it_says(self, name: str) -> None:
        """It has a name, a suffix and a summary."""
        exporter = self.entry(name)()
        assert isinstance(exporter, Exporter) and exporter.name == name
        assert exporter.suffix.startswith(".") and 3 < len(exporter.summary) < 80

    @pytest.mark.parametrize("kind", ["small", "conv", "empty"])
    def test_equal_networks_are_equal_bytes(self, name: str, kind: str, tmp_path: Path) -> None:
        """Written twice it is the same, with weights and without an edge too."""
        run = make_run(tmp_path / "r", kind, rich=True)  # type: ignore[arg-type]
        written = []
        for folder in ("one", "another"):
            (tmp_path / folder).mkdir()
            out = tmp_path / folder / f"graph{self.entry(name).suffix}"
            written.append([p.read_bytes() for p in export(run, out, to=name)])
        assert written[0] == written[1] and all(written[0])

    def test_nothing_is_overwritten_unasked(self, name: str, tmp_path: Path) -> None:
        """A file that is there stays, unless it is forced."""
        run = make_run(tmp_path / "r")
        out = tmp_path / f"graph{self.entry(name).suffix}"
        before = {path: path.read_bytes() for path in export(run, out, to=name, step="first")}
        with pytest.raises(TopolabError, match="there already"):
            export(run, out, to=name)
        assert {path: path.read_bytes() for path in before} == before
        assert export(run, out, to=name, force=True) == list(before)
