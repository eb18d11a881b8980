"""The shell of the command line: it finds commands, ours and a stranger's, and loads little."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from stranger import install

import topolab
from topolab.cli import main
from topolab.registry import names

SOURCE = '''
from topolab.commands import Command

def hello(name: str = "you") -> str:
    """Say hello."""
    return f"hello {name}"

def say(name: str) -> None:
    """Say hello to somebody."""
    import topolab
    print(topolab.hello(name))

HELLO = Command("hello", say, "polite:hello")
AWAY = Command("away", say, "polite:away")
OTHER = Command("another-name", say, "polite:hello")
TEXT = "no command"
'''


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "angry.py").write_text("raise ValueError('not today')\n")
    install(
        tmp_path,
        "polite",
        SOURCE,
        {
            "commands.hello": "polite:HELLO",
            "commands.away": "polite:AWAY",
            "commands.angry": "angry:COMMAND",
            "commands.missing": "polite:MISSING",
            "commands.misnamed": "polite:OTHER",
            "commands.text": "polite:TEXT",
        },
    )
    yield
    for module in ("polite", "angry"):
        sys.modules.pop(module, None)


def typed(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    """The exit code of a command line, in this process."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", ["topolab", *arguments])
    try:
        main()
    except SystemExit as left:
        return left.code or 0
    return 0


def test_a_misspelt_command_is_answered_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for wrong, right in (("trian", "train"), ("anlyse", "analyse"), ("exprot", "export")):
        assert typed(monkeypatch, wrong) == 2
        out, err = capsys.readouterr()
        assert err.startswith(f"topolab: error: unknown command '{wrong}'; there is analyse, ")
        assert err.endswith(f", watch (did you mean {right}?)\n") and out == ""
        assert len(err.splitlines()) == 1
    assert typed(monkeypatch, "xyzzy") == 2
    assert capsys.readouterr().err.startswith("topolab: error: unknown command 'xyzzy'; there is")


@pytest.mark.usefixtures("stranger")
def test_a_strangers_command_works_on_both_roads(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(monkeypatch, "hello", "Ada") == 0
    assert capsys.readouterr().out == "hello Ada\n"
    assert topolab.hello() == "hello you" and "hello" in dir(topolab)
    assert typed(monkeypatch, "helo") == 2
    assert "did you mean hello?" in capsys.readouterr().err


@pytest.mark.usefixtures("stranger")
def test_a_broken_command_does_not_break_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(monkeypatch, "--help") == 0
    out, err = capsys.readouterr()
    listed = [line.split()[1] for line in out.splitlines() if line.startswith("│ ")]
    assert {"hello", "analyse", "train", "report"} <= set(listed)
    assert not {"angry", "missing", "misnamed", "text"} & set(listed)
    said = [line for line in err.splitlines() if line.startswith("topolab: command ")]
    assert len(said) == len(err.splitlines()) == 4
    assert any("'angry' (angry:COMMAND) cannot be loaded: ValueError: not today" in s for s in said)


@pytest.mark.usefixtures("stranger")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("angry", "command 'angry' (angry:COMMAND) cannot be loaded: ValueError: not today"),
        ("missing", "command 'missing' (polite:MISSING) cannot be loaded"),
        ("misnamed", "calls itself 'another-name'"),
        ("text", "declared as 'no command', which is no Command"),
    ],
)
def test_a_broken_command_that_is_asked_for_is_one_line(
    name: str,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert typed(monkeypatch, name) == 2
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1
    assert err.startswith("topolab: error: ") and message in err
    # What asks a module for every name it lists must be able to go on.
    with pytest.raises(AttributeError, match=f"topolab.{name}: command '{name}'"):
        getattr(topolab, name)


@pytest.mark.usefixtures("stranger")
def test_a_twin_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(AttributeError, match="its function polite:away cannot be loaded"):
        topolab.away  # noqa: B018


def test_a_name_that_is_nothing_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'topolab' has no attribute 'nosuch'"):
        topolab.nosuch  # noqa: B018


def test_help_imports_nothing_heavy() -> None:
    """The whole help and that of each command, in one process."""
    script = (
        "import sys\n"
        "from topolab.cli import main\n"
        "for arguments in [[], *([name] for name in sys.argv[1:])]:\n"
        "    sys.argv = ['topolab', *arguments, '--help']\n"
        "    try: main()\n"
        "    except SystemExit as left: assert not left.code\n"
        "heavy = {'torch', 'numpy', 'pandas', 'scipy', 'matplotlib', 'igraph', 'sklearn'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *names("commands")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "HEAVY []" in done.stdout, done.stdout[-200:]
    assert done.stdout.count("Usage: ") == 1 + len(names("commands"))
