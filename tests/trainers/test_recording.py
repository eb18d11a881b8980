"""What is recorded besides the masks, and what survives a kill, Ctrl-C or a full disk."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from alone import Alone
from safetensors.torch import load_file

import topolab
from topolab.metrics.hierarchy import gradient_ratio
from topolab.registry import find
from topolab_trainers.data.digits import DIGITS
from topolab_trainers.loop import train
from topolab_trainers.measures import epochs_to, probe_activity, probe_gradient
from topolab_trainers.recipes import PlannedRun
from topolab_trainers.training import train as train_by_plan

SMALL: dict[str, Any] = {
    "data": "digits", "hidden": (48, 32), "epochs": 3, "batch_size": 64, "seed": 3, "threads": 1,
    "sparsity": 0.8, "update_every": 7,
}  # fmt: skip


def contents(run: topolab.Run) -> dict[str, bytes]:
    files = {p.name: p.read_bytes() for p in sorted((run.path / "snapshots").iterdir())}
    return files | {"final": (run.path / "final.safetensors").read_bytes()}


def made(name: str = "rigl", **more: Any) -> Alone:
    method = find("methods", name)()
    return Alone(method, method.configure(**{**SMALL, **more}), DIGITS.load())


def test_activity_is_the_mean_after_norm_and_relu() -> None:
    trainer = made()
    x = trainer.x[trainer.replica.probe]
    found = probe_activity(trainer.model, x)
    with torch.no_grad():
        hidden = torch.nn.functional.linear(x, trainer.weights["fc1"])  # biases start at 0
        hidden = torch.relu(torch.nn.functional.layer_norm(hidden, (48,)))
    torch.testing.assert_close(found["fc1"], hidden.mean(0))
    with torch.no_grad():
        torch.testing.assert_close(found["fc3"], trainer.model(x).abs().mean(0))
    assert len(trainer.replica.probe) == 512


@pytest.mark.parametrize("engine", ["masked", "csr"])
def test_gradients_are_means_over_the_active_weights(engine: str) -> None:
    trainer = made(engine=engine)
    x, y = trainer.x[trainer.replica.probe], trainer.y[trainer.replica.probe]
    gradient, ratio = probe_gradient(trainer.model, trainer.storages, x, y)
    mask = trainer.masks["fc2"]
    # An independent pass through dense weights.
    weights = {k: v.clone().requires_grad_() for k, v in trainer.weights.items()}
    h = x
    for i in (1, 2):
        h = torch.nn.functional.linear(h, weights[f"fc{i}"])
        h = torch.relu(torch.nn.functional.layer_norm(h, h.shape[1:]))
    loss = torch.nn.functional.cross_entropy(h @ weights["fc3"].t(), y)
    (dense,) = torch.autograd.grad(loss, weights["fc2"])
    expected = torch.stack([dense[i][mask[i]].abs().mean() if mask[i].any() else torch.tensor(0.0)
                            for i in range(32)])  # fmt: skip
    torch.testing.assert_close(gradient["fc2"], expected, rtol=1e-3, atol=1e-7)
    fan_in = mask.sum(1)
    order = torch.argsort(fan_in, descending=True, stable=True)
    upper, lower = order[:16], order[16:]
    direct = float(dense[upper][mask[upper]].abs().mean() / dense[lower][mask[lower]].abs().mean())
    assert ratio["fc2"]["active"] == pytest.approx(direct, rel=1e-3)
    masked = (dense * mask).abs()
    over_all = float(masked[upper].mean() / masked[lower].mean())
    assert ratio["fc2"]["all"] == pytest.approx(over_all, rel=1e-3)
    assert set(ratio) == {"fc1", "fc2"}  # the last layer is dense
    assert all(p.grad is None for p in trainer.model.parameters())


def test_gradient_ratio_of_odd_and_empty_layers() -> None:
    # Sorted by fan-in: 9, 5, 4; the one in the middle is in neither half.
    assert gradient_ratio([2.0, 100.0, 1.0], [9, 5, 4]) == 2
    assert np.isnan(gradient_ratio([1.0, 1.0], [3, 0]))
    from topolab.errors import AnalysisError

    with pytest.raises(AnalysisError, match="at least two neurons"):
        gradient_ratio([1.0], [1])
    with pytest.raises(AnalysisError, match="one gradient and one fan-in"):
        gradient_ratio([1.0, 2.0], [1, 2, 3])


def test_what_is_asked_for_is_recorded_at_every_update(tmp_path: Path) -> None:
    whole = topolab.train("rigl", tmp_path / "r", **SMALL, record="weights,activity,gradient")
    assert whole.steps.tolist() == [0, 7, 14, 21, 28, 35, 42, 49, 69]
    for shot in whole:
        for layer in whole.layers:
            assert shot.activity[layer.name].shape == (layer.n_out,)
            assert shot.gradient[layer.name].shape == (layer.n_out,)
            assert len(shot.weights[layer.name]) == shot.nnz(layer.name)
        ratio = gradient_ratio(shot.gradient["fc1"], shot.masks["fc1"].sum(1))
        assert shot.metrics["gradient_ratio.fc1"] == pytest.approx(ratio, rel=1e-5)
        over_all = gradient_ratio(shot.gradient["fc1"], shot.masks["fc1"].sum(1), reading="all")
        assert shot.metrics["gradient_ratio_all.fc1"] == pytest.approx(over_all, rel=1e-5)
        assert {"test_loss", "test_accuracy"} <= set(shot.metrics)
        if shot.step:
            assert {"train_loss", "train_accuracy", "learning_rate"} <= set(shot.metrics)
    update = whole[1].metrics
    before, after = whole[0].masks["fc1"], whole[1].masks["fc1"]
    assert update["dropped.fc1"] == (before & ~after).sum() > 0
    assert update["grown.fc1"] == (after & ~before).sum()
    plain = topolab.train("rigl", tmp_path / "p", **SMALL)
    assert plain[1].weights["fc1"] is plain[1].activity["fc1"] is plain[1].gradient["fc1"] is None
    # Recording does not change the training.
    assert contents(plain)["final"] == contents(whole)["final"]


def test_train_accuracy_is_that_of_the_batches_as_they_were_seen() -> None:
    trainer = made("static")
    right = 0
    for step in range(1, 4):
        chosen = torch.arange(64) + 64 * step
        with torch.no_grad():
            right += int((trainer.model(trainer.x[chosen]).argmax(1) == trainer.y[chosen]).sum())
        trainer.one_step(step, chosen, update=False)
    assert int(trainer.right[0]) == right and trainer.replica.samples == 192


def test_nists_measures_are_in_the_summary(tmp_path: Path) -> None:
    run = topolab.train("static", tmp_path / "r", **{**SMALL, "epochs": 6, "lr": 0.01})
    summary = run.summary
    history = summary["test_accuracy_per_epoch"]
    assert len(history) == 6 and history[-1] == summary["test_accuracy"]
    assert history == [shot.metrics["test_accuracy"] for shot in run][1:]
    reached = summary["epochs_to_95"]
    assert history[reached - 1] >= 0.95 * history[-1] > max([0, *history[: reached - 1]])
    active = sum(run[-1].nnz(layer.name) for layer in run.layers)
    dense = sum(layer.size for layer in run.layers)
    assert summary["compression"] == dense / active
    assert summary["training_flops"] == 4 * active * 1442 * 6
    assert epochs_to([0.1, 0.2]) == 2 and epochs_to([0.9, 0.1]) == 1


# -- kill, Ctrl-C, full disk ---------------------------------------------------------------------

#: It says so after some steps; soon after it slows down, not to be done before it is ended.
SCRIPT = """
import json, signal, sys, time
from pathlib import Path
from topolab.registry import find
from topolab_trainers.loop import train
signal.signal(signal.SIGINT, signal.default_int_handler)
folder, name, settings, first = sys.argv[1:]
method = find("methods", name)()
steps = 0
def on_step(*report):
    global steps
    steps += 1
    if steps == int(first):
        print("now", flush=True)
    if steps > int(first) + 40:
        time.sleep(0.5)
