"""Every command has a twin: a function of topolab of its name that does the work."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import pytest

import topolab
from topolab.cli import app, main
from topolab.commands import find_command
from topolab.registry import names
from topolab.testing import contract_of

COMMANDS = names("commands")


class TestEveryCommand(contract_of("commands")):
    """As docs/cli.md says it, under "Every command is a function"."""

    different: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "analyse": {"--no-cache": "cache=False", "--parameter": "parameters"},
        "compare": {
            "--no-cache": "cache=False",
            "--parameter": "parameters",
            "--measures": "which rows are printed",
            "--out": "Comparison.save",
        },
        "import": {
            "--inspect": "topolab.inspect_checkpoints",
            "--max-gib": "max_bytes, in bytes",
        },
        "train": {"method": "what", "--recipe": "what"},
        "watch": {"--all": "everything", "--open": "open_browser"},
    }


def test_what_differs_is_in_the_document() -> None:
    page = (Path(__file__).parents[3] / "docs" / "cli.md").read_text(encoding="utf-8")
    table = page.partition("| typed | in Python |")[2].partition("\n\n")[0]
    for name, different in TestEveryCommand.different.items():
        for word in different:
            written = word if word.startswith("-") else f"{name} {word.upper()}"
            assert f"{written}`" in table or f"{written} " in table, f"{name} {word}"


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
