"""Recording: what is refused, what is kept, what happens when the process or the disk dies."""

from __future__ import annotations

import math
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import topolab
from topolab.errors import ConfigError, LayerError, RunError, RunExistsError
from topolab.store import files, verify_run

LAYER = topolab.LayerSpec("a", "linear", (3, 4))
MASK = np.eye(3, 4, dtype=bool)
KILLED = """
import sys, numpy as np, topolab
layer = topolab.LayerSpec("a", "linear", (300, 400))
recorder = topolab.Recorder(sys.argv[1], layers=[layer], resume=True)
rng = np.random.default_rng(0)
step = (recorder.last_step if recorder.last_step is not None else -1) + 1
print("ready", flush=True)
while True:
    recorder.record(step, {"a": rng.random((300, 400)) < 0.1})
    print(step, flush=True)
    step += 1
"""


def record(path: Path, steps: int = 3, **options: object) -> topolab.Run:
    with topolab.Recorder(path, layers=[LAYER], **options) as recorder:  # type: ignore[arg-type]
        for step in range(steps):
            recorder.record(step, {"a": MASK})
    return topolab.open_run(path)


def test_masks_of_every_sort_are_the_same_run(tmp_path: Path) -> None:
    kinds = [MASK, MASK.astype(float), MASK.astype(np.uint8), torch.from_numpy(MASK)]
    kinds += [torch.nn.Parameter(torch.from_numpy(MASK).float())]
    for i, mask in enumerate(kinds):
        with topolab.Recorder(tmp_path / str(i), layers=[LAYER]) as recorder:
            recorder.record(0, {"a": mask})
    assert len({topolab.open_run(tmp_path / str(i)).identity for i in range(len(kinds))}) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"masks": {}}, "no mask was given for layer a"),
        ({"masks": {"a": MASK.T}}, r"layer a: a mask of shape \(4, 3\) where \(3, 4\)"),
        ({"masks": {"a": 0.5 * MASK}}, "only 0 and 1"),
        ({"masks": {"a": np.full((3, 4), np.nan)}}, "only 0 and 1"),
        ({"masks": {"a": MASK, "b": MASK}}, r"unknown layers \['b'\]"),
        ({"masks": {"a": MASK}, "weights": {"a": np.ones(3)}}, "weights of shape"),
        ({"masks": {"a": MASK}, "activity": {"a": np.ones(4)}}, "one value for each of its 3"),
    ],
)
def test_masks_that_do_not_fit(tmp_path: Path, arguments: dict, message: str) -> None:  # type: ignore[type-arg]
    with topolab.Recorder(tmp_path / "r", layers=[LAYER]) as recorder:
        with pytest.raises(LayerError, match=message):
            recorder.record(0, **arguments)
        recorder.record(0, {"a": MASK})
    assert len(topolab.open_run(tmp_path / "r")) == 1


@pytest.mark.parametrize("path", [None, 3, ["r"]])
def test_what_is_no_path_is_refused_in_a_sentence(path: object) -> None:
    with pytest.raises(ConfigError, match="is no path; give the folder of the new run"):
        topolab.Recorder(path, layers=[LAYER])  # type: ignore[arg-type]


def test_steps_increase(tmp_path: Path) -> None:
    with topolab.Recorder(tmp_path / "r", layers=[LAYER]) as recorder:
        recorder.record(5, {"a": MASK})
        for step in (5, 4, -1):
            with pytest.raises(RunError, match="cannot follow that of step 5"):
                recorder.record(step, {"a": MASK})


def test_weights_activity_gradient_metrics_come_back(tmp_path: Path) -> None:
    weight = np.arange(12.0).reshape(3, 4)
    with topolab.Recorder(tmp_path / "r", layers=[LAYER]) as recorder:
        recorder.record(
            0,
            {"a": MASK},
            epoch=0.5,
            weights={"a": torch.from_numpy(weight)},
            activity={"a": [1, 2, 3]},
            gradient={"a": [4, 5, 6]},
            metrics={"loss": math.nan, "accuracy": np.float32(0.5)},
        )
    shot = topolab.open_run(tmp_path / "r")[0]
    assert shot.weights["a"].tolist() == [0, 5, 10]  # type: ignore[union-attr]
    assert shot.activity["a"].tolist() == [1, 2, 3]  # type: ignore[union-attr]
    assert shot.gradient["a"].tolist() == [4, 5, 6]  # type: ignore[union-attr]
    assert math.isnan(shot.metrics["loss"]) and shot.metrics["accuracy"] == 0.5
    assert shot.epoch == 0.5


