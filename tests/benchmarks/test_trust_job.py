"""The short form of the trust job, and that it would notice what it looks for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

JOB = Path(__file__).resolve().parents[2] / "benchmarks" / "trust"


def test_some_kills_and_mutations(long_form: bool) -> None:
    kills, mutations = (20, 800) if long_form else (5, 400)
    done = subprocess.run(
        [sys.executable, str(JOB), "--kills", str(kills), "--mutations", str(mutations),
         "--seed", "11"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = done.stdout
    assert done.returncode == 0, said + done.stderr
    assert f"{kills} kills, seed 11" in said and "broken promises: 0" in said
    assert f"| all | {mutations} |" in said and "ended badly: 0" in said


BAD = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import numpy as np, torch
from targets import Target
from topolab.errors import RunError
from worker import Watch, answers, run_case
def make(folder):
    (folder / "x").write_bytes(b"0" * 100)
armed = False
def bad(what):
    def read(folder, ask):
        ask("right", lambda: 1)
        if armed:
            ask("asked", what, compare=False)
    return read
def changed(folder, ask):
    ask("right", lambda: 2 if armed else 1)
def missing(folder, ask):
    if not armed: ask("right", lambda: 1)
def refused(): raise RunError("no")
cases = {
    "well": lambda: None,
    "refused": refused,
    "exception": lambda: {}["x"],
    "memory": lambda: np.ones(150_000_000).sum(),
    "address space": lambda: np.ones(10**12),
    "file outside": lambda: Path("../root/sentinel-2").write_text("x"),
    "removed": lambda: Path("sentinel").unlink(),
    "unheard": lambda: np.ones(3).tofile("unheard"),
    "system": lambda: os.system("true"),
    "pickle": lambda: __import__("pickle").loads(b"cos\\nsystem\\n(S'touch PWNED'\\ntR."),
    "exec": lambda: exec(compile("x = 1", "mine.py", "exec")),
}
targets = {name: Target(name, make, bad(what), ("x",)) for name, what in cases.items()}
targets["changed"] = Target("changed", make, changed, ("x",))
targets["missing"] = Target("missing", make, missing, ("x",))
watch, work = Watch(), Path(sys.argv[2])
import resource
resource.setrlimit(resource.RLIMIT_AS, (12 * 2**30, 12 * 2**30))
for name, target in targets.items():
    pristine = work / name
    pristine.mkdir()
    make(pristine)
    armed = False
    right = answers(target, pristine)
    armed = True
    done = run_case(watch, target, pristine, right, work / "root", "1")
    os.chdir(work)
    print(f"{name}: {done['outcome']}: {done['detail']}")
"""


def test_the_job_would_notice(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BAD, str(JOB), str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert {name: text.split(":")[0] for name, text in said.items()} == {
        "well": "right data",
        "refused": "refused",
        "exception": "OTHER EXCEPTION",
        "memory": "MEMORY",
        "address space": "OTHER EXCEPTION",
        "file outside": "OUTSIDE OR CODE",
        "removed": "OUTSIDE OR CODE",
        "unheard": "OUTSIDE OR CODE",
        "system": "OUTSIDE OR CODE",
        "pickle": "OUTSIDE OR CODE",
        "exec": "OUTSIDE OR CODE",
        "changed": "WRONG DATA",
        "missing": "WRONG DATA",
    }


@pytest.mark.parametrize(
    ("script", "outcome", "seconds"),
    [
        ("import time; print('ready', flush=True); time.sleep(3600)", "HANG", 1),
        ("print('ready', flush=True); input(); import os; os._exit(139)", "DIED", 600),
    ],
)
def test_a_process_that_hangs_or_dies_is_noticed(
    script: str, outcome: str, seconds: int, tmp_path: Path
) -> None:
    (tmp_path / "worker.py").write_text(script)
    ask = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1])\n"
        "from damage import Worker\n"
        "work, seconds = Path(sys.argv[2]), int(sys.argv[3])\n"
        "worker = Worker(work, work / 'worker.py', seconds=seconds)\n"
        "print([worker.case(0, 'x')['outcome'] for _ in range(2)]); worker.stop()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", ask, str(JOB), str(tmp_path), str(seconds)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout == f"['{outcome}', '{outcome}']\n", done.stderr
