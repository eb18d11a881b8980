"""Tests as judges of mutants: collected once, then run in a forked process for each mutant.

No file is written and nothing is imported twice: in the child the code of the functions is
exchanged, everywhere they are held, and only tests that reach the changed line are run.
"""

from __future__ import annotations

import ast
import contextlib
import gc
import importlib
import json
import os
import shutil
import signal
import sys
import types
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from _pytest.runner import runtestprotocol
from operators import Mutant, mutate

KILLED, SURVIVED, TIMED_OUT, UNREACHED, INVALID = (
    "killed", "survived", "timed out", "unreached", "no program",
)  # fmt: skip

CRASHED = KILLED, "the process itself"


@dataclass(frozen=True)
class Judge:
    """One test: how long it takes, and the lines of the mutated files that it reaches."""

    item: pytest.Item
    seconds: float
    lines: frozenset[tuple[str, int]]


class Trial:
    """A plugin that judges mutants in place of running the tests.

    Parameters
    ----------
    root : Path
        Of the repository.
    mutants : list of Mutant
    limit : float
        Seconds that one test may take to be a judge.
    report : callable
        Gets each mutant with its fate and the name of the test that killed it.
    imports : sequence of str
        Packages that tests import late: here once, not in every child.
    most : float
        Seconds of tests for one mutant, the quickest tests first.
    """

    def __init__(
        self,
        root: Path,
        mutants: list[Mutant],
        limit: float,
        report: Callable[[Mutant, str, str], None],
        imports: Sequence[str] = (),
        most: float = 20.0,
    ) -> None:
        self.root, self.mutants, self.limit, self.report = root, mutants, limit, report
        self.imports, self.most = imports, most
        self.files = {str(root / mutant.file): mutant.file for mutant in mutants}
        self.sources = {file: Path(path).read_text() for path, file in self.files.items()}
        self.bodies = {file: _lines_in_functions(path) for path, file in self.files.items()}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Time and trace every test, then judge."""
        if session.testsfailed:
            raise session.Interrupted("a file of tests cannot be collected: it would not judge")
        for name in self.imports:
            importlib.import_module(name)
        self.held = Held(self.files)
        judges = [judge for item in session.items if (judge := self._measured(item))]
        judges.sort(key=lambda judge: judge.seconds)
        out = sys.__stderr__
        total = sum(judge.seconds for judge in judges)
        print(f"{len(judges)} of {len(session.items)} tests judge, {total:.1f} s", file=out)
        for mutant in self.mutants:
            compiled = _is_compiled(self.root, mutant)
            chosen = [j for j in judges if self._reaches(j, mutant, compiled)]
            if not chosen:
                self.report(mutant, UNREACHED, "")
                continue
            chosen = self._quickest(chosen)
            allowed = (120.0 if compiled else 40.0) + 20 * sum(j.seconds for j in chosen)
            told = _forked(lambda m=mutant, c=chosen: self._judged(m, c), allowed)
            shutil.rmtree(session.config._tmp_path_factory.getbasetemp(), ignore_errors=True)
            session.config._tmp_path_factory.getbasetemp().mkdir(exist_ok=True)
            fate, killer = (TIMED_OUT, "") if told is None else told
            self.report(mutant, fate, killer)
        return True

    def _reaches(self, judge: Judge, mutant: Mutant, compiled: bool) -> bool:
        # Compiled code cannot be traced: whatever reaches a file of its folder may reach it.
        if compiled:
            folder = Path(mutant.file).parent
            return any(Path(file).parent == folder for file, _ in judge.lines)
        if mutant.line not in self.bodies[mutant.file]:  # constants and defaults: read at import
            return any(file == mutant.file for file, _ in judge.lines)
        return (mutant.file, mutant.line) in judge.lines

    def _quickest(self, judges: list[Judge]) -> list[Judge]:
        """The first of them, as far as the time for one mutant goes; one at least."""
        spent = np.cumsum([judge.seconds for judge in judges])
        return judges[: max(1, int((spent <= self.most).sum()))]

    def _measured(self, item: pytest.Item) -> Judge | None:
        def work() -> Any:
            lines: set[tuple[str, int]] = set()

            def local(frame: types.FrameType, event: str, _: Any) -> Any:
                if event == "line":
                    lines.add((self.files[frame.f_code.co_filename], frame.f_lineno))
                return local

            def trace(frame: types.FrameType, event: str, _: Any) -> Any:
                return local if frame.f_code.co_filename in self.files else None

            begun = sum(os.times()[:4])  # of the processor: the machine may be busy
            sys.settrace(trace)
            failed = _fails(item)
            sys.settrace(None)
            return failed, sum(os.times()[:4]) - begun, sorted(lines)

        told = _forked(work, 10 * self.limit)
        if told in (None, CRASHED) or told[0] or told[1] > self.limit:
            slow = f"takes more than {self.limit} s"
            why = "fails by itself" if told is not None and told[0] else slow
            print(f"no judge: {item.nodeid} {why}", file=sys.__stderr__)
            return None
        return Judge(item, told[1], frozenset((file, line) for file, line in told[2]))

    def _judged(self, mutant: Mutant, judges: Iterable[Judge]) -> tuple[str, str]:
        path = self.root / mutant.file
        try:
            install(
                path,
                compile(mutate(self.sources[mutant.file], mutant), str(path), "exec"),
                self.held,
            )
        except Exception as error:
            return INVALID, repr(error)[:200]
        for judge in judges:
            if _fails(judge.item):
                return KILLED, judge.item.nodeid
        return SURVIVED, ""


def _fails(item: pytest.Item) -> bool:
    try:
        return any(r.failed for r in runtestprotocol(item, nextitem=None, log=False))
    except BaseException:  # pytest's own exits too: what a mutant does must not end the trial
        return True


def _forked(work: Callable[[], Any], seconds: float) -> Any:
    """What `work` returns in a process of its own; None if it takes longer, or `CRASHED`."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        os.setsid()
        os.close(read)
        told = b""
        with contextlib.suppress(BaseException):
            told = json.dumps(work()).encode()
        with os.fdopen(write, "wb") as pipe:
            pipe.write(told)
        os._exit(0)
    os.close(write)
    late = False

    def stop(*_: object) -> None:
        nonlocal late
        late = True
        os.killpg(pid, signal.SIGKILL)

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    with os.fdopen(read, "rb") as pipe:
        told = pipe.read()
    signal.setitimer(signal.ITIMER_REAL, 0)
    os.waitpid(pid, 0)
    with contextlib.suppress(OSError):  # what it may have started
        os.killpg(pid, signal.SIGKILL)
    return json.loads(told) if told else None if late else CRASHED


