"""A package whose entries cannot be loaded costs nobody the commands that do not ask for them."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import command
import pytest
from stranger import install

import topolab
from conftest import record_example  # type: ignore[import-not-found]
from topolab.errors import BrokenEntryWarning, ConfigError
from topolab.listing import entries
from topolab.options import uncompared
from topolab.registry import find, load_all, names

GROUPS = (
    "analyses", "datasets", "drop_criteria", "exporters", "figures", "grow_criteria", "importers",
    "inits", "methods", "models", "recipes", "sections", "settings", "trackers",
)  # fmt: skip
REFUSED = r"'broken' \(broken_module:NotThere\) cannot be loaded: .*; it is left out"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with two runs; the package beside them declares what is not there."""
    (tmp_path / "package").mkdir()
    monkeypatch.syspath_prepend(tmp_path / "package")
    install(
        tmp_path / "package", "broken_module", "def settings():\n    return 1 / 0\n",
        {f"{group}.broken": "broken_module:NotThere" for group in GROUPS}
        | {"settings.odd": "broken_module:settings"},
    )  # fmt: skip
    record_example(tmp_path / "one", snapshots=2)
    record_example(tmp_path / "two", snapshots=2, method="rigl")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("broken_module", None)


@pytest.mark.filterwarnings("default::topolab.errors.BrokenEntryWarning")
@pytest.mark.parametrize(
    ("typed", "group"),
    [
        ("methods", "method"),
        ("inits", "init"),
        ("analyses", "analysis"),
        ("data", "data set"),
        ("figures", "figure"),
        ("recipes", "recipe folder"),
        ("analyse one", "analysis"),
        ("compare one two", "declaration of settings"),
        ("report one two --out page.html", "declaration of settings"),
        ("figure wiring one two --out wiring.svg", "declaration of settings"),
        ("train set --init lognormal --ccv 1 --hidden 8 --epochs 1 --out new", "init"),
        ("log one --to tensorboard --out curves", ""),
        ("export one --to npz --out one.npz", ""),
        ("show .", ""),
        ("verify .", ""),
    ],
)
def test_a_command_goes_on_and_says_once_what_is_left_out(
    typed: str, group: str, folder: Path
) -> None:
    outcome = command.run(*typed.split())
    assert outcome.code == 0, outcome.err
    said = [line for line in outcome.err.splitlines() if "cannot be loaded" in line]
    assert len(said) == len(set(said))
    assert [line for line in said if line.startswith(f"topolab: {group} 'broken' (broken_m")] or (
        not group and not said
    )
    assert "broken" not in outcome.out


@pytest.mark.filterwarnings("default::topolab.errors.BrokenEntryWarning")
def test_what_is_asked_for_is_refused(folder: Path) -> None:
    for typed in (
        "methods broken", "train broken", "train set --init broken --hidden 8", "analyses broken",
        "analyse one --only broken", "analyse one -p broken.x=1", "compare one two --only broken",
        "figure broken one", "export one --to broken", "log one --to broken", "data broken",
    ):  # fmt: skip
        outcome = command.run(*typed.split())
        assert outcome.code == 2, (typed, outcome.err)
        assert "topolab: error:" in outcome.err and "cannot be loaded" in outcome.err, typed
    topolab.export("one", "one.npz", to="npz")
    with (
        pytest.raises(ConfigError, match=r"import convention 'broken' .* cannot be loaded"),
        pytest.warns(BrokenEntryWarning),
    ):
        topolab.import_run("one.npz", "new", format="broken")


def test_in_python_it_is_a_warning(folder: Path) -> None:
    for group in ("analyses", "methods", "datasets"):
        with pytest.warns(BrokenEntryWarning, match=REFUSED):
            found = load_all(group)
        assert sorted([*found, "broken"]) == names(group)
        with pytest.raises(ConfigError, match="cannot be loaded"):
            find(group, "broken")
    with pytest.warns(BrokenEntryWarning, match=REFUSED):
        assert "degree" in entries("analyses")
    with pytest.warns(BrokenEntryWarning) as said:
        assert "device" in uncompared()
    messages = [str(warning.message) for warning in said]
    assert any("'odd' cannot be used: ZeroDivisionError: division" in text for text in messages)


def test_python_shows_it_once(folder: Path) -> None:
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("default")
        for _ in range(3):
            load_all("trackers")
    assert len(shown) == 1
