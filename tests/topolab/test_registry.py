from __future__ import annotations

import sys
from pathlib import Path

import pytest
from stranger import install

from topolab.errors import ConfigError
from topolab.registry import check_name, find, names


def test_ours_are_found() -> None:
    assert {"dense", "rigl", "set"} <= set(names("methods"))
    assert {"degree", "dormant", "heatmap", "kendall", "kshell", "powerlaw"} <= set(
        names("analyses")
    )
    assert {"digits", "fashion-mnist", "mnist5k"} <= set(names("datasets"))


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(ConfigError, match=r"unknown method 'riggle'; there is .*rigl"):
        find("methods", "riggle")


def test_a_misspelt_name_gets_a_hint() -> None:
    for call in (find, check_name):
        with pytest.raises(ConfigError, match=r"there is .*\(did you mean degree\?\)$"):
            call("analyses", "degre")
        with pytest.raises(ConfigError, match=r"unknown analysis 3; there is .*wiring$"):
            call("analyses", 3)  # type: ignore[arg-type]


def test_a_strangers_package_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    entries = {
        "analyses.mine": "stranger_module:Mine",
        "analyses.broken": "stranger_module:NotThere",
        "analyses.angry": "angry_module:Mine",
        "colours.red": "stranger_module:Mine",
    }
    install(tmp_path, "stranger_module", "class Mine:\n    name = 'mine'\n", entries)
    (tmp_path / "angry_module.py").write_text("1 / 0\n")
    try:
        assert find("analyses", "mine").name == "mine"
        with pytest.raises(ConfigError, match="cannot be loaded"):
            find("analyses", "broken")
        angry = r"analysis 'angry' \(angry_module:Mine\) cannot be loaded: ZeroDivisionError: div"
        with pytest.raises(ConfigError, match=angry):
            find("analyses", "angry")
        # A group that only the stranger knows.
        assert names("colours") == ["red"] and find("colours", "red").name == "mine"
        with pytest.raises(ConfigError, match=r"unknown entry of topolab.colours 'rot'; there is"):
            find("colours", "rot")
    finally:
        sys.modules.pop("stranger_module", None)