# -- exchanging code -------------------------------------------------------------------------------


def _lines_in_functions(path: str) -> set[int]:
    """Lines that run when a function is called, not when the module is imported."""
    return {
        line
        for node in ast.walk(ast.parse(Path(path).read_text()))
        if isinstance(node, ast.FunctionDef)
        for statement in node.body
        for line in range(statement.lineno, (statement.end_lineno or 0) + 1)
    }


def _is_compiled(root: Path, mutant: Mutant) -> bool:
    """Whether the mutant lies in a function that numba compiles."""
    tree = ast.parse((root / mutant.file).read_text())
    return any(
        isinstance(node, ast.FunctionDef)
        and node.lineno <= mutant.line <= (node.end_lineno or 0)
        and any(isinstance(d, ast.Name) and d.id == "jit" for d in node.decorator_list)
        for node in tree.body
    )


class Held:
    """Every function of the files to be mutated, wherever it is held: found once, before forking.

    Parameters
    ----------
    files : collection of str
        Absolute paths.
    """

    def __init__(self, files: Collection[str]) -> None:
        self.functions: dict[str, list[types.FunctionType]] = {file: [] for file in files}
        self.dispatchers = []
        gc.unfreeze()  # what is frozen is not listed
        for thing in gc.get_objects():
            if type(thing) is types.FunctionType and thing.__code__.co_filename in self.functions:
                self.functions[thing.__code__.co_filename].append(thing)
            elif type(thing).__name__ == "CPUDispatcher":
                self.dispatchers.append(thing)
        gc.freeze()


