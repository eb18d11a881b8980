"""Which process writes: the same number of another start is another process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from topolab.store import processes
from topolab.store.processes import is_running, this_process


def test_this_process_says_who_it_is() -> None:
    who = this_process()
    assert set(who) == {"pid", "host", "started"}
    assert (who["pid"], who["host"]) == (os.getpid(), socket.gethostname())
    assert is_running(who) and is_running({"pid": os.getpid()})
    assert is_running({**who, "started": None})


@pytest.mark.parametrize(
    "change",
    [{"started": "other boot 1"}, {"pid": True}, {"pid": 0}, {"pid": -1}, {"pid": "1"},
     {"pid": None}, {"pid": 1.0}, {"pid": 2**70}, {"pid": 2**31 - 1}],
    ids=str,
)  # fmt: skip
def test_what_does_not_run(change: dict[str, Any]) -> None:
    assert not is_running({**this_process(), **change})


def test_the_first_process_runs() -> None:
    assert is_running({"pid": 1})


def test_a_process_that_ended_does_not_run() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    who = {"pid": child.pid, "started": processes._started(child.pid)}
    assert is_running(who)
    child.communicate()
    assert not is_running(who)
    assert not is_running({"pid": child.pid})  # where the system does not say when it began
    assert not is_running({"pid": 2**70}) and not is_running({"pid": 2**31 - 1})


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")
def test_the_start_is_in_ticks_of_this_boot() -> None:
    """Between what the clock of the boot says before and after the child began."""

    def ticks() -> float:
        uptime = float(Path("/proc/uptime").read_text().split()[0])
        return uptime * os.sysconf("SC_CLK_TCK")

    before = ticks()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    boot, began = str(processes._started(child.pid)).split()
    after = ticks()
    child.communicate()
    assert boot == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert before - 5 <= int(began) <= after + 5  # ticks, for rounding
    assert processes._started(2**31 - 1) is None


def test_a_name_with_brackets_does_not_mislead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = " ".join(str(number) for number in range(3, 53))
    texts = {"boot_id": "b\n", "stat": f"7 (a) b ) {fields}"}
    monkeypatch.setattr(Path, "read_text", lambda self, **_: texts[self.name])
    assert processes._started(7) == "b 22"  # field 22 of proc(5)
