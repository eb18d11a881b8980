"""The same mistake gets the same sentence from a command and from its function."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import topolab
from topolab.cli import main
from topolab.errors import ConfigError, PartialFailure, RunError, TopolabError

CORE = Path(topolab.__file__).parent

#: What is typed, the same call in Python, and how the sentence begins; `example` is a run in the
#: present folder, `other` one of another method, `empty` a folder without runs.
MISTAKES: dict[str, tuple[list[str], Callable[[], Any], str]] = {
    "no run": (["analyse", "nosuch"], lambda: topolab.analyse("nosuch"), "nosuch: no run is"),
    "one of two is no run": (
        ["analyse", "example", "nosuch"],
        lambda: topolab.analyse(["example", "nosuch"]),
        "nosuch: no run is there",
    ),
    "no run in a folder": (
        ["analyse", "empty"],
        lambda: topolab.analyse("empty"),
        "empty: no run is there, and no folder of a run in it",
    ),
    "unknown analysis": (
        ["analyse", "example", "--only", "degre"],
        lambda: topolab.analyse("example", "degre"),
        "unknown analysis 'degre'; there is attachment, degree",
    ),
    "unknown parameter": (
        ["analyse", "example", "-p", "powerlaw.xmin=3"],
        lambda: topolab.analyse("example", parameters={"powerlaw": {"xmin": 3}}),
        "analysis powerlaw has no parameter xmin; it has",
    ),
    "parameter of what is not asked for": (
        ["analyse", "example", "--only", "degree", "-p", "powerlaw.x_min=3"],
        lambda: topolab.analyse("example", "degree", parameters={"powerlaw": {"x_min": 3}}),
        "parameters for powerlaw, which is not among the analyses asked for",
    ),
    "parameter of no analysis": (
        ["analyse", "example", "-p", "powerlow.x_min=3"],
        lambda: topolab.analyse("example", parameters={"powerlow": {"x_min": 3}}),
        "unknown analysis 'powerlow'; there is",
    ),
    "parameter out of range": (
        ["analyse", "example", "--only", "powerlaw", "-p", "powerlaw.x_min=few"],
        lambda: topolab.analyse("example", "powerlaw", parameters={"powerlaw": {"x_min": "few"}}),
        "powerlaw.x_min = 'few' is not",
    ),
    "no process": (
        ["analyse", "example", "--workers", "0"],
        lambda: topolab.analyse("example", workers=0),
        "workers 0: at least one process is needed",
    ),
    "compare with nothing": (
        ["compare", "example"], lambda: topolab.compare("example"), "1 runs cannot be compared",
    ),
    "compare by nothing known": (
        ["compare", "example", "other", "--by", "metod"],
        lambda: topolab.compare(["example", "other"], "metod"),
        "no run has a setting metod; they have epochs, method",
    ),
    "compare without processes": (
        ["compare", "example", "other", "--workers", "0"],
        lambda: topolab.compare(["example", "other"], workers=0),
        "workers 0: at least one process is needed",
    ),
    "compare what has no measures": (
        ["compare", "example", "other", "--only", "kendall"],
        lambda: topolab.compare(["example", "other"], only="kendall"),
        "kendall has no measures that could be compared",
    ),
    "unknown format": (
        ["export", "example", "--to", "graphm"],
        lambda: topolab.export("example", to="graphm"),
        "unknown export format 'graphm'; there is gexf, graphml",
    ),
    "unknown step": (
        ["export", "example", "--to", "npz", "--step", "11"],
        lambda: topolab.export("example", to="npz", step=11),
        "example: no snapshot at step 11; the nearest are [0, 10, 20]",
    ),
    "a word that is no step": (
        ["export", "example", "--to", "npz", "--step", "middle"],
        lambda: topolab.export("example", to="npz", step="middle"),
        "step 'middle': give a number, first, last or all",
    ),
    "a file that is there": (
        ["export", "example", "--to", "npz", "--out", "there.npz"],
        lambda: topolab.export("example", "there.npz", to="npz"),
        "there.npz: is there already; choose another",
    ),
    "show nothing": (["show", "nosuch"], lambda: topolab.show("nosuch"), "nosuch: no run is"),
    "show an empty folder": (
        ["show", "empty"], lambda: topolab.show("empty"), "empty: no run is there, and no folder",
    ),
    "verify nothing": (
        ["verify", "example", "nosuch"],
        lambda: topolab.verify(["example", "nosuch"]),
        "nosuch: no run is there",
    ),
    "no card": (
        ["analyses", "degre"], lambda: topolab.analyses("degre"), "unknown analysis 'degre'; there",
    ),
    "import nothing": (
        ["import", "nosuch*.pt", "--out", "new"],
        lambda: topolab.import_run("nosuch*.pt", "new"),
        "nosuch*.pt: ",
    ),
    "import where something is": (
        ["import", "there.npz", "--out", "example"],
        lambda: topolab.import_run("there.npz", "example"),
        "example: something is already there; choose another",
    ),
    "report nothing": (
        ["report", "nosuch"], lambda: topolab.report("nosuch"), "nosuch: no run is there",
    ),
    "report without frames": (
        ["report", "example", "--frames", "0"],
        lambda: topolab.report("example", frames=0),
        "frames 0: at least one is needed",
    ),
    "watch without frames": (
        ["watch", "example", "--frames", "0"],
        lambda: topolab.watch("example", frames=0),
        "frames 0: at least one is needed",
    ),
    "unknown figure": (
        ["figure", "wirring", "example"],
        lambda: topolab.figure("wirring", "example"),
        "unknown figure 'wirring'; there is",
    ),
    "unknown tracker": (
        ["log", "example", "--to", "tensorbord"],
        lambda: topolab.log("example", "tensorbord"),
        "unknown tracker 'tensorbord'; there is",
    ),
    "several seeds as one": (
        ["train", "set", "--seed", "0,1", "--out", "new"],
        lambda: topolab.train("set", "new", seed="0,1"),
        "seed '0,1' is not a whole number; for a run of each of several give seeds",
    ),
    "a text as a whole number": (
        ["train", "set", "--epochs", "2.5", "--out", "new"],
        lambda: topolab.train("set", "new", epochs=2.5),
        "epochs 2.5 must be a whole number of at least 1",
    ),
    "a number out of range": (
        ["train", "set", "--sparsity", "2.0", "--out", "new"],
        lambda: topolab.train("set", "new", sparsity=2),
        "sparsity 2 is outside [0, 1)",
    ),
    "unknown recipe": (
        ["recipes", "dmo"], lambda: topolab.recipes("dmo"), "unknown recipe 'dmo'; there is demo",
    ),
    "unknown method": (
        ["train", "rigll", "--out", "new"],
        lambda: topolab.train("rigll", "new"),
        "unknown method 'rigll'; there is",
    ),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from conftest import record_example  # type: ignore[import-not-found]

    record_example(tmp_path / "example", snapshots=3)
    record_example(tmp_path / "other", snapshots=3, method="rigl")
    (tmp_path / "empty").mkdir()
    (tmp_path / "there.npz").write_bytes(b"mine")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_gets_one_sentence_on_both_roads(
    mistake: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    typed, called, begins = MISTAKES[mistake]
    before = sorted(folder.rglob("*"))
    with pytest.raises(TopolabError) as refused:
        called()
    sentence = str(refused.value)
    assert sentence.startswith(begins)
    assert not re.search(r"(?<!\w)--?[a-z]", sentence)  # the words of both, not of a shell
    monkeypatch.setattr(sys, "argv", ["topolab", *typed])
    with pytest.raises(SystemExit) as left:
        main()
    out, err = capsys.readouterr()
    assert err == f"topolab: error: {sentence}\n" and out == ""
    assert left.value.code == refused.value.exit_code
    assert sorted(folder.rglob("*")) == before


def test_a_function_takes_only_what_it_can_use(folder: Path) -> None:
    wrong: Any
    for wrong in (3, None, [3], ["example", None]):
        for function in (topolab.analyse, topolab.verify, topolab.show, topolab.compare):
            with pytest.raises(RunError, match="expected, and not"):
                function(wrong)
    for wrong in (3, [3], [["degree"]]):
        for call in (
            lambda given: topolab.analyse("example", given),
            lambda given: topolab.compare(["example", "other"], only=given),
            lambda given: topolab.compare(["example", "other"], given),
        ):
            with pytest.raises(ConfigError, match="a name, or a list of names, was expected"):
                call(wrong)
    for wrong in (3, "powerlaw.x_min=3", ["powerlaw"], {"powerlaw": 3}, {"powerlaw": ["x_min"]}):
        with pytest.raises(ConfigError, match=r"parameters.*expected, .*and not"):
            topolab.analyse("example", "powerlaw", parameters=wrong)
    for wrong in ({3: {}}, {"powerlaw": {3: 4}}):
        with pytest.raises(ConfigError, match=r"unknown analysis 3|no parameter 3"):
            topolab.analyse("example", "powerlaw", parameters=wrong)
    for wrong in ("two", 1.5, True, None):
        with pytest.raises(ConfigError, match="at least one process"):
            topolab.analyse("example", "degree", workers=wrong)
    with pytest.raises(ConfigError, match="on_error 'ignore': give raise or skip"):
        topolab.analyse("example", "degree", on_error="ignore")  # type: ignore[call-overload]
    with pytest.raises(RunError, match="at least one run"):
        topolab.analyse([])


def raised_texts(path: Path) -> list[tuple[int, str]]:
    """Every piece of text in a `raise` of a module, with its line."""
    return [
        (part.lineno, part.value)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Raise)
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]


@pytest.mark.parametrize(
    "path",
    [p for p in sorted(CORE.rglob("*.py")) if "cli" not in p.relative_to(CORE).parts],
    ids=lambda path: path.relative_to(CORE).as_posix(),
)
def test_no_error_of_the_core_speaks_of_an_option(path: Path) -> None:
    spoken = [(line, text) for line, text in raised_texts(path) if re.search(r"(?<!\w)--\w", text)]
    assert not spoken


def test_what_is_skipped_is_said_in_python_and_on_the_command_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A single layer of weights has no hidden neurons: no law and no selection there."""
    with topolab.Recorder("one", layers=[topolab.LayerSpec("fc", "linear", (3, 4))]) as recorder:
        recorder.record(0, {"fc": [[1, 0, 1, 1], [0, 0, 1, 0], [1, 1, 1, 1]]})
    with pytest.raises(topolab.errors.AnalysisError, match="no hidden neurons"):
        topolab.analyse("one")
    results = topolab.analyse("one", on_error="skip")
    assert {"degree", "strength"} <= set(results) and "powerlaw" in results.skipped
    assert "no hidden neurons" in str(results.skipped["powerlaw"])
    every = topolab.registry.names("analyses")
    assert sorted([*results, *results.skipped]) == every
    monkeypatch.setattr(sys, "argv", ["topolab", "analyse", "one"])
    with pytest.raises(SystemExit) as left:
        main()
    out, err = capsys.readouterr()
    assert left.value.code == PartialFailure.exit_code == 3
    for name, error in results.skipped.items():
        reason = str(error).removeprefix("one: ")  # the run is named once
        assert err.count(f"topolab: one: {name}: {reason}\n") == 1
    assert "one: a single layer" not in err and err.count("topolab: one: powerlaw") == 1
    assert f"{len(results.skipped)} of {len(every)} failed" in err
    assert {line.split("\t")[1] for line in out.splitlines()} == set(results)


