"""The contract of a command and its twin."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from keyword import iskeyword
from typing import ClassVar

import typer

from topolab.commands import Command
from topolab.registry import Group, find
from topolab.testing.contract import Contract

__all__ = ["CommandContract", "what_is_typed"]

#: What a command's module must not import: it would slow every `topolab --help`.
HEAVY = ("torch", "numpy", "scipy", "pandas", "matplotlib", "networkx")
#: Options that say what is printed; Python has ``progress=False``, or the result itself.
SHELL = ("--json", "--quiet", "--help")
#: Imports the modules it is given one by one, and says which heavy ones each has brought.
_IMPORTS = f"""
import importlib, json, sys
brought, seen = {{}}, set()
for module in sys.argv[1:]:
    importlib.import_module(module)
    new = [heavy for heavy in {HEAVY} if heavy in sys.modules and heavy not in seen]
    seen.update(new)
    brought[module] = new
print(json.dumps(brought))
"""


def what_is_typed(command: Command) -> list[str]:
    """What a person can give a command: names of arguments, and the long form of every option.

    Parameters
    ----------
    command : Command

    Examples
    --------
    >>> from topolab.commands import find_command
    >>> what_is_typed(find_command("analyse"))
    ['runs', '--only', '--parameter', '--workers', '--no-cache', '--json', '--quiet']
    """
    app = typer.Typer(add_completion=False)
    app.command(command.name, context_settings=dict(command.context))(command.callback)
    typed = []
    for parameter in typer.main.get_command(app).params:
        written = [*parameter.opts, *parameter.secondary_opts]
        long = [word for word in written if word.startswith("--")]
        typed.append(long[0] if long else written[0])
    return typed


class CommandContract(Contract):
    """What every registered command does.

    Attributes
    ----------
    different : mapping
        By command what is typed and is no argument of that name in the twin, with what the twin
        has in its place.
    """

    group: ClassVar[Group] = "commands"
    different: ClassVar[Mapping[str, Mapping[str, str]]] = {}

    def test_it_is_a_command_of_its_name(self, name: str) -> None:
        """The entry point, the command and its twin have one name; the help is its docstring."""
        command = self.entry(name)
        assert isinstance(command, Command) and command.name == name
        assert (command.callback.__doc__ or "").strip()
        # `import` is a word of the language; its twin says of what.
        expected = f"{name}_run" if iskeyword(name) else name.replace("-", "_")
        assert command.python_name == expected

    def test_its_twin_is_a_function_of_topolab(self, name: str) -> None:
        """``topolab.<name>`` is the twin."""
        import topolab

        command = self.entry(name)
        twin = command.function()
        assert getattr(topolab, command.python_name) is twin
        assert command.python_name in dir(topolab) and twin.__name__ == command.python_name

    def test_its_twin_is_documented_with_an_example(self, name: str) -> None:
        """Every parameter, what it gives back, an example."""
        twin = self.entry(name).function()
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

    def test_its_twin_takes_what_is_typed(self, name: str) -> None:
        """``--drop-fraction`` is ``drop_fraction``; what differs is listed in ``different``."""
        command = self.entry(name)
        twin = inspect.signature(command.function()).parameters
        typed = what_is_typed(command)
        different = self.different.get(name, {})
        assert set(different) <= set(typed), "listed as different, and not an option"
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in twin.values()):
            names = {word: word.removeprefix("--").replace("-", "_") for word in typed}
            missing = {word for word in typed if word not in SHELL and names[word] not in twin}
            assert missing == set(different)

    @classmethod
    @cache
    def brought(cls) -> dict[str, list[str]]:
        """By module of a command the heavy modules that it imports, looked at in one process."""
        modules = {find("commands", name).callback.__module__ for name in cls.chosen()}
        done = subprocess.run(
            [sys.executable, "-c", _IMPORTS, *sorted(modules)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        brought: dict[str, list[str]] = json.loads(done.stdout)
        return brought

    def test_its_module_imports_nothing_heavy(self, name: str) -> None:
        """Help answers at once."""
        assert self.brought()[self.entry(name).callback.__module__] == []
