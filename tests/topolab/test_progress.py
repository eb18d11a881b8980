"""Progress: a bar where a person looks, on stderr only, gone at the end; a callable gets all."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import topolab
from topolab.errors import ConfigError
from topolab.progress import Progress, progress_shown

WORK = """
import sys
from topolab.progress import progress_shown
print("result")
with progress_shown({progress}) as tell:
    for done in range(1, 4):
        tell("fitting", done, 3, "nearly")
print("done")
"""


def work(tell: Progress) -> None:
    for done in range(1, 4):
        tell("fitting", done, 3)


def at_a_terminal(script: str) -> tuple[str, str]:
    """What a script writes to stdout (a pipe), and to stderr (a terminal)."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=theirs, env=environment
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end has been closed
            break
        if not part:
            break
        seen += part
    out, _ = process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == 0, seen.decode()
    return out.decode(), seen.decode()


def screen(seen: str) -> str:
    """What is left to be seen: rich's bars move the cursor up and erase whole lines."""
    lines, row = [""], 0
    rest = seen.replace("\r\n", "\n")
    while rest:
        if rest.startswith("\x1b["):
            end = next(i for i, c in enumerate(rest[2:], start=2) if c.isalpha())
            count, verb = rest[2:end], rest[end]
            if verb == "A":
                row = max(0, row - int(count or 1))
            elif verb == "K":
                lines[row] = ""
            rest = rest[end + 1 :]
            continue
        if rest[0] == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif rest[0] != "\r":
            lines[row] += rest[0]
        rest = rest[1:]
    return "\n".join(lines).strip()


def test_at_a_terminal_there_is_a_bar_on_stderr_and_it_goes() -> None:
    out, seen = at_a_terminal(WORK.format(progress="None"))
    assert out == "result\ndone\n"
    assert "fitting" in seen and "3/3" in seen and "nearly" in seen
    assert screen(seen) == ""
    assert screen("a line\n" + seen) == "a line"


def test_false_is_silence_at_a_terminal() -> None:
    out, seen = at_a_terminal(WORK.format(progress="False"))
    assert out == "result\ndone\n" and seen == ""


def test_piped_it_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    with progress_shown() as tell:
        work(tell)
    assert capfd.readouterr() == ("", "")


def test_true_shows_a_bar_on_stderr_anywhere(capfd: pytest.CaptureFixture[str]) -> None:
    with progress_shown(True) as tell:
        work(tell)
    out, err = capfd.readouterr()
    assert out == "" and err.strip() == ""  # rich draws no bar into a pipe, and leaves none


def test_a_callable_gets_every_report_with_four_values() -> None:
    seen: list[tuple[Any, ...]] = []

    def record(what: str, done: int, total: int | None, detail: str) -> None:
        seen.append((what, done, total, detail))

    with progress_shown(record) as tell:
        work(tell)
        tell("reading", 1, None, "a file")
    assert seen == [
        ("fitting", 1, 3, ""),
        ("fitting", 2, 3, ""),
        ("fitting", 3, 3, ""),
        ("reading", 1, None, "a file"),
    ]


def test_a_part_reports_where_the_whole_does() -> None:
    seen: list[str] = []
    with progress_shown(lambda what, *rest: seen.append(what)):
        with progress_shown() as inner:
            inner("part", 1, 1)
        with progress_shown(False) as silent:
            silent("nobody hears", 1, 1)
        with progress_shown(True) as inner:
            inner("part", 1, 1)
    assert seen == ["part", "part"]
    with progress_shown() as outside:
        outside("after", 1, 1)
    assert seen == ["part", "part"]


class Terminal(io.StringIO):
    """A stream that says it is a terminal and keeps what is written."""

    def isatty(self) -> bool:
        return True


def test_silence_covers_the_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    # Here and not in a fixture: pytest gives stderr its own stream before a test is called.
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with progress_shown(False), progress_shown() as inner:
        inner("part", 1, 1)
    assert terminal.getvalue() == ""
    with progress_shown() as tell:
        tell("whole", 1, 1)
    assert "whole" in terminal.getvalue()