def _functions_of(module: types.ModuleType, file: str) -> list[types.FunctionType]:
    """Those that a module just made: its own, of its classes, and in what it keeps."""
    found: list[types.FunctionType] = []
    seen: set[int] = set()
    left: list[Any] = [*vars(module).values()]
    while left:
        thing = left.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if type(thing) is types.FunctionType:
            if thing.__code__.co_filename == file:
                found.append(thing)
            left += [vars(thing).get("__wrapped__"), *(c.cell_contents for c in _cells(thing))]
        elif type(thing).__name__ == "CPUDispatcher":
            left.append(thing.py_func)
        elif isinstance(thing, (classmethod, staticmethod)):
            left.append(thing.__func__)
        elif isinstance(thing, property):
            left += [thing.fget, thing.fset]
        elif isinstance(thing, dict):
            left += thing.values()
        elif isinstance(thing, (list, tuple)):
            left += thing
        elif getattr(thing, "__module__", None) == module.__name__ and hasattr(thing, "__dict__"):
            left += vars(thing).values()
    return found


def _cells(function: types.FunctionType) -> list[types.CellType]:
    cells = function.__closure__ or ()
    return [cell for cell in cells if cell != types.CellType()]


def install(path: Path, code: types.CodeType, held: Held) -> None:
    """Let everything that came from the file at `path` do what `code` says instead."""
    # Not by attribute: some packages warn, or import, when they are asked.
    modules = [m for m in list(sys.modules.values()) if vars(m).get("__file__") == str(path)]
    fresh = types.ModuleType(modules[0].__name__)
    fresh.__dict__.update(__file__=str(path), __package__=modules[0].__package__)
    real = sys.modules[fresh.__name__]
    sys.modules[fresh.__name__] = fresh  # dataclasses look their module up
    exec(code, fresh.__dict__)
    sys.modules[fresh.__name__] = real
    fresh_functions = {_key(f): f for f in _functions_of(fresh, str(path))}
    changed = set()
    for old in held.functions[str(path)]:
        new = fresh_functions.get(_key(old))
        if new is not None and not old.__closure__:
            if old.__code__ != new.__code__:
                changed.add(id(old))
            old.__code__, old.__defaults__ = new.__code__, new.__defaults__
            old.__kwdefaults__ = new.__kwdefaults__
    if any(id(dispatcher.py_func) in changed for dispatcher in held.dispatchers):
        for dispatcher in held.dispatchers:
            if Path(dispatcher.py_func.__code__.co_filename).parent == path.parent:
                _compile_anew(dispatcher)
    for module in modules:
        _exchange_values(module, fresh)


def _key(function: types.FunctionType) -> tuple[str, int, Any]:
    place = next((p for p in function.__code__.co_positions() if p[2] is not None), None)
    first = function.__code__.co_firstlineno
    # Of several lambdas on one line, the column tells which.
    return function.__qualname__, first, place if function.__name__ == "<lambda>" else None


def _compile_anew(dispatcher: Any) -> None:
    from numba.core.caching import NullCache

    dispatcher._make_finalizer()()
    dispatcher._reset_overloads()
    dispatcher._cache = NullCache()
    dispatcher._can_compile = True


def _exchange_values(module: types.ModuleType, fresh: types.ModuleType) -> None:
    """Constants of the module, wherever they are held, and those of its classes."""
    plain = (bool, int, float, str, bytes, tuple, frozenset, dict, list)
    for name, new in vars(fresh).items():
        old = module.__dict__.get(name)
        if name.startswith("__"):
            continue
        if isinstance(new, type) and isinstance(old, type) and new.__module__ == module.__name__:
            for key, value in vars(new).items():
                held = vars(old).get(key)
                if isinstance(value, plain) and not key.startswith("__") and held != value:
                    setattr(old, key, value)
                elif isinstance(value, types.FunctionType) and isinstance(held, types.FunctionType):
                    held.__defaults__, held.__kwdefaults__ = (
                        value.__defaults__,
                        value.__kwdefaults__,
                    )
        elif isinstance(new, plain) and isinstance(old, plain) and repr(old) != repr(new):
            for holder in list(sys.modules.values()):
                if vars(holder).get(name) is old:
                    setattr(holder, name, new)
