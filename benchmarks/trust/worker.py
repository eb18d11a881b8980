"""One process that handles many cases: mutate, read, watch. It answers a line with a line."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import json
import math
import os
import random
import resource
import shutil
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from mutations import mutate
from targets import TARGETS, Target

from topolab.errors import TopolabError

#: Growth of the resident memory that a case may cause, bytes.
MEMORY = 2**30
#: Address space beyond what is mapped already; numba and torch reserve much at their start.
ADDRESSES = 4 * 2**30
PAYLOADS = (
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "subprocess.Popen",
    "pickle.find_class",
)
#: What a new run asks for its provenance; nothing of a file is in it.
OWN = ["git", "rev-parse", "HEAD"]
#: Which arguments of these events are places that are written.
WRITES = {
    "os.rename": (0, 1), "os.remove": (0,), "os.mkdir": (0,), "os.rmdir": (0,), "os.link": (1,),
    "os.symlink": (1,), "os.truncate": (0,), "os.chmod": (0,), "os.utime": (0,),
}  # fmt: skip


class Watch:
    """An audit hook: what is written where, and what is run."""

    def __init__(self) -> None:
        self.folder: str | None = None
        self.found: list[str] = []
        self.known = tuple(
            os.path.realpath(p) for p in (sys.prefix, sys.base_prefix, Path(__file__).parents[2])
        )
        sys.addaudithook(self.hook)

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.folder is None:
            return
        if event == "open":
            path, mode, flags = arguments
            writing = (
                any(c in mode for c in "wax+") if isinstance(mode, str)
                else bool((flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC))
            )  # fmt: skip
            if writing and not isinstance(path, int):
                self.place(event, os.path.realpath(os.fsdecode(path)))
        elif event in WRITES:
            for i in WRITES[event]:
                self.place(event, arguments[i])
        elif event == "subprocess.Popen" and arguments[1] == OWN:
            pass
        elif event in PAYLOADS:
            self.found.append(f"ran code: {event} {str(arguments)[:200]}")
        elif event == "exec":
            name = getattr(arguments[0], "co_filename", "<unknown>")
            if not name.startswith(("<frozen", *self.known)) and name not in ("<string>",):
                self.found.append(f"ran code: exec {name}")
        elif event == "compile" and isinstance(arguments[0], (str, bytes)):
            text = arguments[0]
            if "PWNED" in (text if isinstance(text, str) else text.decode("utf-8", "replace")):
                self.found.append("ran code: compile")

    def place(self, event: str, path: Any) -> None:
        assert self.folder is not None
        if isinstance(path, int) or path is None:
            return
        # What is renamed or removed is the name, not what it may lead to.
        name = Path(os.fsdecode(path))
        text = str(name.parent.resolve() / name.name)
        if not text.startswith(self.folder + os.sep) and text not in (self.folder, os.devnull):
            self.found.append(f"wrote outside: {event} {text}")


def plain(value: Any) -> Any:
    """A value in which equal content is equal text: NaN equals NaN, arrays are bytes."""
    if isinstance(value, np.ndarray):
        return [str(value.dtype), list(value.shape), hashlib.sha256(value.tobytes()).hexdigest()]
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return "nan" if math.isnan(value) else repr(value)
    return value if isinstance(value, (str, int, bool, type(None))) else repr(value)


def answers(target: Target, folder: Path) -> dict[str, str]:
    """The digest of every answer; `refused` where a TopolabError was raised."""
    found: dict[str, str] = {}

    def ask(name: str, function: Callable[[], Any], *, compare: bool = True) -> Any:
        try:
            value = function()
        except TopolabError as error:
            str(error).encode("utf-8")  # a message that cannot be printed is no message
            found[name] = "refused"
            return None
        if compare:
            text = json.dumps(plain(value), sort_keys=True)
            found[name] = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        return value

    target.read(folder, ask)
    return found


def peak() -> int:
    """The largest resident memory since `reset_peak`, bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("this system does not tell the peak of memory")


