"""Rebuild the committed report: RigL against SET on Fashion-MNIST, two epochs each, 90 % sparse.

Run from the checkout: ``make report`` (about two minutes of training on two cores).
Runs that are finished already in ``runs/gallery`` are used again.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import topolab
from topolab.registry import find

HERE = Path(__file__).resolve().parent
RUNS = HERE.parents[1] / "runs" / "gallery"
# SET's own rhythm is one update per epoch; both methods update every 100 steps here, so that two
# epochs show more than one update and the runs have the same number of snapshots.
COMMON = {
    "data": "fashion-mnist",
    "sparsity": 0.9,
    "epochs": 2,
    "seed": 42,
    "hidden": (1024, 1024),
    "batch_size": 128,
    "update_every": 100,
}


def main() -> None:
    runs = []
    for method in ("rigl", "set"):
        path = RUNS / method
        if path.exists() and topolab.open_run(path).state == "done":
            runs.append(topolab.open_run(path))
            continue
        print(f"training {method} ...", flush=True)
        runs.append(
            topolab.train(method, path, resume=path.exists(), command="make report", **COMMON)
        )
    for run in runs:
        accuracy = run[-1].metrics["test_accuracy"]
        print(f"{run.name}: {len(run)} snapshots, test accuracy {100 * accuracy:.2f} %")
    out = HERE / "rigl-set-fashion-mnist.html"
    find("reporters", "html")(runs, out, title="RigL and SET on Fashion-MNIST")
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB")
    picture(out, HERE / "rigl-set-fashion-mnist.png")


def picture(page: Path, out: Path) -> None:
    """A picture of the top of the page, for README; needs Chromium."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        print("no Chromium here, so the picture was left as it is", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                f"--user-data-dir={profile}", "--window-size=1280,1500", "--hide-scrollbars",
                "--virtual-time-budget=4000", f"--screenshot={out}", page.as_uri(),
            ],
            check=True,
            capture_output=True,
            timeout=120,
        )  # fmt: skip
    print(out)


if __name__ == "__main__":
    main()
