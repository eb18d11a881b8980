"""The documents are complete, and their links lead somewhere."""

from __future__ import annotations

import re
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


@pytest.mark.parametrize("group", ["backends", "analyses", "datasets"])
def test_everything_registered_is_documented(group: str) -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    missing = [name for name in names(group) if f"`{name}`" not in text]  # type: ignore[arg-type]
    assert not missing


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


def test_nothing_of_the_makers_machine_is_committed() -> None:
    """No absolute path of a home or work folder stands in the documents."""
    for page in PAGES:
        assert not re.search(
            r"(?<![\w.])/(?:home|root|work)/\w", page.read_text(encoding="utf-8")
        ), page
