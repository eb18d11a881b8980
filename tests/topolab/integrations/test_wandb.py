"""The topology curves in Weights & Biases, read back from there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tracker_files import by_hand, read_wandb

from topolab.integrations.curves import curves


@pytest.mark.parametrize("own", [True, False])
def test_wandb_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: bool) -> None:
    wandb = pytest.importorskip("wandb", reason="wandb is not installed: topolab[wandb]")
    from topolab.integrations.wandb import WandbWriter

    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "cache"))
    run = by_hand(tmp_path / "run")
    settings: dict[str, Any] = {"project": "p", "dir": tmp_path, "mode": "offline"}
    if own:
        with WandbWriter(**settings) as writer:
            writer.write(run)
    else:
        with wandb.init(**{**settings, "dir": str(tmp_path)}) as mine:
            mine.log({"loss": 1.0})
            WandbWriter(mine).write(run)
            mine.log({"loss": 0.5})
    rows = [row for row in read_wandb(tmp_path) if "topology/density" in row]
    assert [row["_step" if own else "topolab_step"] for row in rows] == [0, 30]
    for row, snapshot in zip(rows, run, strict=True):
        for name, value in curves(snapshot).items():
            assert row[name] == pytest.approx(value)
