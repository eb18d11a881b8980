"""What a command is: one door on the command line and its twin in Python.

A package declares its commands under the entry-point group ``topolab.commands``; the command line
and the names of ``topolab`` are put together from them. A command parses, calls its twin, prints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from topolab.errors import ConfigError
from topolab.registry import find, names

__all__ = ["Command", "find_command", "twin_of"]


@dataclass(frozen=True)
class Command:
    """One command.

    Parameters
    ----------
    name : str
        As it is typed; the name of its entry point too.
    callback : callable
        The function that typer turns into a command: its parameters are the arguments and
        options, its docstring is the help. Its module must import nothing heavy.
    twin : str
        ``"module:function"`` of the public function that it calls, of the command's own name (with
        underscores): ``topolab.<name>`` finds it.
    order : int
        Place in the list of commands; equal ones are ordered by name.
    context : mapping
        Settings of click's context, such as ``{"ignore_unknown_options": True}``.

    Examples
    --------
    >>> def hello(name: str) -> None:
    ...     "Say hello."
    >>> Command("hello", hello, "my_package:hello").python_name
    'hello'
    """

    name: str
    callback: Callable[..., Any]
    twin: str
    order: int = 1000
    context: Mapping[str, Any] = field(default_factory=dict)

    @property
    def python_name(self) -> str:
        """The twin's name: that of its function."""
        return self.twin.partition(":")[2]

    def function(self) -> Callable[..., Any]:
        """Import and return the twin.

        Raises
        ------
        ConfigError
            If it is not there.
        """
        module, _, name = self.twin.partition(":")
        try:
            function: Callable[..., Any] = getattr(import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise ConfigError(
                f"command {self.name!r}: its function {self.twin} cannot be loaded: {error}"
            ) from error
        return function


def find_command(name: str) -> Command:
    """The command of a name, as it is typed.

    Raises
    ------
    ConfigError
        If there is none, or what a package declares under it cannot be loaded or is no command.

    Examples
    --------
    >>> find_command("import").python_name
    'import_run'
    """
    found = find("commands", name)
    if not isinstance(found, Command):
        raise ConfigError(f"command {name!r} is declared as {found!r}, which is no Command")
    if found.name != name:
        raise ConfigError(f"command {name!r} calls itself {found.name!r}; the two must be equal")
    return found


def twin_of(name: str) -> Callable[..., Any] | None:
    """The function that is the twin of a command, by its name in Python; None if there is none.

    Raises
    ------
    ConfigError
        If the command of this name cannot be loaded.

    Examples
    --------
    >>> twin_of("export").__name__, twin_of("nosuch")
    ('export', None)
    """
    entry = name.replace("_", "-")
    if entry not in names("commands"):
        return None
    command = find_command(entry)
    return command.function() if command.python_name == name else None