def reset_peak() -> int:
    """Begin anew to look for the peak; the memory now."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


def outside(root: Path) -> dict[str, tuple[int, bytes]]:
    """Everything beside the folder of the case."""
    return {
        str(p): (p.lstat().st_mode, p.read_bytes() if p.is_file() else b"")
        for p in sorted(root.rglob("*"))
        if p.relative_to(root).parts[0] != "case"
    }


def judge(
    right: dict[str, str], found: dict[str, str], *, sealed: bool, checked: bool
) -> tuple[str, str]:
    """What became of a case that raised nothing else."""
    refused = any(value == "refused" for value in found.values())
    if sealed:
        return ("refused" if refused else "accepted as forged"), ""
    wrong = [
        name for name, value in found.items()
        if value not in ("refused", right.get(name)) and name != "verify"
    ]  # fmt: skip
    if wrong and not checked:
        return "altered, as told", ""
    if wrong:
        return "WRONG DATA", ", ".join(wrong)
    missing = sorted(set(right) - set(found))
    noticed = refused or found.get("verify") != right.get("verify")
    if missing and not noticed and checked:
        return "WRONG DATA", f"nothing said that {', '.join(missing)} is missing"
    return ("refused" if noticed else "right data"), ""


def run_case(
    watch: Watch,
    target: Target,
    pristine: Path,
    right: dict[str, str],
    root: Path,
    seed: str,
    tell: Callable[[str], None] = lambda kind: None,
) -> dict[str, Any]:
    """One case from its seed; `tell` hears the kind before anything is read."""
    rng = random.Random(seed)
    folder = root / "case"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    (root / "sentinel").write_text("mine")
    (root / "sentinel-folder").mkdir()
    (root / "sentinel-folder" / "mine.txt").write_text("mine")
    shutil.copytree(pristine, folder)
    files = sorted(p for pattern in target.files for p in folder.glob(pattern))
    kind, sealed = mutate(folder, files, rng, target.reseal)
    tell(kind)
    before, memory = outside(root), reset_peak()
    watch.found.clear()
    os.chdir(root)
    detail = ""
    watch.folder = os.path.realpath(folder)
    try:
        found = answers(target, folder)
        outcome, detail = judge(right, found, sealed=sealed, checked=target.checked)
    except BaseException as error:
        outcome, detail = "OTHER EXCEPTION", f"{type(error).__name__}: {str(error)[:300]}"
    finally:
        watch.folder = None
    grown = peak() - memory
    if grown > MEMORY:
        outcome, detail = "MEMORY", f"{grown} bytes"
    if watch.found:
        outcome, detail = "OUTSIDE OR CODE", "; ".join(watch.found[:3])
    if outside(root) != before or list(root.rglob("PWNED*")):
        outcome, detail = "OUTSIDE OR CODE", "the sentinels changed"
    return {"kind": kind, "outcome": outcome, "detail": detail, "memory": grown}


def main() -> None:
    """Answer lines of {target, seed} until there are no more."""
    work = Path(sys.argv[1])
    warnings.simplefilter("ignore")  # a warning of a library about a damaged file is no failure
    right, watch = {}, Watch()
    for i, target in enumerate(TARGETS):
        copy = work / "warm" / str(i)
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(work / "pristine" / str(i), copy)
        right[i] = answers(target, copy)
        assert "refused" not in right[i].values(), (target.name, right[i])
    size = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (size + ADDRESSES, size + ADDRESSES))
    root = work / "root"
    shutil.rmtree(root, ignore_errors=True)
    for i, target in enumerate(TARGETS):  # so that nothing is imported later
        with contextlib.suppress(BaseException):
            run_case(watch, target, work / "pristine" / str(i), right[i], root, f"warm {i}")
    gc.freeze()  # what is loaded by now need not be looked at before every case
    print("ready", flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        i = job["target"]
        done = run_case(
            watch, TARGETS[i], work / "pristine" / str(i), right[i], root, job["seed"],
            tell=lambda kind: print(kind, flush=True),
        )  # fmt: skip
        print(json.dumps(done), flush=True)


if __name__ == "__main__":
    main()
