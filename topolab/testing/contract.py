"""The base of the kits, and what they share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from topolab.cards import card_of
from topolab.options import Option
from topolab.registry import Group, find, names

__all__ = ["CARD_HEADINGS", "Contract", "check_card", "contract_of"]

#: Headings that the card of a method, an initialisation, a criterion or an analysis has.
CARD_HEADINGS = (
    "Definition",
    "Defaults",
    "Departures from the paper",
    "Evidence",
    "References",
)


class Contract:
    """Tests of every entry of a group; each takes its name as ``name``.

    Attributes
    ----------
    group : str
        The entry-point group, without ``topolab.``.
    names : sequence of str or None
        Which entries are tested; None for all that are registered.
    """

    group: ClassVar[Group]
    names: ClassVar[Sequence[str] | None] = None

    @classmethod
    def chosen(cls) -> list[str]:
        """The names of the entries that are tested."""
        return names(cls.group) if cls.names is None else list(cls.names)

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Run each test that takes a ``name`` for every entry."""
        if "name" in metafunc.fixturenames:
            metafunc.parametrize("name", self.chosen())

    def entry(self, name: str) -> Any:
        """The entry of a name."""
        return find(self.group, name)


def contract_of(group: str) -> type[Contract]:
    """The kit of an entry-point group.

    Parameters
    ----------
    group : str
        Such as ``"methods"`` or ``"analyses"``.

    Returns
    -------
    type
        To be subclassed in a test file, under a name that pytest collects (``Test...``).

    Raises
    ------
    ConfigError
        If there is no kit for it.

    Examples
    --------
    >>> contract_of("analyses").group
    'analyses'
    """
    kit: type[Contract] = find("contracts", group)
    return kit


def check_card(entry: Any, options: Sequence[Option | str] = ()) -> None:
    """Hold the card of an entry to its headings, and to speaking of every option.

    Parameters
    ----------
    entry : object or class
        With a ``name``; its card lies in the folder ``cards`` beside its module.
    options : sequence of Option or str

    Raises
    ------
    AssertionError
        Naming what is missing.
    """
    card = card_of(entry)
    for heading in CARD_HEADINGS:
        assert f"\n## {heading}\n" in card, f"the card of {entry.name} has no heading {heading}"
    assert card.startswith("# ") and f"`{entry.name}`" in card
    wanted = [o if isinstance(o, str) else o.name for o in options]
    missing = [name for name in wanted if f"`{name}`" not in card]
    assert not missing, f"the card of {entry.name} does not speak of {missing}"