def test_an_unknown_layer_is_named_and_known_ones_listed(tmp_path: Path) -> None:
    shot = record(tmp_path / "r")[0]
    for ask in (lambda: shot.masks["x"], lambda: shot.nnz("x"), lambda: shot.biadjacency("x")):
        with pytest.raises(LayerError, match=r"^no layer 'x'; this run has a$"):
            ask()
    assert shot.masks.get("x") is None and "x" not in shot.weights and list(shot.masks) == ["a"]


def test_a_dense_layer_may_be_left_out(tmp_path: Path) -> None:
    layers = [topolab.LayerSpec("a", "linear", (3, 4), maskable=False)]
    with topolab.Recorder(tmp_path / "r", layers=layers) as recorder:
        recorder.record(0, {})
    assert topolab.open_run(tmp_path / "r")[0].masks["a"].all()


def test_an_existing_run_is_refused_and_untouched(tmp_path: Path) -> None:
    before = record(tmp_path / "r").identity
    with pytest.raises(RunExistsError, match=r"continue it \(resume\)"):
        topolab.Recorder(tmp_path / "r", layers=[LAYER])
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("mine")
    with pytest.raises(RunExistsError, match="not empty"):
        topolab.Recorder(tmp_path / "other", layers=[LAYER])
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunError, match="cannot be made"):
        topolab.Recorder(tmp_path / "file", layers=[LAYER])
    assert topolab.open_run(tmp_path / "r").identity == before
    assert (tmp_path / "file").read_text() == "mine"


def test_a_resumed_run_is_compared_and_continued(tmp_path: Path) -> None:
    record(tmp_path / "r", steps=3)
    with topolab.Recorder(tmp_path / "r", layers=[LAYER], resume=True) as recorder:
        recorder.record(1, {"a": MASK})
        recorder.record(2, {"a": MASK})
        recorder.record(3, {"a": MASK})
    assert topolab.open_run(tmp_path / "r").steps.tolist() == [0, 1, 2, 3]
    resumed = topolab.Recorder(tmp_path / "r", layers=[LAYER], resume=True)
    with pytest.raises(RunError, match="diverged"):
        resumed.record(3, {"a": ~MASK})
    resumed.close()
    assert topolab.open_run(tmp_path / "r").verify().ok


def test_a_resumed_run_must_be_the_same(tmp_path: Path) -> None:
    record(tmp_path / "r", config={"lr": 0.1, "widths": (1, 2)}, seed=1)
    topolab.Recorder(
        tmp_path / "r", layers=[LAYER], config={"lr": 0.1, "widths": [1, 2]}, seed=1, resume=True
    ).close()
    with pytest.raises(RunError, match=r"config differs .*lr was 0.1, now 0.2"):
        topolab.Recorder(
            tmp_path / "r",
            layers=[LAYER],
            config={"lr": 0.2, "widths": [1, 2]},
            seed=1,
            resume=True,
        )
    with pytest.raises(RunError, match="seed was 1, now 2"):
        topolab.Recorder(
            tmp_path / "r",
            layers=[LAYER],
            config={"lr": 0.1, "widths": [1, 2]},
            seed=2,
            resume=True,
        )


def test_a_failure_is_noted_and_an_interruption_is_not(tmp_path: Path) -> None:
    for name, error in (("failed", ValueError("a NaN")), ("interrupted", KeyboardInterrupt())):
        with (
            pytest.raises(type(error)),
            topolab.Recorder(tmp_path / name, layers=[LAYER]) as recorder,
        ):
            recorder.record(7, {"a": MASK})
            raise error
        assert topolab.open_run(tmp_path / name).state == name
    failure = topolab.open_run(tmp_path / "failed").failure
    assert failure is not None
    assert (failure["error"], failure["message"], failure["last_recorded_step"]) == (
        "ValueError", "a NaN", 7,
    )  # fmt: skip


