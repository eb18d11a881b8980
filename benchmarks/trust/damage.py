"""The mutation job: many cases in a process that is watched, and tables of what became of them."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from mutations import KINDS
from targets import TARGETS

__all__ = ["BAD", "run_mutations"]

#: Seconds that a case may take; most take hundredths.
SECONDS = 30
BAD = ("WRONG DATA", "OTHER EXCEPTION", "OUTSIDE OR CODE", "MEMORY", "HANG", "DIED")
GOOD = ("refused", "right data", "accepted as forged", "altered, as told")


class Worker:
    """A process for cases, begun again when it hung or died."""

    def __init__(self, work: Path, script: Path | None = None, seconds: float = SECONDS) -> None:
        self.work, self.seconds = work, seconds
        self.script = script or Path(__file__).with_name("worker.py")
        self.process: subprocess.Popen[str] | None = None

    def _start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(self.script), str(self.work)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.lines: queue.Queue[str] = queue.Queue()
        self.listener = threading.Thread(target=self._listen, args=(process, self.lines))
        self.listener.start()
        try:
            first = self.lines.get(timeout=300)
        except queue.Empty:
            first = "nothing in five minutes"
        if first.strip() != "ready":
            process.kill()
            raise RuntimeError(f"the worker did not start: {first!r}")
        return process

    @staticmethod
    def _listen(process: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line)
        process.stdout.close()
        lines.put("")  # it has ended: once where a kind is waited for, once for an outcome
        lines.put("")

    def case(self, target: int, seed: str) -> dict[str, Any]:
        """Run one case."""
        if self.process is None:
            self.process = self._start()
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"target": target, "seed": seed}) + "\n")
        self.process.stdin.flush()
        kind = "?"
        try:
            kind = self.lines.get(timeout=self.seconds).strip() or kind
            line = self.lines.get(timeout=self.seconds)
        except queue.Empty:
            self.stop()
            detail = f"over {self.seconds} s"
            return {"kind": kind, "outcome": "HANG", "detail": detail, "memory": 0}
        if not line:
            code = self.process.wait()
            self.stop()
            return {"kind": kind, "outcome": "DIED", "detail": f"exit code {code}", "memory": 0}
        done: dict[str, Any] = json.loads(line)
        return done

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.listener.join()
            self.process = None


def run_mutations(number: int, seed: int, work: Path) -> tuple[list[str], bool]:
    """So many cases, spread evenly over the targets.

    Returns
    -------
    lines : list of str
        What is to be printed.
    well : bool
        Whether every case ended well.
    """
    for i, target in enumerate(TARGETS):
        folder = work / "pristine" / str(i)
        folder.mkdir(parents=True)
        target.make(folder)
    counts: Counter[tuple[str, str]] = Counter()
    kinds: Counter[tuple[str, str]] = Counter()
    bad: list[str] = []
    most = 0
    worker = Worker(work)
    try:
        for case in range(number):
            i = case % len(TARGETS)
            name = f"{seed}/{TARGETS[i].name}/{case}"
            done = worker.case(i, name)
            counts[TARGETS[i].name, done["outcome"]] += 1
            kinds[done["kind"], done["outcome"]] += 1
            most = max(most, done["memory"])
            if done["outcome"] in BAD:
                bad.append(f"  {name}: {done['kind']}: {done['outcome']}: {done['detail']}")
    finally:
        worker.stop()
    lines = [f"{number} mutations, seed {seed}"]
    lines += _table("target", [t.name for t in TARGETS], counts)
    lines += _table("mutation", [*KINDS, "?"], kinds)
    lines += [f"largest growth of memory in a case: {most / 2**20:.0f} MiB", *bad[:50]]
    lines += [f"ended badly: {len(bad)}"]
    return lines, not bad


def _table(of: str, rows: list[str], counts: Counter[tuple[str, str]]) -> list[str]:
    columns = [name for name in (*GOOD, *BAD) if any(o == name for _, o in counts)]
    lines = ["", f"| {of} | cases | {' | '.join(columns)} |", "|---|---|" + "---|" * len(columns)]
    for row in rows:
        each = [counts[row, column] for column in columns]
        if sum(each):
            lines.append(f"| {row} | {sum(each):,} | {' | '.join(f'{n:,}' for n in each)} |")
    each = [sum(n for (_, o), n in counts.items() if o == column) for column in columns]
    return [*lines, f"| all | {sum(each):,} | {' | '.join(f'{n:,}' for n in each)} |", ""]
