"""The contract of a command and its twin."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import ClassVar

from topolab.commands import Command
from topolab.registry import Group
from topolab.testing.contract import Contract

__all__ = ["CommandContract"]

#: What a command's module must not import: it would slow every `topolab --help`.
HEAVY = ("torch", "numpy", "scipy", "pandas", "matplotlib", "networkx")


class CommandContract(Contract):
    """What every registered command does."""

    group: ClassVar[Group] = "commands"

    def test_it_is_a_command_of_its_name(self, name: str) -> None:
        """The entry point, the command and its twin have one name; the help is its docstring."""
        command = self.entry(name)
        assert isinstance(command, Command) and command.name == name
        assert (command.callback.__doc__ or "").strip()
        # `import` is a word of the language; its twin says of what.
        expected = "import_run" if name == "import" else name.replace("-", "_")
        assert command.python_name == expected

    def test_its_twin_is_a_documented_function_of_topolab(self, name: str) -> None:
        """``topolab.<name>`` is the twin, and its docstring has an example."""
        import topolab

        command = self.entry(name)
        twin = command.function()
        assert getattr(topolab, command.python_name) is twin
        assert ">>>" in (inspect.getdoc(twin) or "")

    def test_its_module_imports_nothing_heavy(self, name: str) -> None:
        """Help answers at once."""
        module = self.entry(name).callback.__module__
        script = (
            f"import sys, importlib; importlib.import_module({module!r}); "
            f"print([m for m in {HEAVY} if m in sys.modules])"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == "[]"
