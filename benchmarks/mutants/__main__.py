"""Would the tests notice? Changes the code in one place at a time and lets its tests judge.

    python benchmarks/mutants [GROUP ...] [--sample N] [--out FILE.jsonl] [--again FILE.jsonl]

Groups are those of groups.toml: files, and the tests that judge them. What survives and is not in
survivors.toml, with the reason why it may, is printed, and the command leaves with 1. See
docs/mutants.md.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def main() -> None:
    groups: dict[str, Any] = tomllib.loads((HERE / "groups.toml").read_text())
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=", ".join(groups))
    parser.add_argument("--sample", type=int, help="mutants of a file at most (groups.toml says)")
    parser.add_argument("--seed", type=int, default=1, help="of that sample")
    parser.add_argument("--limit", type=float, default=10.0, help="seconds of a judging test")
    parser.add_argument("--most", type=float, default=20.0, help="seconds of tests for a mutant")
    parser.add_argument("--only", default="", help="mutants whose line holds this text")
    parser.add_argument("--out", type=Path, help="a line of JSON for each mutant")
    parser.add_argument("--again", type=Path, help="only what survived in such a file")
    options = parser.parse_args()
    if unknown := set(options.groups) - set(groups):
        parser.error(f"unknown group {sorted(unknown)}; there are {', '.join(groups)}")
    os.chdir(ROOT)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    known = _known_survivors()
    new = 0
    for name in options.groups or groups:
        pid = os.fork()  # modules of one group must not be there already for the next
        if not pid:
            os._exit(min(_run(name, groups[name], options, known), 100))
        new += os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    raise SystemExit(1 if new else 0)


def _known_survivors() -> set[tuple[str, str, str]]:
    listed = tomllib.loads((HERE / "survivors.toml").read_text()).get("survivor", [])
    return {(s["file"], s["text"], change) for s in listed for change in s["changes"]}


def _run(name: str, group: Any, options: argparse.Namespace, known: set[Any]) -> int:
    """Judge one group; how many survive without a reason."""
    sys.path.insert(0, str(HERE))
    import pytest
    from judge import KILLED, SURVIVED, UNREACHED, Trial
    from operators import Mutant, mutants_of

    survived = None
    if options.again:
        told = [json.loads(line) for line in options.again.read_text().splitlines()]
        survived = {(m["file"], m["text"], m["change"]) for m in told if m["fate"] != KILLED}
    mutants: list[Mutant] = []
    made: Counter[str] = Counter()
    for file in group["files"]:
        every = [m for m in mutants_of(file, Path(file).read_text()) if options.only in m.text]
        made[file] = len(every)
        most = options.sample or group.get("sample") or len(every)
        if len(every) > most:
            # The same mutants for everybody, spread over the whole file.
            chosen = random.Random(f"{options.seed} {file}").sample(range(len(every)), most)
            every = [every[i] for i in sorted(chosen)]
        mutants += [m for m in every if survived is None or (m.file, m.text, m.change) in survived]
    counts: dict[str, Counter[str]] = {file: Counter() for file in group["files"]}
    new = 0

    def report(mutant: Mutant, fate: str, killer: str) -> None:
        nonlocal new
        if fate in (SURVIVED, UNREACHED):
            if (mutant.file, mutant.text, mutant.change) in known:
                fate = f"{fate}, known"
            else:
                new += 1
                print(f"{fate}: {mutant.file}:{mutant.line}: {mutant.text}\n    => {mutant.change}",
                      file=sys.__stderr__, flush=True)  # fmt: skip
        counts[mutant.file][fate] += 1
        if options.out:
            with options.out.open("a") as out:
                out.write(json.dumps({**vars(mutant), "fate": fate, "killer": killer}) + "\n")

    arguments = [*group["tests"], "-q", "-s", "-p", "no:cacheprovider", "-p", "no:xdist"]
    if "deselect" in group:
        arguments += ["-k", group["deselect"]]
    trial = Trial(ROOT, mutants, options.limit, report, group.get("imports", ()), options.most)
    pytest.main(arguments, plugins=[trial])
    for file, found in counts.items():
        fates = ", ".join(f"{fate} {number}" for fate, number in sorted(found.items()))
        print(f"{file}: {found.total()} of {made[file]} mutants: {fates}", flush=True)
    return new


if __name__ == "__main__":
    main()
