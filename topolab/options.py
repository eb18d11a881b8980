"""What can be set: one declaration for each option of a method or of an initialisation.

The command line, the Python call, the recipes and the cards all read the same declarations.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from topolab.errors import ConfigError

__all__ = ["Option", "number", "one_of", "resolve_options", "whole"]

Kind = Literal["float", "int", "str", "bool", "ints", "words"]


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
    choices : tuple of str
        Of a "str", or of each entry of "words".
    interval : str
        Of a number, such as ``"[0, 1)"``; ``"[1, inf)"`` for an int.

    Examples
    --------
    >>> Option("ccv", "float", 1.0, "Coefficient of variation.", interval="[0, inf)").read("2.5")
    2.5
    """

    name: str
    kind: Kind
    default: Any
    help: str
    choices: tuple[str, ...] = ()
    interval: str = ""

    def read(self, value: Any) -> Any:
        """A value of this option's kind, from a value or its text.

        Raises
        ------
        ConfigError
            If it cannot be one.
        """
        if value is None:
            return None
        if self.kind == "str":
            return one_of(self.name, str(value), self.choices) if self.choices else str(value)
        if self.kind == "bool":
            return _boolean(self.name, value)
        if self.kind in ("ints", "words"):
            parts = value.split(",") if isinstance(value, str) else value
            try:
                parts = list(parts)
            except TypeError:
                parts = [parts]
            one = Option(self.name, "int" if self.kind == "ints" else "str", None, self.help,
                         self.choices, self.interval)  # fmt: skip
            return tuple(one.read(p.strip() if isinstance(p, str) else p) for p in parts)
        if self.kind == "int":
            value = whole(self.name, value)
        return number(self.name, value, self.interval, whole_number=self.kind == "int")


def one_of(name: str, value: Any, allowed: Sequence[str]) -> Any:
    """The value, if it is allowed; the error says what is."""
    if value not in allowed:
        what = "data set" if name == "data" else name
        close = get_close_matches(str(value), allowed, n=1)
        hint = f" (did you mean {close[0]}?)" if close else ""
        raise ConfigError(f"unknown {what} {value!r}; there is {', '.join(allowed)}{hint}")
    return value


def whole(name: str, value: Any, least: int | None = None) -> int:
    """A whole number of at least `least`, from a number or its text."""
    try:
        result = int(value)
        same = isinstance(value, str) or result == value
    except (TypeError, ValueError, OverflowError) as error:
        raise ConfigError(f"{name} {value!r} is not a whole number") from error
    if not same or (least is not None and result < least):
        at_least = "" if least is None else f" of at least {least}"
        raise ConfigError(f"{name} {value!r} must be a whole number{at_least}")
    return result


def number(name: str, value: Any, interval: str, *, whole_number: bool = False) -> Any:
    """A number inside an interval such as ``"[0, 1)"``; NaN is in none."""
    try:
        result = int(value) if whole_number else float(value)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{name} {value!r} is not a number") from error
    if math.isnan(result):
        raise ConfigError(f"{name} {value!r} is not a number")
    if interval:
        low, high = (float(part) for part in interval[1:-1].split(","))
        inside = low <= result <= high
        if interval.startswith("("):
            inside = inside and result > low
        if interval.endswith(")"):
            inside = inside and result < high
        if not inside:
            raise ConfigError(f"{name} {value} is outside {interval}")
    return result


def _boolean(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if str(value).lower() not in known:
        raise ConfigError(f"{name} {value!r} is neither true nor false")
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
