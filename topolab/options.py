"""What can be set: one declaration for each setting of a training, a method, an initialisation.

The command line, the Python call, the recipes, the cards and the documents all read it. A class of
settings is a dataclass whose fields are declared by `setting`; `options_of` walks them.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from topolab.errors import ConfigError
from topolab.registry import load_all, names

__all__ = [
    "GroupChoices",
    "Option",
    "number",
    "one_of",
    "options_of",
    "resolve_options",
    "setting",
    "uncompared",
    "whole",
]

Kind = Literal["float", "int", "str", "bool", "ints", "words"]
_KINDS: dict[Any, Kind] = {
    float: "float", int: "int", str: "str", bool: "bool",
    tuple[int, ...]: "ints", tuple[str, ...]: "words",
}  # fmt: skip


class GroupChoices(Sequence[str]):
    """The names in an entry-point group, looked up when they are needed; nothing is imported.

    Examples
    --------
    >>> "digits" in GroupChoices("datasets")
    True
    """

    def __init__(self, group: Any) -> None:
        self.group = group

    def __getitem__(self, index: Any) -> Any:
        return tuple(names(self.group))[index]

    def __len__(self) -> int:
        return len(names(self.group))

    def __iter__(self) -> Iterator[str]:
        return iter(names(self.group))

    def __repr__(self) -> str:
        return f"GroupChoices({self.group!r})"


@dataclass(frozen=True)
class Option:
    """One option.

    Parameters
    ----------
    name : str
    kind : {"float", "int", "str", "bool", "ints", "words"}
        "ints" and "words" are lists, comma-separated on the command line.
    default
        None is possible for every kind and means what `help` says.
    help : str
        One line.
    choices : sequence of str
        Of a "str", or of each entry of "words".
    interval : str
        Of a number, or of each entry of "ints", such as ``"[0, 1)"``; ``"[1, inf)"`` for an int.
    words : tuple of str
        What may stand in the place of a number.
    noun : str
        What a value is called in a message, if not by the name: ``"data set"``, ``"a list of
        widths such as 64,32"``.
    empty : str
        What is said of a list with nothing in it, if it needs something.
    default_is : str
        How the default is written where it follows from other settings.
    by_method : bool
        Whether a method has a default of its own for it.
    flags : tuple of str
        As it is written on the command line, if not ``--name``; of a switch ``--on/--off``.
    identity : bool
        Whether it is part of a run's identity, and so of its manifest.
    compared : bool
        Whether runs that differ in it are different in what is asked; False for where and how
        a run was computed.
    alike : bool
        Whether all replicas of one batched program must agree on it.

    Examples
    --------
    >>> Option("ccv", "float", 1.0, "Coefficient of variation.", interval="[0, inf)").read("2.5")
    2.5
    >>> Option("every", "int", None, "Steps.", interval="[1, inf)", words=("epoch",)).read("epoch")
    'epoch'
    """

    name: str
    kind: Kind
    default: Any
    help: str
    choices: Sequence[str] = ()
    interval: str = ""
    words: tuple[str, ...] = ()
    noun: str = ""
    empty: str = ""
    default_is: str = ""
    by_method: bool = False
    flags: tuple[str, ...] = ()
    identity: bool = True
    compared: bool = True
    alike: bool = True

    @property
    def flag(self) -> str:
        """The option on the command line.

        Examples
        --------
        >>> Option("batch_size", "int", 128, "Samples per step.").flag
        '--batch-size'
        """
        return self.flags[0] if self.flags else f"--{self.name.replace('_', '-')}"

    @property
    def default_text(self) -> str:
        """The default as it is written on the command line; empty if it has none.

        Examples
        --------
        >>> Option("hidden", "ints", (64, 32), "Widths.").default_text
        '64,32'
        """
        if self.default_is:
            return self.default_is
        if self.default is None:
            return ""
        if isinstance(self.default, (tuple, list)):
            return ",".join(map(str, self.default)) or "none"
        if isinstance(self.default, bool):
            return "yes" if self.default else "no"
        return str(self.default)

    @property
    def meaning(self) -> str:
        """What it is and which values it takes, as a sentence without its full stop.

        Examples
        --------
        >>> Option("norm", "str", "none", "Of an MLP.", choices=("layernorm", "none")).meaning
        'Of an MLP: layernorm, none'
        >>> Option("t_end", "float", 1.0, "Share of the steps.", interval="[0, 1]").meaning
        'Share of the steps, in [0, 1]'
        """
        text = self.help.rstrip(".")
        elsewhere = "`topolab " in text or all(choice in text for choice in self.choices)
        if self.choices and not elsewhere:
            text += f": {', '.join(self.choices)}"
        if self.interval and "inf" not in self.interval:
            text += f", in {self.interval}"
        return text

    def read(self, value: Any) -> Any:
        """A value of this option's kind, from a value or its text.

        Raises
        ------
        ConfigError
            If it cannot be one.
        """
        if value is None:
            return None
        if isinstance(value, str) and value in self.words:
            return value
        if self.kind == "str":
            what = self.noun or self.name
            return one_of(what, str(value), self.choices) if self.choices else str(value)
        if self.kind == "bool":
            return _boolean(self.name, value)
        if self.kind in ("ints", "words"):
            return self._list(value)
        if self.kind == "int":
            low, high = self.interval[1:-1].split(",") if self.interval else ("", "")
            unbounded = self.interval.startswith("[") and high.strip() == "inf"
            value = whole(self.name, value, int(low) if unbounded else None)
        return number(self.name, value, self.interval, whole_number=self.kind == "int")

    def _list(self, value: Any) -> tuple[Any, ...]:
        parts = value.split(",") if isinstance(value, str) else value
        try:
            parts = [p.strip() if isinstance(p, str) else p for p in parts]
        except TypeError as error:
            if self.noun:
                raise ConfigError(f"{self.name} {_said(value)} is not {self.noun}") from error
            parts = [parts]
        if not parts and self.empty:
            raise ConfigError(f"{self.name}: {self.empty}")
        kind: Kind = "int" if self.kind == "ints" else "str"
        one = replace(self, kind=kind, noun="")
        if self.noun and kind == "int":
            for part in parts:
                try:
                    whole(self.name, part)
                except ConfigError as error:
                    text = ",".join(map(str, parts))
                    raise ConfigError(f"{self.name} {text!r} is not {self.noun}") from error
        return tuple(one.read(part) for part in parts)


def setting(default: Any, help: str, **more: Any) -> Any:
    """A field of a dataclass of settings, which is the whole declaration of one.

    Its name is the option's and the recipe's key, its annotation the kind.

    Parameters
    ----------
    default
    help : str
        One line.
    **more
        What else `Option` knows: choices, interval, ...

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class Baking:
    ...     heat: float | None = setting(180.0, "Of the oven.", interval="[50, 300]")
    >>> options_of(Baking)["heat"].read("200")
    200.0
    """
    return field(default=default, metadata={"setting": {"help": help, **more}})


def options_of(declaration: type[Any]) -> dict[str, Option]:
    """The options that a dataclass declares, by name, in the order of its fields.

    Raises
    ------
    TypeError
        If a field has an annotation that no kind of option goes with.
    """
    hints = get_type_hints(declaration)
    found = {}
    for f in fields(declaration):
        if "setting" in f.metadata:
            default = None if f.default is MISSING else f.default
            more = dict(f.metadata["setting"])
            found[f.name] = Option(f.name, _kind(f.name, hints[f.name]), default, **more)
    return found


def _kind(name: str, annotation: Any) -> Kind:
    """The kind that goes with an annotation; words beside a number are `Option.words`."""
    union = get_origin(annotation) in (Union, UnionType)
    types = [t for t in (get_args(annotation) if union else (annotation,)) if t is not NoneType]
    kinds = [_KINDS[t] for t in types if t in _KINDS]
    if not kinds or len(kinds) < len(types):
        raise TypeError(f"setting {name}: no kind of option is {annotation}")
    return kinds[0]


def uncompared() -> frozenset[str]:
    """Names of settings that say where and how a run was computed, not what was asked.

    Every package that trains declares its settings under the entry-point group
    ``topolab.settings``.
    """
    return frozenset(
        option.name
        for declared in load_all("settings", lambda declare: tuple(declare())).values()
        for option in declared
        if not option.compared
    )


def one_of(name: str, value: Any, allowed: Sequence[str]) -> Any:
    """The value, if it is allowed; the error says what is."""
    if value not in allowed:
        close = get_close_matches(str(value), allowed, n=1)
        hint = f" (did you mean {close[0]}?)" if close else ""
        raise ConfigError(
            f"unknown {name} {value!r}; there is {', '.join(allowed) or 'none'}{hint}"
        )
    return value


def whole(name: str, value: Any, least: int | None = None) -> int:
    """A whole number of at least `least`, from a number or its text."""
    given = _number_of(value)
    if given is None or not math.isfinite(given):
        raise ConfigError(f"{name} {_said(value)} is not a whole number")
    result = int(given)
    if result != given or (least is not None and result < least):
        at_least = "" if least is None else f" of at least {least}"
        raise ConfigError(f"{name} {_said(value)} must be a whole number{at_least}")
    return result


def number(name: str, value: Any, interval: str, *, whole_number: bool = False) -> Any:
    """A number inside an interval such as ``"[0, 1)"``; NaN is in none."""
    given = _number_of(value)
    if given is None or math.isnan(given):
        raise ConfigError(f"{name} {_said(value)} is not a number")
    result = int(given) if whole_number else float(given)
    if interval:
        low, high = (float(part) for part in interval[1:-1].split(","))
        inside = low <= result <= high
        if interval.startswith("("):
            inside = inside and result > low
        if interval.endswith(")"):
            inside = inside and result < high
        if not inside:
            raise ConfigError(f"{name} {_said(value)} is outside {interval}")
    return result


def _number_of(value: Any) -> int | float | None:
    """The number that a value or its text is, if it is one; True and False are none."""
    if isinstance(value, (bool, bytes, bytearray)) or type(value).__name__ in ("bool", "bool_"):
        return None  # numpy's too, which the core does not import here
    for kind in (int, float) if isinstance(value, str) else (operator.index, float):
        try:
            return kind(value)
        except (TypeError, ValueError):
            continue
        except OverflowError:
            return None
    return None


def _said(value: Any) -> str:
    """A value in a message: 2, 2.0 and the text "2.0" are the same number on every road."""
    given = _number_of(value)
    if given is None:
        return repr(value)
    whole_too = isinstance(given, float) and given.is_integer() and abs(given) < 2**53
    return str(int(given) if whole_too else given)


def _boolean(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if str(value).lower() not in known:
        raise ConfigError(f"{name} {_said(value)} is neither true nor false")
    return known[str(value).lower()]


def resolve_options(
    owner: str, options: Sequence[Option], settings: Mapping[str, Any], shared: Sequence[str]
) -> dict[str, Any]:
    """Read what was given, take the default of what was not.

    Parameters
    ----------
    owner : str
        Whose options they are, for the message.
    options : sequence of Option
    settings : mapping
        What was given beyond the shared settings; None means "the default".
    shared : sequence of str
        Names of the shared settings, for the message.

    Raises
    ------
    ConfigError
        For a name that is no option, or a value that cannot be.
    """
    known = {option.name: option for option in options}
    unknown = sorted(set(settings) - set(known))
    if unknown:
        everything = [*known, *shared]
        close = get_close_matches(unknown[0], everything, n=1)
        hint = f" (did you mean {close[0]}?)" if close else ""
        raise ConfigError(
            f"unknown setting {', '.join(unknown)}{hint}; {owner} knows {', '.join(everything)}"
        )
    return {
        name: option.default if settings.get(name) is None else option.read(settings[name])
        for name, option in known.items()
    }