def test_recording_draws_no_random_number(tmp_path: Path) -> None:
    random.seed(1), np.random.seed(1), torch.manual_seed(1)  # noqa: NPY002
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # noqa: NPY002
    record(tmp_path / "r")
    after = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # noqa: NPY002
    assert states == after


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    recorder = topolab.Recorder(tmp_path / "r", layers=[LAYER])
    recorder.record(0, {"a": MASK})
    script = (
        "import sys, topolab\n"
        "layer = topolab.LayerSpec('a', 'linear', (3, 4))\n"
        "try: topolab.Recorder(sys.argv[1], layers=[layer], resume=True)\n"
        "except topolab.TopolabError as error: print(error)\n"
        "print(len(topolab.open_run(sys.argv[1])), topolab.open_run(sys.argv[1]).state)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "r")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"another process is writing this run (process {os.getpid()}" in done.stdout
    assert done.stdout.endswith("1 running\n")
    recorder.finish()
    assert topolab.open_run(tmp_path / "r").state == "done"


@pytest.mark.parametrize("call", ["fsync", "link"])
def test_a_write_error_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    recorder = topolab.Recorder(tmp_path / "r", layers=[LAYER])
    recorder.record(0, {"a": MASK})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", full)
        if call == "link":
            patch.setattr(files.os, "link", full)
        with pytest.raises(RunError, match="No space left on device"):
            recorder.record(1, {"a": MASK})
    recorder.record(1, {"a": MASK})
    recorder.finish()
    run = topolab.open_run(tmp_path / "r")
    assert run.steps.tolist() == [0, 1] and run.verify().ok
    assert not list((tmp_path / "r" / "snapshots").glob(".writing*"))


def test_a_full_disk_in_a_real_process(tmp_path: Path) -> None:
    script = (
        "import resource, signal, sys, numpy as np, topolab\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "layer = topolab.LayerSpec('a', 'linear', (300, 400))\n"
        "recorder = topolab.Recorder(sys.argv[1], layers=[layer])\n"
        "recorder.record(0, {'a': np.ones((300, 400))})\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (8000, 8000))\n"
        "try: recorder.record(1, {'a': np.ones((300, 400))})\n"
        "except topolab.TopolabError as error: print('refused:', error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "r")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "refused:" in done.stdout and "everything recorded before is intact" in done.stdout
    run = topolab.open_run(tmp_path / "r")
    assert len(run) == 1 and run.verify().ok


def test_a_killed_process_loses_nothing(tmp_path: Path, long_form: bool) -> None:
    """SIGKILL at random moments: what `record` returned from is there, nothing is half there."""
    rng, promised = random.Random(5), 0
    for _ in range(8 if long_form else 4):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path / "r")], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        # So many are waited for, however slow the machine; then it is killed within the next ones.
        said = [int(process.stdout.readline()) for _ in range(rng.randrange(10))]
        time.sleep(rng.uniform(0, 0.02))
        process.send_signal(signal.SIGKILL)
        said += [int(line) for line in process.stdout.read().split()]
        process.wait()
        process.stdout.close()
        outcome = verify_run(tmp_path / "r")
        assert outcome.ok, outcome.problems
        run = topolab.open_run(tmp_path / "r")
        assert run.steps.tolist() == list(range(len(run)))
        assert run.state == "interrupted"
        if said:
            assert len(run) > said[-1]
        promised += len(said)
    assert len(run) >= promised > 10


def test_leftovers_are_swept_by_the_next_writer(tmp_path: Path) -> None:
    record(tmp_path / "r")
    leftover = tmp_path / "r" / "snapshots" / ".writing-1-abc"
    leftover.write_bytes(b"half")
    assert verify_run(tmp_path / "r").ok
    topolab.Recorder(tmp_path / "r", layers=[LAYER], resume=True).close()
    assert not leftover.exists()


def names(path: Path) -> list[Path]:
    return sorted((path / "snapshots").glob("*.safetensors"))
