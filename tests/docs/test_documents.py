"""The documents are complete, and their links lead somewhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from topolab.registry import find, names

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("trainers/**/*.md"),
        *ROOT.glob("analyses/**/*.md"),
        *ROOT.glob("reports/**/*.md"),
        *ROOT.glob("benchmarks/**/*.md"),
    ]
)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def test_there_are_pages() -> None:
    found = {page.relative_to(ROOT).as_posix() for page in PAGES}
    assert {
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "docs/architecture.md",
        "docs/snapshot-format.md",
        "docs/tutorial.md",
        "docs/cli.md",
    } <= found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    broken = []
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            broken.append(target)
    assert not broken


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings give it, as the usual renderers make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


@pytest.mark.parametrize(
    "group",
    ["methods", "inits", "analyses", "figures", "datasets", "importers", "exporters"],
)
def test_everything_registered_is_documented(group: str) -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    missing = [name for name in names(group) if f"`{name}`" not in text]  # type: ignore[arg-type]
    assert not missing


@pytest.mark.parametrize("page", ["docs/extend.md", "docs/architecture.md"])
def test_every_entry_point_group_has_a_row(page: str) -> None:
    """And no row is of a group that there is not."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [group for group in project["entry-points"] if group.startswith("topolab.")]
    text = (ROOT / page).read_text(encoding="utf-8")
    rows = re.findall(r"^\|.*?`(topolab\.\w+)` \|", text, flags=re.MULTILINE)
    assert sorted(rows) == sorted(groups)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_files_that_are_named_are_there(page: Path) -> None:
    """A test, a module or a folder in backticks, with its path from the root."""
    named = re.findall(
        r"`((?:tests|docs|topolab|trainers|analyses|reports|benchmarks|examples)/[\w./-]*)[^`<*]*`",
        page.read_text(encoding="utf-8"),
    )
    assert not [path for path in named if not (ROOT / path).exists()]


def test_every_page_is_linked_from_another() -> None:
    reached = set()
    for page in PAGES:
        for target in LINK.findall(page.read_text(encoding="utf-8")):
            path = target.partition("#")[0]
            if path and not re.match(r"[a-z]+:", path):
                reached.add((page.parent / path).resolve())
    lonely = {page for page in ROOT.glob("docs/*.md") if page not in reached}
    assert not lonely


def test_the_format_page_speaks_of_every_key() -> None:
    """What the store writes and what the specification describes are the same keys."""
    from topolab.layers import LayerSpec

    page = (ROOT / "docs/snapshot-format.md").read_text(encoding="utf-8")
    for key in LayerSpec("a", "linear", (1, 1)).to_dict():
        assert f"`{key}`" in page


@pytest.mark.parametrize("name", names("analyses"))
def test_every_column_says_what_it_means(name: str) -> None:
    for schema in find("analyses", name).schemas.values():
        for column in schema:
            assert column.meaning.endswith("."), f"{name}.{column.name} has no sentence"
            assert column.unit, f"{name}.{column.name} has no unit"


def test_the_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its names are those of a reader's own loop: a model, batches, masks."""
    import torch

    import topolab

    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    assert len(blocks) == 2
    model = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Linear(5, 2))
    names_ = {
        "topolab": topolab,
        "model": model,
        "batches": range(3),
        "topology_changed": True,
        "accuracy": 0.5,
        "masks": {k.name: torch.ones(k.shape) for k in topolab.layers_of(model)},
    }
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names_)
    assert len(names_["run"]) == 3  # type: ignore[arg-type]


def commands() -> list[tuple[str, str]]:
    """Every ``topolab ...`` line of every fenced block, with its page."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        for block in re.findall(r"```(?:\w*)\n(.*?)```", text, flags=re.DOTALL):
            for line in block.splitlines():
                if line.strip().startswith("topolab ") and "COMMAND" not in line:
                    found.append((page.relative_to(ROOT).as_posix(), line.split("#")[0].strip()))
    return found


def test_every_command_shown_has_these_options() -> None:
    import shlex

    import typer

    from topolab.cli import app
    from topolab_trainers.commands.train import _own_options

    group = typer.main.get_command(app)
    shown = commands()
    assert len(shown) >= 8
    for page, line in shown:
        if page == "docs/extend.md":
            continue  # of the package that it makes: tests/docs/test_extend.py types them
        name, *arguments = shlex.split(line)[1:]
        command = group.get_command(None, name)  # type: ignore[attr-defined]
        assert command is not None, line
        context = typer.Context(command, **command.context_settings)
        _, rest, _ = command.make_parser(context).parse_args(list(arguments))
        own = [word for word in rest if word.startswith("--")]
        if own:  # what the method and its first masks declare; their values are checked too
            assert name == "train", line
            settings = _own_options(arguments[0], rest, [])
            init = re.search(r"--(?:init|profile)[ =](\S+)", line)
            chosen = {"init": init[1]} if init else {}
            find("methods", arguments[0])().configure(**chosen, **settings)


def test_the_main_job_gives_both_methods_the_same_schedule() -> None:
    """RigL and SET as the README trains them: as many updates, as large, of the same masks."""
    import shlex

    chosen = {}
    for page, line in commands():
        words = shlex.split(line)
        if page == "README.md" and words[1] == "train":
            flags = [word.removeprefix("--").replace("-", "_") for word in words[3::2]]
            settings = dict(zip(flags, words[4::2], strict=True))
            settings.pop("out")
            chosen[words[2]] = find("methods", words[2])().configure(**settings)
    assert set(chosen) == {"rigl", "set"}
    rigl, other = chosen["rigl"].identity(), chosen["set"].identity()
    differing = {key for key in {*rigl, *other} if rigl.get(key) != other.get(key)}
    assert differing == {"method", "drop", "grow", "gradient"}


def test_nothing_of_the_makers_machine_is_committed() -> None:
    """No absolute path of a home or work folder stands in the documents."""
    for page in PAGES:
        assert not re.search(
            r"(?<![\w.])/(?:home|root|work)/\w", page.read_text(encoding="utf-8")
        ), page
