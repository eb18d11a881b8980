"""Draws the packages as boxes of rooms, with who imports whom, from the code's own imports.

``python docs/images/draw_packages.py [REVISION] > packages.svg`` draws what git has at a revision
(default: HEAD). Only the standard library and git are needed.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter, defaultdict

PACKAGES = {
    "topolab_trainers": "trainers/topolab_trainers/",
    "topolab": "topolab/",
    "topolab_analyses": "analyses/topolab_analyses/",
    "topolab_reports": "reports/topolab_reports/",
}
WIDTH, GAP, ROW, TOP = 236, 64, 17, 108
INK, PALE, LINE, RED = "#1f2933", "#eef2f6", "#7b8794", "#b42318"


def git(*arguments: str) -> str:
    """What git prints."""
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout


def imports_of(source: str) -> set[str]:
    """Modules that a file imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def read(revision: str) -> tuple[dict[str, Counter[str]], dict[str, int], Counter[tuple[str, str]]]:
    """Per package the lines of its rooms and its longest file; how many files import across."""
    rooms: dict[str, Counter[str]] = defaultdict(Counter)
    longest: dict[str, int] = Counter()
    across: Counter[tuple[str, str]] = Counter()
    for path in git("ls-tree", "-r", "--name-only", revision).splitlines():
        package = next((p for p, folder in PACKAGES.items() if path.startswith(folder)), None)
        if package is None or not path.endswith(".py"):
            continue
        source = git("show", f"{revision}:{path}")
        parts = path.removeprefix(PACKAGES[package]).split("/")
        room = parts[0] + "/" if len(parts) > 1 else parts[0].removesuffix(".py")
        lines = source.count("\n")
        rooms[package][room] += lines
        longest[package] = max(longest[package], lines)
        targets = {module.split(".")[0] for module in imports_of(source)}
        for target in targets & set(PACKAGES) - {package}:
            across[package, target] += 1
    for package in rooms:
        rooms[package].pop("__init__", None), rooms[package].pop("__main__", None)
    return rooms, longest, across


def draw(revision: str) -> str:
    """The drawing, as SVG."""
    rooms, longest, across = read(revision)
    most = max(max(counts.values()) for counts in rooms.values())
    tallest = max(len(counts) for counts in rooms.values())
    height = TOP + ROW * tallest + 34
    total = len(PACKAGES) * WIDTH + (len(PACKAGES) - 1) * GAP + 20
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {height}" '
        f'font-family="DejaVu Sans, sans-serif" font-size="11" fill="{INK}">',
        f'<rect width="{total}" height="{height}" fill="white"/>',
        f'<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="{LINE}"/></marker></defs>',
    ]
    middle = {}
    for i, package in enumerate(PACKAGES):
        x = 10 + i * (WIDTH + GAP)
        middle[package] = x + WIDTH / 2
        counts = rooms[package]
        out.append(
            f'<rect x="{x}" y="{TOP - 50}" width="{WIDTH}" height="{ROW * len(counts) + 60}" '
            f'rx="6" fill="{PALE}" stroke="{LINE}"/>'
            f'<text x="{x + 10}" y="{TOP - 32}" font-size="13" font-weight="bold">{package}</text>'
            f'<text x="{x + 10}" y="{TOP - 15}" fill="{LINE}">'
            f"{sum(counts.values()):,} lines, longest file {longest[package]}</text>"
        )
        for j, (room, lines) in enumerate(sorted(counts.items())):
            y = TOP + ROW * j + 8
            bar = max(1, 70 * lines / most)
            out.append(
                f'<text x="{x + 10}" y="{y}">{room}</text>'
                f'<rect x="{x + 122}" y="{y - 8}" width="{bar:.0f}" height="8" fill="#9fb3c8"/>'
                f'<text x="{x + WIDTH - 10}" y="{y}" text-anchor="end">{lines:,}</text>'
            )
    for k, ((source, target), files) in enumerate(sorted(across.items())):
        a, b = middle[source], middle[target]
        level = 40 - 12 * k
        wrong = target != "topolab" and (source, target) != ("topolab_reports", "topolab_analyses")
        colour = RED if wrong else LINE
        out.append(
            f'<path d="M{a} {TOP - 50} V{level + 10} H{b + (6 if a > b else -6)} V{TOP - 52}" '
            f'fill="none" stroke="{colour}" marker-end="url(#a)"/>'
            f'<text x="{(a + b) / 2}" y="{level + 7}" text-anchor="middle" fill="{colour}">'
            f"{files} files</text>"
        )
    out.append(
        f'<text x="10" y="{height - 8}" fill="{LINE}">Rooms with their lines of code; an arrow: so '
        "many files import from there.</text></svg>"
    )
    return "\n".join(out)


if __name__ == "__main__":
    sys.stdout.write(draw(sys.argv[1] if len(sys.argv) > 1 else "HEAD") + "\n")
