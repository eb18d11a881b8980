from __future__ import annotations

import sys
from pathlib import Path

import pytest

from topolab.errors import ConfigError
from topolab.registry import find, names


def test_ours_are_found() -> None:
    assert {"dense", "rigl", "set"} <= set(names("methods"))
    assert {"degree", "dormant", "heatmap", "kendall", "kshell", "powerlaw"} <= set(
        names("analyses")
    )
    assert {"digits", "fashion-mnist", "mnist5k"} <= set(names("datasets"))


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(ConfigError, match=r"unknown method 'riggle'; there is .*rigl"):
        find("methods", "riggle")


def test_a_strangers_package_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "stranger-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[topolab.analyses]\nmine = stranger_module:Mine\nbroken = stranger_module:NotThere\n"
    )
    (tmp_path / "stranger_module.py").write_text("class Mine:\n    name = 'mine'\n")
    monkeypatch.syspath_prepend(tmp_path)
    try:
        assert find("analyses", "mine").name == "mine"
        with pytest.raises(ConfigError, match="cannot be loaded"):
            find("analyses", "broken")
    finally:
        sys.modules.pop("stranger_module", None)
