"""The commands of the reports and their functions: the same pages, figures and sentences."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import topolab
import topolab_reports.watch
from conftest import record_example
from topolab.cli import main
from topolab.errors import ConfigError, RunError, TopolabError

Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Typed:
    """Type a command in this process: exit code, stdout, stderr."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["topolab", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capfd.readouterr()
        return int(end.value.code or 0), out, err

    return call


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two runs, the working folder beside it."""
    record_example(tmp_path / "runs" / "a", seed=1, method="set")
    record_example(tmp_path / "runs" / "b", seed=2, method="rigl")
    monkeypatch.chdir(tmp_path)
    return Path("runs")


def test_a_page_is_the_same_on_both_roads(folder: Path, typed: Typed) -> None:
    page = topolab.report([folder / "a", folder / "b"], "python.html", title="T", frames=3,
                          only=["training", "degree"])  # fmt: skip
    assert page == Path("python.html")
    code, out, err = typed(
        "report", folder / "a", folder / "b", "--out", "shell.html", "--title", "T",
        "--frames", "3", "--only", "training, degree",
    )  # fmt: skip
    assert (code, out, err) == (0, "shell.html\n", "")
    assert Path("shell.html").read_bytes() == page.read_bytes()


def test_runs_are_given_in_any_form(folder: Path, typed: Typed) -> None:
    def page(runs: Any) -> bytes:
        return topolab.report(runs, only="training").read_bytes()

    one = topolab.open_run(folder / "a")
    assert page(one) == page([one]) == page(folder / "a") == page("runs/a") == page(["runs/a"])
    both = page([one, folder / "b"])
    assert both == page(folder) == page(str(folder)) == page([folder]) != page(one)
    assert typed("report", folder, "--only", "training")[0] == 0
    assert Path("report.html").read_bytes() == both


def test_a_figure_is_the_same_on_both_roads(folder: Path, typed: Typed) -> None:
    path = topolab.figure("degree-ccdf", folder, step=15, columns=1)
    assert path == Path("degree-ccdf.pdf")
    made = path.read_bytes()
    assert made.startswith(b"%PDF")
    code, out, err = typed("figure", "degree-ccdf", folder, "--step", "15", "--columns", "1",
                           "--force")  # fmt: skip
    assert (code, out, err) == (0, "degree-ccdf.pdf\n", "") and path.read_bytes() == made
    small = topolab.figure("degree-ccdf", topolab.open_run(folder / "a"), "a.png", dpi=40)
    assert typed("figure", "degree-ccdf", "runs/a", "--out", "b.png", "--dpi", "40")[0] == 0
    assert small.read_bytes() == Path("b.png").read_bytes() != made


def test_the_figures_that_there_are(typed: Typed) -> None:
    known = topolab.figures()
    assert known["tail-fit"]["needs"] == ["powerlaw", "degree"]
    assert json.loads(typed("figures", "--json")[1]) == known
    lines = typed("figures")[1].splitlines()
    assert [line.split("\t")[0] for line in lines] == list(known)


def test_what_of_a_deep_network_is_not_drawn_is_a_remark(tmp_path: Path, typed: Typed) -> None:
    layers = [topolab.LayerSpec(f"fc{i}", "linear", (5, 5)) for i in range(9)]
    with topolab.Recorder(tmp_path / "run", layers=layers) as recorder:
        recorder.record(0, {layer.name: [[True] * 5] * 5 for layer in layers})
    typing = ("figure", "psn-ccv", tmp_path / "run", "--out", tmp_path / "f.svg", "--force")
    remark = "6 of 8 layers are drawn; the data have all.\n"
    assert typed(*typing) == (0, f"{tmp_path / 'f.svg'}\n", remark)
    assert typed(*typing, "--quiet") == (0, f"{tmp_path / 'f.svg'}\n", "")


def test_progress_goes_to_the_end(folder: Path) -> None:
    reports: list[tuple[str, int, int | None]] = []

    def follow(what: str, done: int, total: int | None, detail: str = "") -> None:
        reports.append((what, done, total))

    topolab.report(folder, only=["training", "degree"], progress=follow)
    counts = [done for _, done, _ in reports]
    assert {what for what, _, _ in reports} == {"report"} and counts == sorted(counts)
    assert len(reports) > 5 and reports[-1][1] == reports[-1][2]
    reports.clear()
    topolab.figure("tail-fit", folder, progress=follow)
    assert [done for _, done, _ in reports] == [0, 1, 2, 3, 4, 5]
    assert {total for _, _, total in reports} == {5}


def test_a_person_sees_a_bar_unless_switched_off(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    topolab.report(folder, only="degree")  # the analyses that it asks for have no bar of their own
    topolab.figure("nsh-fig20", folder)
    bars = capfd.readouterr().err
    assert "report" in bars and "nsh-fig20" in bars
    record_example(folder / "c", seed=3, method="static")
    topolab.report(folder, only="degree", progress=False)
    topolab.figure("nsh-fig20", folder, force=True, progress=False)
    assert capfd.readouterr() == ("", "")


#: What is typed, and the same call in Python; the sentence that both give.
MISTAKES: dict[str, tuple[list[str], Callable[[], object], str]] = {
    "no run": (
        ["report", "nothing"],
        lambda: topolab.report("nothing"),
        "nothing: no run is there",
    ),
    "one of two is no run": (
        ["report", "runs/a", "nothing"],
        lambda: topolab.report(["runs/a", "nothing"]),
        "nothing: no run is there",
    ),
    "a run twice": (
        ["report", "runs/a", "runs/a"],
        lambda: topolab.report(["runs/a", topolab.open_run("runs/a")]),
        "a run was given twice; a report shows each once",
    ),
    "a folder and a run of it": (
        ["figure", "accuracy", "runs", "runs/a"],
        lambda: topolab.figure("accuracy", ["runs", "runs/a"]),
        "a run was given twice; each is shown once",
    ),
    "a report on a folder": (
        ["report", "runs", "--out", "runs"],
        lambda: topolab.report("runs", "runs"),
        "runs: is a folder; give the file to write, such as runs/report.html",
    ),
    "a report nowhere": (
        ["report", "runs", "--out", "x/r.html"],
        lambda: topolab.report("runs", Path("x/r.html")),
        "x/r.html: there is no folder x; make it first",
    ),
    "a report on a thesis": (
        ["report", "runs", "--out", "thesis.html"],
        lambda: topolab.report("runs", "thesis.html"),
        "thesis.html: a file that is no topolab report is there; choose another name, or "
        "overwrite it with force",
    ),
    "no frames": (
        ["report", "runs", "--frames", "0"],
        lambda: topolab.report("runs", frames=0),
        "frames 0: at least one is needed",
    ),
    "no workers": (
        ["report", "runs", "--workers", "0"],
        lambda: topolab.report("runs", workers=0),
        "workers 0: at least one is needed",
    ),
    "no such section": (
        ["report", "runs", "--only", "degree,kshel"],
        lambda: topolab.report("runs", only=["degree", "kshel"]),
        "unknown section 'kshel'; there is attachment, degree, dormant, exploration, gradient, "
        "heatmap, kendall, kshell, overview, powerlaw, selection, strength, training (did you mean "
        "kshell?)",
    ),
    "figure: no run": (
        ["figure", "accuracy", "thesis.html"],
        lambda: topolab.figure("accuracy", "thesis.html"),
        "thesis.html/run.json: cannot be read (Not a directory)",
    ),
    "figure: format": (
        ["figure", "accuracy", "runs", "--out", "f.gif"],
        lambda: topolab.figure("accuracy", "runs", "f.gif"),
        "f.gif: the name must end in .pdf, .svg, .png",
    ),
    "figure on a folder": (
        ["figure", "accuracy", "runs", "--out", "runs"],
        lambda: topolab.figure("accuracy", "runs", "runs"),
        "runs: is a folder; give the file to write, such as runs/accuracy.pdf",
    ),
    "figure on a file": (
        ["figure", "accuracy", "runs", "--out", "thesis.pdf"],
        lambda: topolab.figure("accuracy", "runs", "thesis.pdf"),
        "thesis.pdf: is there already; choose another name, or overwrite it with force",
    ),
    "no columns": (
        ["figure", "accuracy", "runs", "--columns", "0"],
        lambda: topolab.figure("accuracy", "runs", columns=0),
        "columns 0: at least one is needed",
    ),
    "no dots": (
        ["figure", "accuracy", "runs", "--dpi", "0"],
        lambda: topolab.figure("accuracy", "runs", dpi=0),
        "dpi 0: at least one is needed",
    ),
    "too many dots": (
        ["figure", "accuracy", "runs", "--dpi", "2401"],
        lambda: topolab.figure("accuracy", "runs", dpi=2401),
        "dpi 2401: at most 2400",
    ),
    "a step of all times": (
        ["figure", "nsh-fig7", "runs", "--step", "3"],
        lambda: topolab.figure("nsh-fig7", "runs", step=3),
        "figure nsh-fig7 shows all times, so a step has no meaning for it",
    ),
    "a step before the first": (
        ["figure", "tail-fit", "runs", "--step", "-1"],
        lambda: topolab.figure("tail-fit", "runs", step=-1),
        "runs/a: no snapshot at or before step -1; the first is 0",
    ),
    "no snapshots": (
        ["figure", "tail-fit", "runs", "empty"],
        lambda: topolab.figure("tail-fit", ["runs", "empty"]),
        "empty: has no snapshots yet, so nothing can be drawn",
    ),
    "watched: no frames": (
        ["watch", "runs", "--frames", "0"],
        lambda: topolab.watch("runs", frames=0),
        "frames 0: at least one is needed",
    ),
    "watched: port": (
        ["watch", "runs", "--port", "65536"],
        lambda: topolab.watch("runs", port=65536),
        "port 65536: must be from 0 to 65535",
    ),
    "watched: never": (
        ["watch", "runs", "--every", "0"],
        lambda: topolab.watch("runs", every=0.0),
        "every 0.0: must be above 0 seconds",
    ),
    "watched twice": (
        ["watch", "runs", "runs/b"],
        lambda: topolab.watch(["runs", "runs/b"]),
        "a run was given twice; a report shows each once",
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_the_same_sentence_on_both_roads(
    case: str, folder: Path, typed: Typed
) -> None:
    """And it is said before anything is computed."""
    typing, call, sentence = MISTAKES[case]
    for name in ("thesis.html", "thesis.pdf"):
        Path(name).write_text("mine")
    layers = [topolab.LayerSpec("fc1", "linear", (2, 3))]
    with topolab.Recorder("empty", layers=layers):
        pass
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    with pytest.raises(TopolabError) as error:
        call()
    assert str(error.value).startswith(sentence)
    code, out, err = typed(*typing)
    assert (code, out, err) == (error.value.exit_code, "", f"topolab: error: {error.value}\n")
    assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before


#: What no shell can write, or what its parser refuses in words of its own: only in Python.
IN_PYTHON: dict[str, tuple[Callable[[], object], str]] = {
    "a section that is no name": (
        lambda: topolab.report("runs", only=5),
        "only 5: a name, or a list of names, was expected",
    ),
    "one of the sections is no name": (
        lambda: topolab.report("runs", only=["degree", 5]),
        "only ['degree', 5]: a name, or a list of names, was expected",
    ),
    "frames in words": (
        lambda: topolab.report("runs", frames="x"),
        "frames 'x' is not a whole number",
    ),
    "half a frame": (
        lambda: topolab.report("runs", frames=2.5),
        "frames 2.5 must be a whole number",
    ),
    "workers in words": (
        lambda: topolab.report("runs", workers=None),
        "workers None is not a whole number",
    ),
    "a report on a number": (
        lambda: topolab.report("runs", 5),
        "out = 5 is no path; give the file to write, such as report.html",
    ),
    "dots in words": (
        lambda: topolab.figure("accuracy", "runs", dpi="a"),
        "dpi 'a' is not a whole number",
    ),
    "columns in words": (
        lambda: topolab.figure("accuracy", "runs", columns="two"),
        "columns 'two' is not a whole number",
    ),
    "no columns, as text": (
        lambda: topolab.figure("accuracy", "runs", columns="0"),
        "columns 0: at least one is needed",
    ),
    "a step in words": (
        lambda: topolab.figure("tail-fit", "runs", step="a"),
        "step 'a' is not a whole number",
    ),
    "a figure on bytes": (
        lambda: topolab.figure("accuracy", "runs", b"f.pdf"),
        "out = b'f.pdf' is no path; give the file to write, such as accuracy.pdf",
    ),
    "a figure that is no name": (
        lambda: topolab.figure(5, "runs"),
        "unknown figure 5; there is accuracy, ",
    ),
    "watched: port in words": (
        lambda: topolab.watch("runs", port="x"),
        "port 'x' is not a whole number",
    ),
    "watched: every now and then": (
        lambda: topolab.watch("runs", every="now and then"),
        "every 'now and then' is not a number",
    ),
    "watched: frames in words": (
        lambda: topolab.watch("runs", frames="x"),
        "frames 'x' is not a whole number",
    ),
}


@pytest.mark.parametrize("case", IN_PYTHON)
def test_what_is_no_number_and_no_name_is_a_sentence_too(case: str, folder: Path) -> None:
    call, sentence = IN_PYTHON[case]
    before = sorted(Path().rglob("*"))
    with pytest.raises(ConfigError) as error:
        call()
    assert str(error.value).startswith(sentence)
    assert sorted(Path().rglob("*")) == before


def test_a_number_may_be_given_as_its_text(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a path may begin at the home."""
    monkeypatch.setenv("HOME", str(Path.cwd()))
    asked: dict[str, Any] = {"step": 15, "columns": 2, "dpi": 40}
    one = topolab.figure("degree-ccdf", folder, "~/numbers.png", **asked)
    text = {name: str(value) for name, value in asked.items()}
    two = topolab.figure("degree-ccdf", folder, "text.png", **text)
    assert one == Path.cwd() / "numbers.png" and one.read_bytes() == two.read_bytes()


