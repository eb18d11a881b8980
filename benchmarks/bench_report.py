"""How long a report takes to build, and how large it is.

    python benchmarks/bench_report.py [--epochs 2] [--long 260] [--skip-long]

Two runs (RigL and SET) on Fashion-MNIST, 784-1024-1024-10, 90 % sparse, an update and a snapshot
every 100 steps: analyses not yet computed, then the page again with its tables cached. The peer is
the same moving panels drawn as one picture a moment, as the report did before it drew moments from
data, in the same run.

Then two runs of `--long` snapshots of the same network, whose masks are rewired at random between
snapshots: the bound is 10 MB for two runs of 260.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from pathlib import Path

import numpy as np

import topolab
from topolab.registry import find
from topolab_reports.build import build_report
from topolab_reports.images import png, to_address
from topolab_reports.panels import draw_panel
from topolab_reports.report_data import ReportData, choose_moments, view_runs

LAYERS = (
    topolab.LayerSpec("fc1", "linear", (1024, 784), image_shape=(1, 28, 28)),
    topolab.LayerSpec("fc2", "linear", (1024, 1024)),
    topolab.LayerSpec("fc3", "linear", (10, 1024), maskable=False),
)


def built(runs: list[topolab.Run], out: Path, **options: int) -> float:
    begun = time.perf_counter()
    build_report(runs, out, **options)
    return time.perf_counter() - begun


def moving(runs: list[topolab.Run]) -> None:
    """The moving panels: as data, and as one picture a moment."""
    figures = [find("figures", n)() for n in ("degree-ccdf", "psn-fig1", "nsh-fig8", "nsh-fig19")]
    views = view_runs(runs)
    for view in views:
        view.results.update(topolab.analyse(view.run, ["degree", "heatmap"]))
    data = ReportData(tuple(views), choose_moments(runs, 24))
    panels = []
    for figure in figures:
        panels += figure.panels(figure.table(data), data.groups)
    begun = time.perf_counter()
    data = sum(len(str(draw_panel(panel, data))) for panel in panels)
    as_data = time.perf_counter() - begun
    begun = time.perf_counter()
    pictures = 0
    for panel in panels:
        for moment in data.moments:
            step = data.step_of(moment, panel.run)
            pictures += len(to_address(png(panel.draw(panel.at(step)))))
    as_pictures = time.perf_counter() - begun
    moments = len(data.moments)
    print(
        f"{len(panels)} moving panels, {moments} moments: {as_data:.1f} s and {data / 1e6:.2f} MB"
    )
    print(
        f"  as one picture a moment: {as_pictures:.1f} s and {pictures / 1e6:.2f} MB: "
        f"{as_pictures / as_data:.1f} times the time, {pictures / data:.1f} times the bytes"
    )


def long_run(path: Path, snapshots: int, seed: int) -> topolab.Run:
    rng = np.random.default_rng(seed)
    masks = {layer.name: rng.random(layer.shape) < 0.1 for layer in LAYERS}
    masks["fc3"][:] = True
    config = {"method": f"rewired-{seed}"}
    with topolab.Recorder(path, layers=LAYERS, config=config, seed=seed) as recorder:
        for i in range(snapshots):
            for name in ("fc1", "fc2"):
                flat = masks[name].reshape(-1)
                dropped = rng.choice(np.flatnonzero(flat), 2000, replace=False)
                grown = rng.choice(np.flatnonzero(~flat), 2000, replace=False)
                flat[dropped], flat[grown] = False, True
            metrics = {"test_accuracy": 1 - 0.9 * 0.99**i}
            recorder.record(100 * i, masks, epoch=i / 4.69, metrics=metrics)
    return topolab.open_run(path)


def sizes(page: Path) -> str:
    text = page.read_text(encoding="utf-8")
    tables = sum(len(m) for m in re.findall(r'download="[^"]*" href="([^"]*)"', text))
    return f"{page.stat().st_size / 1e6:.2f} MB, of which tables and code {tables / 1e6:.2f} MB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--long", type=int, default=260)
    parser.add_argument("--skip-long", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        runs = [
            topolab.train(
                method, place / method, data="fashion-mnist", sparsity=0.9, epochs=options.epochs,
                seed=42, hidden=(1024, 1024), batch_size=128, update_every=100,
            )
            for method in ("rigl", "set")
        ]  # fmt: skip
        cold = built(runs, place / "report.html")
        warm = built(runs, place / "report.html")
        n = " and ".join(str(len(run)) for run in runs)
        print(f"two Fashion-MNIST runs of {n} snapshots: {cold:.1f} s with the analyses, "
              f"{warm:.1f} s again; {sizes(place / 'report.html')}")  # fmt: skip
        moving(runs)
        if options.skip_long:
            return
        runs = [long_run(place / f"long{seed}", options.long, seed) for seed in (1, 2)]
        cold = built(runs, place / "long.html")
        warm = built(runs, place / "long.html")
        print(f"two runs of {options.long} snapshots: {cold:.0f} s with the analyses, "
              f"{warm:.1f} s again; {sizes(place / 'long.html')}")  # fmt: skip


if __name__ == "__main__":
    main()
