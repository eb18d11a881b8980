"""The command line: what it prints where, its exit codes, and no traceback for a user's mistake."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from command import run, run_process

import topolab
from topolab.cli import app, main
from topolab.registry import load_all

ROOT = Path(__file__).resolve().parents[3]
QUICK = [
    "--data",
    "digits",
    "--hidden",
    "16,8",
    "--epochs",
    "2",
    "--threads",
    "1",
    "--sparsity",
    "0.5",
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    done = run("train", "set", *QUICK, "--seed", "5", "--out", folder / "set", "--json")
    assert done.code == 0, done.err
    assert done.json["snapshots"] == 3 and done.json["state"] == "done" and done.err == ""
    return folder / "set"


def test_version_and_no_arguments() -> None:
    assert run_process("--version").out == f"topolab {topolab.__version__}\n"
    assert "analyse" in run().out + run().err


def test_the_main_job(trained: Path, tmp_path: Path) -> None:
    done = run("analyse", trained)
    assert done.code == 0 and "Next: topolab report" in done.err
    tables = [name for cls in load_all("analyses").values() for name in cls.schemas]
    assert len(done.out.splitlines()) == len(tables) and "\tcomputed\t" in done.out
    again = run("analyse", trained, "--json")
    assert {item["analysis"] for item in again.json} >= {"degree", "powerlaw", "kshell"}
    assert all(item["cached"] for item in again.json) and again.err == ""
    page = tmp_path / "r.html"
    done = run("report", trained, "--out", page)
    assert done.code == 0 and done.out == f"{page}\n" and done.err == ""
    assert page.read_bytes().startswith(b"<!doctype html>")
    assert run("report", trained, "--out", page, "--json").json["bytes"] == page.stat().st_size
    done = run("verify", trained)
    assert (done.code, done.out) == (0, "") and "3 snapshots, all well" in done.err
    shown = run("show", trained, "--json").json
    assert shown["method"] == "set" and shown["seed"] == 5 and shown["steps"] == [0, 12, 24]
    assert [layer["sparsity_last"] for layer in shown["layers"]][2] == 0
    assert "fc1\tlinear\t16 x 64" in run("show", trained).out
    assert run("show", trained.parent, "--json").json[0]["name"] == "set"


def test_lists_and_cards() -> None:
    assert {m["name"] for m in run("methods", "--json").json} >= {"dense", "rigl", "set"}
    assert "## Departures from the paper" in run("methods", "rigl").out
    assert "--gradient\tdense" in run("methods", "rigl").out
    assert "--ccv\t1.0" in run("inits", "lognormal").out
    inits = {i["name"]: i for i in run("inits", "--json").json}
    assert inits["lognormal"]["options"][0]["name"] == "ccv"
    recipes = {r["name"] for r in run("recipes", "--json").json}
    assert "psn-fashion-mnist" in recipes and "nist-lenet5" in run("recipes").out
    planned = run("recipes", "psn-rigl-mnist", "--json").json
    assert len(planned["runs"]) == 20 and planned["runs"][0]["epochs"] == 20
    assert "every run: data = mnist" in run("recipes", "psn-rigl-mnist").out
    analyses = run("analyses", "--json").json
    assert all(c["meaning"] for a in analyses for t in a["tables"].values() for c in t)
    assert "x_min" in run("analyses", "powerlaw").out
    assert {d["name"] for d in run("data", "--json").json} >= {"digits", "fashion-mnist"}
    assert run("data", "digits", "--json").json["n_train"] == 1442


def test_parameters_reach_the_analysis(trained: Path) -> None:
    done = run("analyse", trained, "--only", "powerlaw", "-p", "powerlaw.x_min=3", "--json")
    assert "@" in done.json[0]["path"]
    done = run(
        "analyse",
        trained,
        "--only",
        "dormant",
        "-p",
        "dormant.thresholds=3,4",
        "--no-cache",
        "--json",
    )
    assert done.json[0]["path"] is None and not done.json[0]["cached"]


MISTAKES: dict[str, tuple[list[str], int, str]] = {
    "method": (["train", "rigll"], 2, r"unknown method 'rigll'; .*did you mean rigl\?"),
    "data": (["train", "rigl", "--data", "mnits"], 2, r"unknown data set 'mnits'; .*did you mean"),
    "sparsity": (["train", "rigl", "--sparsity", "1"], 2, r"sparsity 1 is outside \[0, 1\)"),
    "negative": (["train", "rigl", "--sparsity", "-0.5"], 2, "sparsity -0.5 is outside"),
    "hidden": (["train", "rigl", "--hidden", "abc"], 2, "hidden 'abc' is not a list of widths"),
    "init": (["train", "rigl", "--init", "x"], 2, "unknown init 'x'; there is bell, er"),
    "every": (["train", "rigl", "--update-every", "x"], 2, "update_every 'x' is not a whole"),
    "epochs": (["train", "rigl", "--epochs", "x"], 2, "epochs 'x' is not a whole number"),
    "option": (
        ["train", "rigl", "--epoch", "1"],
        2,
        r"no such option --epoch \(did you mean epochs\?\)",
    ),
    "own option": (["train", "rigl", "--cvc", "1"], 2, r"did you mean ccv\?"),
    "other's option": (
        ["train", "rigl", "--ccv", "1"],
        2,
        "unknown setting ccv.*method rigl from init erk knows",
    ),
    "own value": (["train", "rigl", "--grow", "x"], 2, "unknown grow 'x'; there is gradient, "),
    "figure": (["figure", "nsh-fig9x", "folder"], 2, r"unknown figure 'nsh-fig9x'; .*did you mean"),
    "figure's run": (["figure", "wiring", "nothing"], 2, "nothing: "),
    "figure's format": (["figure", "wiring", "folder", "--out", "w.gif"], 2, "folder"),
    "watched run": (["watch", "nothing"], 2, "nothing: "),
    "watch frames": (["watch", "folder", "--frames", "0"], 2, "error: frames 0: at least one"),
    "watch port": (["watch", "folder", "--port", "99999"], 2, "from 0 to 65535"),
    "stray word": (["train", "rigl", "digits"], 2, "unexpected 'digits'"),
    "twice": (["train", "rigl", "--grow", "random", "--grow=random"], 2, "given twice"),
    "method last": (["train", "--ccv", "2", "psn"], 2, "put the method first"),
    "no method": (["train"], 2, "which method"),
    "recipe": (["train", "--recipe", "psm"], 2, "unknown recipe 'psm'"),
    "seed and seeds": (["train", "rigl", "--seed", "1", "--seeds", "2"], 2, "either seed or seeds"),
    "seed twice": (["train", "rigl", "--seeds", "1,1"], 2, "names a seed twice"),
    "reserved": (
        ["train", "--recipe", "nist-vgg16", "--progress", "3"],
        2,
        "no such option",
    ),
    "only": (["train", "rigl", "--only", "a"], 2, "only is for the runs of a recipe"),
    "seeds": (["train", "rigl", "--seeds", "1;2"], 2, "not a list of seeds"),
    "ccv": (
        ["train", "psn", "--ccv", "9", "--hidden", "64,64"],
        2,
        r"layer fc1: a CCV of 9 cannot be reached .* largest reachable is \d",
    ),
    "fan-in": (["train", "psn", "--f-min", "65"], 2, r"f_min 65 is not in \[0, 64\]"),
    "ceiling": (
        ["train", "psn", "--sparsity", "0.99"],
        2,
        r"layer fc1: .*highest sparsity is 0\.98",
    ),
    "neuroseeds": (
        ["train", "nist", "--neuroseeds", "1,2,11"],
        2,
        r"layer fc3: a neuroseed factor of 11 is not in \[1, 10\]",
    ),
    "batch": (["train", "rigl", "--batch-size", "5000"], 2, "larger than the 1442 training"),
    "images": (["train", "static", "--model", "vgg16"], 2, "takes images of 32 x 32, and these"),
    "unwritable": (["train", "set", *QUICK, "--out", "file/run"], 2, "cannot be made or written"),
    "not empty": (["train", "set", *QUICK, "--out", "folder"], 2, "not empty and holds no run"),
    "missing data": (
        ["train", "rigl", "--data", "fashion-mnist", "--data-dir", "folder"],
        4,
        r"no train-images-idx3-ubyte.* give the folder that holds",
    ),
    "no run": (["analyse", "nowhere"], 2, "nowhere: no run is there"),
    "a file": (["show", "file"], 2, "no run is there|cannot be read"),
    "empty folder": (["show", "folder"], 2, "no run is there"),
    "verify nothing": (["verify", "nowhere"], 2, "no run is there"),
    "analysis": (
        ["analyse", "nowhere", "--only", "degre"],
        2,
        r"unknown analysis 'degre'.*degree\?",
    ),
    "parameter": (["analyse", "x", "-p", "nonsense"], 2, "write ANALYSIS.NAME=VALUE"),
    "no report of nothing": (["report", "nowhere"], 2, "no run is there"),
    "one run": (["compare", "nowhere"], 2, "no run is there"),
    "by nothing": (["compare", "a", "b", "--by", ","], 2, "--by names no setting"),
    "compare what": (["compare", "a", "--only", "degre"], 2, r"unknown analysis 'degre'"),
    "card": (["methods", "sett"], 2, r"did you mean set\?"),
    "data set": (["data", "digit"], 2, r"did you mean digits\?"),
    "no command": (["trian"], 2, "unknown command 'trian'; there is"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_one_clear_line(
    case: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """In this process, since forty new ones would take minutes."""
    arguments, code, message = MISTAKES[case]
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.txt").write_text("mine")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", ["topolab", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    out, err = capfd.readouterr()
    assert left.value.code == code, err
    assert re.search(message, err), err
    assert out == "" and "Traceback" not in err
    if "Usage" not in err:
        assert len(err.splitlines()) == 1 and err.startswith("topolab: error: ")
    assert (tmp_path / "file").read_text() == "mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


def test_a_mistake_in_a_process_of_its_own(tmp_path: Path) -> None:
    done = run("train", "rigll", cwd=tmp_path)
    assert done.code == 2 and done.out == "" and not list(tmp_path.iterdir())
    assert done.err.startswith("topolab: error: unknown method 'rigll'")
    assert len(done.err.splitlines()) == 1


def test_an_existing_run_is_refused_and_kept(trained: Path) -> None:
    before = topolab.open_run(trained).identity
    done = run("train", "set", *QUICK, "--out", trained)
    assert done.code == 2 and "continue it (resume)" in done.err
    done = run("train", "set", *QUICK, "--seed", "5", "--out", trained, "--resume", "--json")
    assert done.code == 0 and done.json["state"] == "done"
    done = run("train", "set", *QUICK, "--seed", "6", "--out", trained, "--resume")
    assert done.code == 2 and "seed was 5, now 6" in done.err
    assert topolab.open_run(trained).identity == before


def damaged(tmp_path: Path, trained: Path) -> tuple[Path, list[Path]]:
    import shutil

    copy = Path(shutil.copytree(trained, tmp_path / "copy"))
    shutil.rmtree(copy / "tables", ignore_errors=True)
    return copy, sorted((copy / "snapshots").iterdir())


def test_verify_names_every_damaged_file(tmp_path: Path, trained: Path) -> None:
    copy, files = damaged(tmp_path, trained)
    files[0].write_bytes(files[0].read_bytes()[:-2])
    data = bytearray(files[2].read_bytes())
    data[-1] ^= 4
    files[2].write_bytes(data)
    done = run("verify", copy, trained)
    assert done.code == 3
    assert [line.split(":")[0] for line in done.out.splitlines()] == [str(files[0]), str(files[2])]
    outcomes = run("verify", copy, trained, "--json").json
    assert [o["ok"] for o in outcomes] == [False, True] and len(outcomes[0]["problems"]) == 2


def test_one_bad_run_does_not_cost_the_others(tmp_path: Path, trained: Path) -> None:
    copy, files = damaged(tmp_path, trained)
    files[1].write_bytes(b"foreign")
    done = run("analyse", copy, trained, "--only", "degree")
    assert done.code == 3 and str(trained) in done.out
    assert "1 of 2 failed" in done.err and files[1].name in done.err
    done = run("analyse", copy, "--only", "degree")
    assert done.code == 2 and files[1].name in done.err
    page = tmp_path / "r.html"
    done = run("report", copy, trained, "--out", page)
    assert done.code == 2 and files[1].name in done.err and not page.exists()


def test_a_newer_format_is_refused(tmp_path: Path, trained: Path) -> None:
    copy, _ = damaged(tmp_path, trained)
    manifest = json.loads((copy / "run.json").read_text())
    (copy / "run.json").write_text(json.dumps({**manifest, "version": 99}))
    for command in ("analyse", "show", "verify", "report"):
        done = run(command, copy, cwd=tmp_path)
        assert done.code == 2 and "format version 99 is newer" in done.err


def test_an_analysis_that_cannot_answer_does_not_cost_the_others(tmp_path: Path) -> None:
    """A single layer of weights has no hidden neurons: no law and no selection there."""
    with topolab.Recorder(
        tmp_path / "one", layers=[topolab.LayerSpec("fc", "linear", (3, 4))]
    ) as recorder:
        recorder.record(0, {"fc": [[1, 0, 1, 1], [0, 0, 1, 0], [1, 1, 1, 1]]})
    done = run("analyse", tmp_path / "one")
    assert done.code == 3 and "no hidden neurons" in done.err and "powerlaw" in done.err
    assert "strength" in done.out and "degree" in done.out
    done = run("analyse", tmp_path / "one", "--only", "powerlaw")
    assert done.code == 2 and done.out == ""


def test_compare_prints_and_saves(tmp_path: Path) -> None:
    made = []
    for method in ("set", "rigl"):
        for seed in (1, 2):
            made.append(tmp_path / f"{method}-{seed}")
            run("train", method, *QUICK, "--seed", str(seed), "--out", made[-1], "-q")
    done = run(
        "compare", *made, "--by", "method", "--only", "degree,selection", "--out", tmp_path / "c",
        "--measures", "training.test_accuracy; degree.ccv[fc1, in]",
    )  # fmt: skip
    assert done.code == 0, done.err
    lines = [line.split("\t") for line in done.out.splitlines()]
    assert [line[:3] for line in lines if line[0] == "degree.ccv[fc1, in]"][:2] == [
        ["degree.ccv[fc1, in]", "set", "2"], ["degree.ccv[fc1, in]", "rigl", "2"],
    ]  # fmt: skip
    assert any(line[:2] == ["degree.ccv[fc1, in]", "set - rigl"] for line in lines)
    verdicts = {(line[0], line[1]) for line in lines if len(line) == 8 and line[1][:2] == "fc"}
    assert {("set", "fc1"), ("rigl", "fc1"), ("rigl", "fc2")} <= verdicts
    assert "can give less than p = 0.5" in done.err
    assert (tmp_path / "c" / "pairs.csv").exists()
    differing = [line for line in lines if len(line) == 3]
    assert ["init", "er", "set"] in differing and ["init", "erk", "rigl"] in differing
    assert ["gradient", "-", "set"] in differing
    assert {line[2] for line in differing if line[0] == "updates of the masks"} == {"set", "rigl"}
    assert "groups differ also in decay, drop, " in done.err
    assert "not updated equally often: " in done.err
    quiet = run("compare", *made, "--by", "method", "--only", "degree", "-q")
    assert quiet.err == "" and ["init", "erk", "rigl"] in [
        line.split("\t") for line in quiet.out.splitlines()
    ]
    whole = run("compare", *made, "--by", "method", "--only", "degree", "--json").json
    assert whole["by"] == ["method"] and {g["group"] for g in whole["groups"]} == {"set", "rigl"}
    assert whole["differs"]["init"] == {"set": "er", "rigl": "erk"}
    assert set(whole["updates"]) == {"set", "rigl"}
    done = run("compare", *made, "--by", "data", "--only", "degree")
    assert done.code == 2 and "differ in more than their seed" in done.err


def test_a_report_overwrites_only_reports(tmp_path: Path, trained: Path) -> None:
    (tmp_path / "thesis.html").write_text("<html>mine</html>")
    done = run("report", trained, "--out", tmp_path / "thesis.html")
    assert done.code == 2 and "no topolab report" in done.err
    assert (tmp_path / "thesis.html").read_text() == "<html>mine</html>"
    assert run("report", trained, "--out", tmp_path).code == 2
    assert "no folder" in run("report", trained, "--out", tmp_path / "a" / "b.html").err
    assert run("report", trained, "--out", tmp_path / "thesis.html", "--force").code == 0
    assert run("report", trained, "--out", tmp_path / "thesis.html").code == 0


def test_export(trained: Path, tmp_path: Path) -> None:
    done = run("export", trained, "--to", "graphml", cwd=tmp_path)
    assert done.code == 0 and done.out == "set-s0000024.graphml\n", done.err
    assert "No weights were recorded" in done.err
    again = run("export", trained, "--to", "graphml", cwd=tmp_path)
    assert again.code == 2 and "is there already" in again.err and again.out == ""
    forced = run("export", trained, "--to", "graphml", "--force", "--quiet", cwd=tmp_path)
    assert forced.code == 0 and forced.err == ""
    out = tmp_path / "all"
    every = run("export", trained, "--to", "parquet", "--step", "all", "--out", out, "--json")
    assert every.code == 0 and every.err == "" and len(every.json["files"]) == 6
    assert every.json["steps"] == topolab.open_run(trained).steps.tolist()
    first = run("export", trained, "--to", "npz", "--step", "0", "--out", tmp_path / "a.npz")
    assert first.code == 0 and first.out == f"{tmp_path / 'a.npz'}\n"
    for arguments, message in (
        (("--to", "graphm"), "did you mean graphml?"),
        (("--to", "npz", "--step", "1"), "the nearest are"),
        (("--to", "npz", "--step", "middle"), "first, last or all"),
        (("--to", "npz", "--out", trained / "run.json", "--force"), "must end with .npz"),
        (("--to", "npz", "--out", trained / "x.npz"), "lies inside the run"),
    ):
        refused = run("export", trained, *arguments, cwd=tmp_path)
        assert refused.code == 2 and message in refused.err


def test_a_foreign_run_cannot_command_the_terminal(tmp_path: Path) -> None:
    layer = topolab.LayerSpec("a", "linear", (2, 3))
    odd = {"config": {"method": "a\x1b[2Jb"}, "command": "x\x1b]0;title\x07"}
    with topolab.Recorder(tmp_path / "r", layers=[layer], **odd) as recorder:  # type: ignore[arg-type]
        recorder.record(0, {"a": [[1, 0, 1], [0, 1, 0]]})
    for shown in (run("show", tmp_path / "r"), run("show", tmp_path)):
        assert shown.code == 0 and "a\\x1b[2Jb" in shown.out and "\x1b" not in shown.out
    (tmp_path / "r" / "snapshots" / "\x1b[2J").write_text("")
    said = run("verify", tmp_path / "r")
    assert said.code == 3 and "\\x1b[2J: not a snapshot file" in said.out


def test_ctrl_c_says_how_to_go_on(tmp_path: Path) -> None:
    command = [
        "train",
        "set",
        "--data",
        "digits",
        "--epochs",
        "100000",
        "--threads",
        "1",
        "--hidden",
        "16",
    ]
    # Where the tests run in the background of a shell, SIGINT is ignored from the start.
    script = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from topolab.cli import main; main()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, *command, "--out", str(tmp_path / "r")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    # The whole name: `*3-*` would also match what a process whose number ends with 3 is writing.
    while not list((tmp_path / "r").glob("snapshots/000003-s*.safetensors")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130 and "Traceback" not in err
    assert f"topolab {' '.join(command)} --out {tmp_path / 'r'} --resume" in err and out == ""
    run_ = topolab.open_run(tmp_path / "r")
    assert run_.state == "interrupted" and run_.verify().ok and len(run_) > 3
    assert (run_.path / "resume" / "state.safetensors").exists()  # no step is lost


def test_a_closed_pipe_is_no_error(trained: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m topolab show {trained} --json | head -1",
        shell=True, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "{\n" and "Traceback" not in done.stderr


def test_completion_is_offered() -> None:
    environment = {
        "_TOPOLAB_COMPLETE": "complete_bash",
        "COMP_WORDS": "topolab train ri",
        "COMP_CWORD": "2",
    }
    assert run_process(**environment).out.split() == ["rigl"]


def test_everything_is_documented() -> None:
    """Every command and every option stands in docs/cli.md."""
    page = ROOT / "docs" / "cli.md"
    if not page.exists():
        pytest.skip("the documents are not part of an installed package")
    text = page.read_text(encoding="utf-8")
    group = typer.main.get_command(app)
    names = group.list_commands(None)  # type: ignore[attr-defined]
    assert len(names) >= 18
    for name in names:
        command = group.get_command(None, name)  # type: ignore[attr-defined]
        assert f"`topolab {name}" in text
        for parameter in command.params:
            for option in (*parameter.opts, *parameter.secondary_opts):
                if option.startswith("--") and option != "--help":
                    assert option in text, f"{name} {option}"


def test_defaults_stand_in_the_help() -> None:
    """Square brackets are markup to what prints the help, and vanish."""
    text = " ".join(run("train", "--help", COLUMNS="200").out.split())
    assert "in [0, 1) (default: 0.9)" in text and "(default: digits)" in text
