"""Runs and pages that several test files look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import topolab
from conftest import record_example
from topolab_reports.build import build_report


@pytest.fixture(scope="session")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[topolab.Run]]]:
    """A report of two small runs, at five of the seven moments."""
    folder = tmp_path_factory.mktemp("report")
    runs = [
        record_example(folder / "one", snapshots=7, seed=1, method="set"),
        record_example(folder / "two", snapshots=4, seed=2, method="rigl"),
    ]
    yield build_report(runs, folder / "report.html", frames=5), runs
