"""Signals to stop are held until a step is done, whatever signals were inherited."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import topolab
from topolab_trainers.interrupts import HeldInterrupt
from topolab_trainers.loop import train
from topolab_trainers.set import SET

SETTINGS = {"data": "digits", "hidden": (16,), "epochs": 2, "threads": 1, "record": ("weights",)}


@pytest.fixture(autouse=True)
def usual_signals() -> Iterator[None]:
    """As in a terminal, however pytest was started."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_is_held_and_the_second_interrupts(number: signal.Signals) -> None:
    with HeldInterrupt() as held:
        assert not held.pending
        signal.raise_signal(number)
        assert held.pending
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_handler_of_somebody_else_stays() -> None:
    calls: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: calls.append(number))
    with HeldInterrupt() as held:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.raise_signal(number)
        assert not held.pending and calls == [signal.SIGINT, signal.SIGTERM]


def test_what_is_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with HeldInterrupt() as held:
        signal.raise_signal(signal.SIGINT)
        assert not held.pending and signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        signal.raise_signal(signal.SIGTERM)
        assert held.pending
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_outside_the_main_thread_nothing_is_touched() -> None:
    handlers: list[object] = []

    def work() -> None:
        with HeldInterrupt():
            handlers.extend(signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [signal.default_int_handler, signal.SIG_DFL]


SCRIPT = """
import signal, sys
from pathlib import Path
from topolab_trainers.loop import train
from topolab_trainers.set import SET
assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
signal.signal(signal.SIGTERM, signal.SIG_DFL)
def tick(step, total, metrics):
    print(step, flush=True)
    if step == 5:
        signal.raise_signal(signal.SIGINT)
    if step == 10:
        signal.raise_signal(signal.SIGTERM)
config = SET().configure(data="digits", hidden=(16,), epochs=2, threads=1, record=("weights",))
try:
    train(SET(), config, Path(sys.argv[1]), on_step=tick)
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_a_training_in_the_background_stops_by_sigterm_and_goes_on(tmp_path: Path) -> None:
    """Started as a shell starts ``command &``: with SIGINT ignored."""
    command = [
        "sh", "-c", "trap '' INT; exec \"$@\"", "sh", sys.executable, "-c", SCRIPT,
        str(tmp_path / "r"),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 130, done.stderr
    assert done.stdout.split()[-1] == "11"  # SIGINT was not felt; after SIGTERM a step was done
    run = topolab.open_run(tmp_path / "r")
    assert run.state == "interrupted" and run.resume_state.exists() and run.verify().ok
    config = SET().configure(**SETTINGS)
    steps: list[int] = []
    resumed = train(
        SET(), config, tmp_path / "r", resume=True, on_step=lambda s, t, m: steps.append(s)
    )
    whole = train(SET(), config, tmp_path / "whole")
    assert steps[0] == 12

    def contents(run: topolab.Run) -> dict[str, bytes]:
        files = [*sorted((run.path / "snapshots").iterdir()), run.files.final_weights]
        return {path.name: path.read_bytes() for path in files}

    assert contents(resumed) == contents(whole)
