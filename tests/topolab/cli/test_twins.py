"""Every command has a twin: a function of topolab of its name that does the work."""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Callable
from importlib import import_module
from keyword import iskeyword
from pathlib import Path
from typing import Any

import pytest
import typer

import topolab
from topolab.cli import app, main
from topolab.commands import find_command
from topolab.registry import names

COMMANDS = names("commands")

#: Options that say how the command prints, or how a shell writes what Python has another word for.
SHELL = {
    "as_json": "prints the result as JSON; a function returns it",
    "quiet": "progress=False, and no remarks",
}
#: Per command, what its twin has under another name or in another function.
OTHERS: dict[str, dict[str, str]] = {
    "compare": {"measures": "which rows are printed", "out": "Comparison.save"},
    "import": {
        "inspect": "topolab.inspect_checkpoints",
        "max_gib": "max_bytes, in bytes",
    },
}


def parameters_of(name: str) -> list[str]:
    """What a person can give a command, by the names of its callback."""
    signature = inspect.signature(find_command(name).callback)
    return [
        parameter.name.rstrip("_")
        for parameter in signature.parameters.values()
        if parameter.annotation not in ("typer.Context", typer.Context)
    ]


@pytest.mark.parametrize("name", COMMANDS)
def test_it_is_called_as_the_command_and_is_a_name_of_topolab(name: str) -> None:
    command = find_command(name)
    expected = f"{name}_run" if iskeyword(name) else name.replace("-", "_")
    assert command.python_name == expected
    twin = command.function()
    assert getattr(topolab, expected) is twin and expected in dir(topolab)
    assert twin.__name__ == expected


@pytest.mark.parametrize("name", COMMANDS)
def test_it_is_documented_with_an_example(name: str) -> None:
    twin = find_command(name).function()
    signature = inspect.signature(twin)
    headings = ["Examples"]
    if signature.parameters:
        headings.append("Parameters")
    if signature.return_annotation not in (None, "None"):
        headings.append("Returns")
    text = inspect.getdoc(twin) or ""
    for heading in headings:
        assert f"\n{heading}\n{'-' * len(heading)}\n" in text, heading
    assert ">>> " in text.partition("Examples\n")[2]
    undocumented = [p for p in signature.parameters if not re.search(rf"^\**{p}\b", text, re.M)]
    assert not undocumented


@pytest.mark.parametrize("name", COMMANDS)
def test_it_takes_every_setting_of_the_command(name: str) -> None:
    signature = inspect.signature(find_command(name).function())
    if any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values()):
        return  # its settings are declared elsewhere and checked there
    except_for = {*SHELL, *OTHERS.get(name, {})}
    missing = set(parameters_of(name)) - set(signature.parameters) - except_for
    assert not missing


def test_the_exceptions_are_needed() -> None:
    """What is listed above as different is an option, and no parameter of the twin."""
    for name, different in OTHERS.items():
        twin = inspect.signature(find_command(name).function()).parameters
        for option in different:
            assert option in parameters_of(name) and option not in twin, f"{name} {option}"


# What is typed, and in what order the twin must have got it: only the first ones are looked at.
CALLS: dict[str, list[str]] = {
    "analyse": ["example", "--only", "degree"],
    "analyses": ["degree"],
    "compare": ["example", "other", "--only", "degree", "--by", "method"],
    "data": ["digits"],
    "demo": ["--out", "demo"],
    "export": ["example", "--to", "npz", "--out", "e.npz"],
    "figure": ["wiring", "example", "--out", "f.svg"],
    "figures": [],
    "import": ["checkpoints", "--out", "imported"],
    "inits": ["er"],
    "log": ["example", "--to", "tensorboard"],
    "methods": ["rigl"],
    "recipes": [],
    "report": ["example"],
    "show": ["example"],
    "train": ["rigl", "--data", "digits", "--epochs", "1", "--hidden", "8", "--out", "trained"],
    "verify": ["example"],
    "watch": ["example", "--port", "0"],
}


class Reached(Exception):
    """The twin was called; nothing needs to be computed."""


@pytest.mark.parametrize("name", COMMANDS)
def test_the_command_calls_it_and_nothing_before(
    name: str,
    example_run: topolab.Run,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    twin = find_command(name).function()

    def instead(*given: Any, **settings: Any) -> None:
        inspect.signature(twin).bind(*given, **settings)
        calls.append((given, settings))
        raise Reached

    replace_twin(monkeypatch, name, instead)
    before = sorted(example_run.path.parent.rglob("*"))
    with pytest.raises(Reached):
        typed(monkeypatch, example_run.path.parent, name, *CALLS[name])
    assert len(calls) == 1
    assert sorted(example_run.path.parent.rglob("*")) == before
    assert capsys.readouterr().out == ""
    bound = inspect.signature(twin).bind(*calls[0][0], **calls[0][1]).arguments
    if CALLS[name] and not CALLS[name][0].startswith("-"):
        first = next(iter(bound.values()))
        assert CALLS[name][0] in map(str, [first] if isinstance(first, Path) else [*first, first])


@pytest.mark.parametrize("name", ["analyse", "analyses", "compare", "export", "show", "verify"])
def test_the_command_calls_it_once_and_prints_what_it_gave(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from conftest import record_example  # type: ignore[import-not-found]

    record_example(tmp_path / "example", snapshots=2)
    record_example(tmp_path / "other", snapshots=2, method="rigl")
    calls: list[dict[str, Any]] = []
    twin = find_command(name).function()

    def counted(*given: Any, **settings: Any) -> Any:
        calls.append(inspect.signature(twin).bind(*given, **settings).arguments)
        return twin(*given, **settings)

    replace_twin(monkeypatch, name, counted)
    typed(monkeypatch, tmp_path, name, *CALLS[name], "--json")
    assert len(calls) == 1
    assert json.loads(capsys.readouterr().out)


def replace_twin(monkeypatch: pytest.MonkeyPatch, name: str, instead: Callable[..., Any]) -> None:
    module, _, function = find_command(name).twin.partition(":")
    monkeypatch.setattr(import_module(module), function, instead)
    monkeypatch.setattr(topolab, function, instead, raising=False)


def typed(monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: str) -> None:
    """The command line, in this process, until it would have left with 0."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["topolab", *arguments])
    try:
        main()
    except SystemExit as left:
        assert not left.code


def test_all_commands_are_here() -> None:
    assert set(CALLS) == set(COMMANDS)
    assert sorted(app.registered_commands) == []  # none is built in