@pytest.mark.parametrize("wrong", [3, "yes", []])
def test_something_else_is_a_sentence(wrong: Any) -> None:
    with (
        pytest.raises(ConfigError, match=r"progress .*: give a function of \(what, done"),
        progress_shown(wrong),
    ):
        pass


class Display:
    """A display of a notebook, that can be renewed."""

    def __init__(self, first: str) -> None:
        self.pages = [first]

    def update(self, page: str) -> None:
        self.pages.append(page)


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> list[Display]:
    """A kernel of IPython, as far as is looked."""
    displays: list[Display] = []

    def display(page: str, *, display_id: bool) -> Display:
        assert display_id
        displays.append(Display(page))
        return displays[-1]

    ipython: Any = types.ModuleType("IPython")
    ipython.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    of_display: Any = types.ModuleType("IPython.display")
    of_display.display, of_display.HTML = display, str
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", of_display)
    return displays


def test_a_notebook_gets_a_line_that_is_renewed_and_goes(
    notebook: list[Display], capfd: pytest.CaptureFixture[str]
) -> None:
    with progress_shown() as tell:
        for done in range(1, 101):
            tell("a <b>run</b>", done, 100, "5 < 6")
        tell("counting", 7, None)
    (line,) = notebook
    assert len(line.pages) < 20  # a browser cannot follow every one
    assert any("100 of 100" in page and "max=100" in page for page in line.pages)
    assert all("<b>" not in page for page in line.pages)
    assert any("a &lt;b&gt;run" in page and "5 &lt; 6" in page for page in line.pages)
    assert line.pages[-1] == ""
    assert capfd.readouterr() == ("", "")


def test_a_notebooks_line_goes_when_the_work_breaks_off(notebook: list[Display]) -> None:
    with pytest.raises(KeyboardInterrupt), progress_shown() as tell:
        tell("run", 1, 2)
        raise KeyboardInterrupt
    assert notebook[0].pages[-1] == ""


def test_ipython_in_a_terminal_is_no_notebook(
    notebook: list[Display], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: object())
    with progress_shown() as tell:
        tell("run", 1, 2)
    assert notebook == []


def public_functions(run: topolab.Run, folder: Path) -> dict[str, Callable[..., Any]]:
    return {
        "analyse": lambda **more: topolab.analyse(run, ["degree"], cache=False, **more),
        "compare": lambda **more: topolab.compare(
            [run, run_of(folder, "rigl")], only=["degree"], cache=False, **more
        ),
        "export": lambda **more: topolab.export(
            run, folder / "e.npz", to="npz", force=True, **more
        ),
        "log": lambda **more: topolab.log(run, "tensorboard", out=folder / "curves", **more),
        "report": lambda **more: topolab.report(
            run, folder / "r.html", only=["degree"], frames=1, **more
        ),
        "run_analysis": lambda **more: topolab.run_analysis(
            run, topolab.registry.find("analyses", "degree")(), cache=False, **more
        ),
    }


def run_of(folder: Path, method: str) -> topolab.Run:
    from conftest import record_example  # type: ignore[import-not-found]

    if (folder / method).exists():
        return topolab.open_run(folder / method)
    return record_example(folder / method, method=method)  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", ["analyse", "compare", "export", "log", "report", "run_analysis"])
def test_every_function_that_takes_long_reports_in_the_same_way(
    name: str, example_run: topolab.Run, tmp_path: Path
) -> None:
    seen: list[tuple[str, int, int | None, str]] = []
    public_functions(example_run, tmp_path)[name](progress=lambda *given: seen.append(given))
    assert seen
    for what, done, total, detail in seen:
        assert isinstance(what, str) and isinstance(detail, str)
        assert isinstance(done, int) and (total is None or 0 <= done <= total)
    assert seen[-1][1] == seen[-1][2]
