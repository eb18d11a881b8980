"""``topolab import``: what it prints where, and its exit codes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import command
import pytest
import torch
from command import Outcome

import topolab


def run(*arguments: object) -> Outcome:
    return command.run("import", *map(str, arguments))


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoints")
    for step in (9, 10):
        masks = {"fc1": torch.eye(5, 4), "fc2": torch.ones(2, 5)}
        torch.save({"masks": masks}, folder / f"ckpt_{step}.pt")
    return folder


def test_import_and_inspect(checkpoints: Path, tmp_path: Path) -> None:
    seen = run(checkpoints, "--inspect")
    assert seen.code == 0 and "convention: masks-dict" in seen.out
    assert "2 snapshots, steps 9, 10" in seen.out
    assert "fc1\tlinear\t5 x 4\tstatic\t20.00 %\t20.00 %\tno" in seen.out
    assert not list(tmp_path.iterdir())
    found = run(checkpoints, "--inspect", "--json").json
    assert found["convention"] == "masks-dict" and found["layers"][1]["state"] == "dense"
    out = tmp_path / "runs" / "x"
    done = run(checkpoints, "--out", out, "--image-shape", "1,2,2", "--seed", 4)
    assert done.code == 0, done.err
    assert done.out == f"{out}\n" and "dense in every checkpoint: fc2" in done.err
    opened = topolab.open_run(out)
    assert opened.steps.tolist() == [9, 10] and opened.layers[0].image_shape == (1, 2, 2)
    assert "topolab import" in opened.manifest["command"]
    again = run(checkpoints, "--out", out)
    assert again.code == 2 and "something is already there" in again.err
    as_json = run(checkpoints / "ckpt_9.pt", "--out", tmp_path / "y", "--json")
    assert as_json.json["steps"] == [9] and as_json.err == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--out"),
        (["--out", "x", "--image-shape", "28"], "three numbers"),
        (["--out", "x", "--image-shape", "0,2,2"], "above 0"),
        (["--out", "x", "--image-shape", "1,3,3"], "does not hold its 4 inputs"),
        (["--out", "x", "--max-gib", "0"], "must be above 0"),
        (["--inspect", "--format", "nonsense"], "unknown convention"),
        (["--inspect", "--model-order", "none.txt"], "none.txt"),
    ],
)
def test_wrong_requests(
    checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    arguments: list[str], words: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    done = run(checkpoints, *arguments)
    assert done.code == 2 and words in done.err, done.err
    assert not list(tmp_path.iterdir())


def test_code_is_refused_with_a_way_out(tmp_path: Path) -> None:
    torch.save({"masks": {"fc": torch.eye(2)}, "dir": Path("x")}, tmp_path / "1.pt")
    done = run(tmp_path / "1.pt", "--inspect")
    assert done.code == 2 and "pathlib" in done.err and "torch.save(plain" in done.err
    assert done.out == ""


def test_its_help_imports_nothing_heavy() -> None:
    script = (
        "import sys; sys.argv = ['topolab', 'import', '--help']\n"
        "from topolab.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('HEAVY', sorted({'torch', 'numpy', 'pandas', 'scipy'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "HEAVY []" in done.stdout and "--inspect" in done.stdout, done.stdout[-200:]