def test_a_damaged_run_costs_the_others_nothing(folder: Path) -> None:
    shots = sorted((folder / "other" / "snapshots").iterdir())
    shots[1].write_bytes(b"foreign")
    with pytest.raises(topolab.errors.SnapshotError, match=shots[1].name):
        topolab.analyse(["other", "example"], ["degree", "dormant"])
    found = topolab.analyse(["other", "example"], ["degree", "dormant"], on_error="skip")
    other, example = found.values()
    assert set(example) == {"degree", "dormant"} and not example.skipped
    assert not other and set(other.skipped) == {"degree", "dormant"}
    assert shots[1].name in str(other.skipped["dormant"])


def test_a_folder_stands_for_the_runs_that_show_lists(folder: Path) -> None:
    listed = topolab.show(folder)["name"].tolist()
    assert listed == ["example", "other"]
    assert [run.name for run in topolab.analyse(folder, "degree")] == listed
    assert [run.name for run in topolab.verify(folder)] == listed
    assert all(found.ok for found in topolab.verify(folder).values())
    written = topolab.export(folder, folder / "out", to="npz", step="first")
    assert [path.name for paths in written.values() for path in paths] == [
        "example-s0000000.npz", "other-s0000000.npz",
    ]  # fmt: skip
    every = topolab.export(folder, folder / "all", to="npz", step="all")
    assert [len(paths) for paths in every.values()] == [3, 3]
    assert (folder / "all" / "other-npz" / "s0000020.npz").exists()
    compared = topolab.compare(folder, only="degree")
    assert compared.by == ("method",) and set(compared.groups["group"]) == {"set", "rigl"}


def test_a_run_says_what_it_is(folder: Path) -> None:
    described = topolab.show("example")
    assert described["method"] == "set" and described["steps"] == [0, 10, 20]
    text = repr(described).splitlines()
    assert text[0] == "example: done" and text[1].startswith("  3 snapshots, steps 0 to 20")
    assert "fc2" in text[-2] and "linear 16 x 24" in text[-2]
    assert topolab.verify("example").checked == 3
    assert "degree " in repr(topolab.analyses()) and "\n" in repr(topolab.analyses("degree"))
