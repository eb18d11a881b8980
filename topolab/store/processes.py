"""Which process writes a run, told apart from a later one of the same number."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

__all__ = ["is_running", "this_process"]


def this_process() -> dict[str, Any]:
    """Number, machine and start of this process, as writer.json keeps them."""
    pid = os.getpid()
    return {"pid": pid, "host": socket.gethostname(), "started": _started(pid)}


def is_running(who: dict[str, Any]) -> bool:
    """Whether the process that `this_process` described is still there, on this machine.

    Examples
    --------
    >>> is_running(this_process())
    True
    >>> is_running({"pid": 0})
    False
    """
    pid = who.get("pid")
    if type(pid) is not int or pid < 1:
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:  # it is there, and somebody else's
        pass
    except (OSError, OverflowError):
        return False
    started = who.get("started")
    return started is None or started == _started(pid)


def _started(pid: int) -> str | None:
    """When a process started, in ticks of this boot; None where the system does not say."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        # After the name, which may hold spaces and brackets: field 22 of proc(5).
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return f"{boot} {fields.rpartition(')')[2].split()[19]}"
    except (OSError, IndexError):
        return None