try:
    train(method, method.configure(**json.loads(settings)), Path(folder), resume=True,
          save_every=0.02, on_step=on_step)
except KeyboardInterrupt:
    sys.exit(130)
"""


def long_settings(method: str) -> dict[str, Any]:
    """690 steps, which three interruptions do not reach the end of."""
    chosen: dict[str, Any] = {
        "data": "digits", "hidden": [24, 16], "epochs": 30, "batch_size": 64, "seed": 3,
        "threads": 1,
    }  # fmt: skip
    if method == "lottery":
        chosen |= {"epochs": 10, "rounds": 2}
    if method == "nist":
        return chosen | {"neuroseeds": [3, 8, 5], "prune_to": 0.85}
    return chosen | {"sparsity": 0.8, "update_every": 7}


def interrupted(folder: Path, method: str, number: signal.Signals, first: int, wait: float) -> int:
    """The exit code of a process that is ended at a random moment after so many steps."""
    settings = json.dumps(long_settings(method))
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(folder), method, settings, str(first)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "now\n"
    time.sleep(wait)
    process.send_signal(number)
    process.communicate()
    return process.returncode


@pytest.mark.parametrize(
    ("method", "number"),
    [
        ("rigl", signal.SIGKILL),
        ("momentum", signal.SIGKILL),
        ("lottery", signal.SIGKILL),
        ("srigl", signal.SIGINT),
        ("nist", signal.SIGINT),
    ],
)
def test_any_interruption_resumes_to_the_same_bytes(
    method: str, number: signal.Signals, tmp_path: Path, long_form: bool
) -> None:
    """A real process, ended at random moments, snapshots and final weights byte for byte."""
    rng = random.Random(f"{method}{number}")
    for _ in range(3 if long_form else 1):
        first, wait = rng.randrange(1, 60), rng.uniform(0, 0.05)
        code = interrupted(tmp_path / "r", method, number, first, wait)
        assert code == (130 if number == signal.SIGINT else -9)
    assert topolab.open_run(tmp_path / "r").state == "interrupted"
    chosen = find("methods", method)()
    config = chosen.configure(**long_settings(method))
    whole = train(chosen, config, tmp_path / "whole")
    resumed = train(chosen, config, tmp_path / "r", resume=True)
    assert contents(whole) == contents(resumed) and resumed.verify().ok
    assert resumed.state == "done"


@pytest.fixture
def ctrl_c() -> Iterator[Callable[[], None]]:
    """Press Ctrl-C in this process, where the handler may have been ignored from the start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: os.kill(os.getpid(), signal.SIGINT)
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("moment", ["first record", "after the look", "last step"])
def test_ctrl_c_at_any_moment_saves_the_state(
    moment: str, tmp_path: Path, ctrl_c: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two looks at what is pending, too: nothing stops that was not saved before."""
    method = find("methods", "set")()
    config = method.configure(data="digits", hidden=(16,), epochs=2, threads=1)
    steps: list[int] = []

    def on_step(step: int, total: int, metrics: Any) -> None:
        steps.append(step)
        if step == {"after the look": 5, "last step": total}.get(moment):
            ctrl_c()

    if moment == "first record":
        record = topolab.Recorder.record

        def pressed(self: topolab.Recorder, step: int, *given: Any, **more: Any) -> None:
            if step == 0:
                ctrl_c()
            record(self, step, *given, **more)

        monkeypatch.setattr(topolab.Recorder, "record", pressed)
    with pytest.raises(KeyboardInterrupt):
        train(method, config, tmp_path / "r", on_step=on_step)
    run = topolab.open_run(tmp_path / "r")
    if moment == "last step":
        assert run.state == "done"  # what was asked for is done, and the interruption is told
        return
    assert run.state == "interrupted" and run.verify().ok and run.resume_state.exists()
    assert steps[-1] == (1 if moment == "first record" else 6)
    monkeypatch.undo()
    whole = train(method, config, tmp_path / "whole")
    assert contents(train(method, config, tmp_path / "r", resume=True)) == contents(whole)


@pytest.mark.parametrize("at", [0, 12])
def test_ctrl_c_saves_every_replica(
    at: int, tmp_path: Path, ctrl_c: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    record = topolab.Recorder.record

    def pressed(self: topolab.Recorder, step: int, *given: Any, **more: Any) -> None:
        record(self, step, *given, **more)
        if step == at and self.path.name == "s1":
            ctrl_c()

    settings = {"data": "digits", "hidden": (16,), "epochs": 2, "threads": 1}
    plan = [PlannedRun(f"s{s}", "set", {**settings, "seed": s}) for s in (1, 2)]
    with monkeypatch.context() as patch:
        patch.setattr(topolab.Recorder, "record", pressed)
        with pytest.raises(KeyboardInterrupt):
            train_by_plan(plan, tmp_path / "r", batched=True)
    for name in ("s1", "s2"):
        assert topolab.open_run(tmp_path / "r" / name).resume_state.exists()
    whole = train_by_plan(plan, tmp_path / "whole", batched=True)
    resumed = train_by_plan(plan, tmp_path / "r", batched=True)
    assert [contents(run) for run in resumed] == [contents(run) for run in whole]


def test_a_full_disk_stops_cleanly(tmp_path: Path) -> None:
    """No file may grow past a limit, as on a full disk: what was recorded stays and goes on."""
    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from topolab.errors import TopolabError; from topolab.registry import find\n"
        "from topolab_trainers.loop import train\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "method = find('methods', 'rigl')()\n"
        "config = method.configure(data='digits', hidden=(24, 16), epochs=4, batch_size=64,\n"
        "    sparsity=0.8, update_every=7, threads=1, record='weights')\n"
        "def tick(step, total, metrics):\n"
        "    if step == 30:\n"
        "        resource.setrlimit(resource.RLIMIT_FSIZE, (500, resource.RLIM_INFINITY))\n"
        "try:\n"
        "    train(method, config, Path(sys.argv[1]), resume=True, on_step=tick, save_every=0)\n"
        "except TopolabError as error:\n"
        "    print(error); sys.exit(error.exit_code)\n"
    )

    command = [sys.executable, "-c", script, str(tmp_path / "r")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "could not be written" in done.stdout, done
    assert "everything recorded before is intact" in done.stdout
    run = topolab.open_run(tmp_path / "r")
    assert run.verify().ok and len(run) >= 4
    method = find("methods", "rigl")()
    config = method.configure(
        data="digits", hidden=(24, 16), epochs=4, batch_size=64, sparsity=0.8, update_every=7,
        threads=1, record="weights",
    )  # fmt: skip
    whole, resumed = (train(method, config, tmp_path / n, resume=True) for n in ("whole", "r"))
    assert contents(whole) == contents(resumed) and resumed.state == "done"


def test_the_final_weights_are_there_before_it_is_done(tmp_path: Path) -> None:
    run = topolab.train("set", tmp_path / "r", **SMALL)
    names = {"fc1.weight", "fc1.bias", "norm1.weight", "norm1.bias"}
    assert names <= set(load_file(run.path / "final.safetensors"))
    assert not (run.path / "resume" / "state.safetensors").exists()
    last, done = (run.path / name for name in ("final.safetensors", "DONE"))
    assert last.stat().st_mtime_ns <= done.stat().st_mtime_ns