def test_an_unknown_figure_has_the_same_sentence_too(folder: Path, typed: Typed) -> None:
    with pytest.raises(TopolabError, match="unknown figure 'nsh-fig77'; there is accuracy, ") as e:
        topolab.figure("nsh-fig77", folder)
    assert str(e.value).endswith("(did you mean nsh-fig7?)")
    assert typed("figure", "nsh-fig77", folder)[2] == f"topolab: error: {e.value}\n"


def test_neither_a_run_nor_a_path() -> None:
    for call in (topolab.report, topolab.watch, lambda runs: topolab.figure("accuracy", runs)):
        with pytest.raises(RunError, match="at least one run is needed"):
            call([])
        with pytest.raises(RunError, match="was expected, and not 3"):
            call([3])


def test_force_overwrites(folder: Path, typed: Typed) -> None:
    Path("thesis.html").write_text("mine")
    topolab.report(folder, "thesis.html", only="training", force=True)
    page = Path("thesis.html").read_bytes()
    assert b"topolab" in page
    Path("thesis.html").write_text("mine")
    assert typed("report", folder, "--only", "training", "--out", "thesis.html", "--force")[0] == 0
    assert Path("thesis.html").read_bytes() == page


def test_the_command_watches_as_its_function_does(
    folder: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[Any, dict[str, Any]]] = []

    def watch(runs: Any, **settings: Any) -> None:
        settings.pop("ready")("http://127.0.0.1:1/", None)
        calls.append((runs, settings))
        raise KeyboardInterrupt

    monkeypatch.setattr(topolab_reports.watch, "watch", watch)
    code, out, err = typed("watch", folder)
    assert (code, out, err) == (0, "http://127.0.0.1:1/\n", "Ctrl-C ends it.\nstopped\n")
    typed("watch", folder, "--port", "0", "--frames", "3", "--every", "1", "--title", "T", "--all",
          "--open", "--quiet")  # fmt: skip
    assert calls == [
        ([folder], {"port": 8765, "frames": 12, "every": 2.0, "title": None, "everything": False,
                    "open_browser": False}),
        ([folder], {"port": 0, "frames": 3, "every": 1.0, "title": "T", "everything": True,
                    "open_browser": True}),
    ]  # fmt: skip
