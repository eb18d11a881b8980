"""Rebuild the committed reports: ``build.py NAME...``, or ``make report`` for all.

Runs that are finished already in ``runs/gallery`` are used again; so a second build only draws.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import topolab

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RUNS = Path("runs") / "gallery"  # relative: what is written must not name a machine's folders
TITLES = {
    "growth": "RigL, SET and random regrowth on Fashion-MNIST",
    "profiles": "Fan-in profiles of PSN on Fashion-MNIST",
    "nist": "NIST's sparse head on Fashion-MNIST",
    "imported": "Somebody else's checkpoints: gradual magnitude pruning on digits",
}
FRAMES = 16  # a gallery should be small enough to keep


def main() -> None:
    os.chdir(ROOT)
    unknown = set(sys.argv[1:]) - set(TITLES)
    if unknown:
        raise SystemExit(f"unknown {', '.join(unknown)}; there is {', '.join(TITLES)}")
    for name in sys.argv[1:] or TITLES:
        runs = imported() if name == "imported" else trained(name)
        for run in runs:
            accuracy = run[-1].metrics.get("test_accuracy", float("nan"))
            print(f"{run.name}: {len(run)} snapshots, test accuracy {100 * accuracy:.2f} %")
        out = HERE / f"{name}.html"
        begun = time.perf_counter()
        topolab.report(runs, out, title=TITLES[name], frames=FRAMES)
        took = time.perf_counter() - begun
        print(f"{out.name}: {out.stat().st_size / 1e6:.2f} MB, built in {took:.0f} s", flush=True)
        picture(out, HERE / f"{name}.png")


def trained(name: str) -> list[topolab.Run]:
    """The runs of a recipe beside this file, in its order."""
    folder = RUNS / name
    recipe = (HERE / "recipes" / f"{name}.toml").relative_to(ROOT)
    command = [sys.executable, "-m", "topolab", "train", "--recipe", str(recipe)]
    subprocess.run([*command, "--out", str(folder)], check=True)
    import tomllib

    settings = tomllib.loads(recipe.read_text(encoding="utf-8"))
    names = [run["name"] for run in settings["runs"]]
    runs = [run for run in topolab.runs(folder) if run.state == "done"]
    return sorted(runs, key=lambda run: (names.index(run.name.rsplit("-s", 1)[0]), run.seed or 0))


def imported() -> list[topolab.Run]:
    """What a script that knows nothing of topolab left behind, as a run."""
    out = RUNS / "imported" / "magnitude-pruning"
    if not out.exists():
        checkpoints = RUNS / "imported-checkpoints"
        subprocess.run([sys.executable, str(HERE / "foreign.py"), str(checkpoints)], check=True)
        out.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "topolab", "import", str(checkpoints / "*.pt")]
        subprocess.run(
            [*command, "--out", str(out), "--step-from", "name", "--image-shape", "1,8,8"],
            check=True,
        )
    return [topolab.open_run(out)]


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
                f"--user-data-dir={profile}", "--window-size=1280,1400", "--hide-scrollbars",
                "--virtual-time-budget=4000", f"--screenshot={out}", page.as_uri(),
            ],
            check=True,
            capture_output=True,
            timeout=120,
        )  # fmt: skip
    from PIL import Image

    Image.open(out).convert("RGB").quantize(256).save(out, optimize=True)


if __name__ == "__main__":
    main()
