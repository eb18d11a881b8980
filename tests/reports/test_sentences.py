"""Every sentence of a report, over runs whose truth is known: none says what is not so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import topolab
from topolab.registry import find, names
from topolab_reports.report_data import ReportData
from topolab_reports.sections.base import Content
from topolab_reports.testing import report_data_of

LAYERS = (
    topolab.LayerSpec("fc1", "linear", (120, 60), image_shape=(1, 6, 10)),
    topolab.LayerSpec("fc2", "linear", (80, 120)),
    topolab.LayerSpec("fc3", "linear", (10, 80), maskable=False),
)
UPDATES = 14


def rewired(
    path: Path, method: str, seed: int, power: float, updates: int = UPDATES
) -> topolab.Run:
    """A tenth of the edges goes at random; new ones come to neurons by a power of their degree."""
    rng = np.random.default_rng(seed)
    masks = {layer.name: np.ones(layer.shape, dtype=bool) for layer in LAYERS}
    for name in ("fc1", "fc2"):
        masks[name] = rng.random(masks[name].shape) < 0.15
    config = {"method": method}
    with topolab.Recorder(path / f"{method}-s{seed}", layers=LAYERS, config=config, seed=seed,
                          data={"name": "none"}) as recorder:  # fmt: skip
        for step in range(updates + 1):
            recorder.record(step, masks, epoch=float(step), metrics={"test_accuracy": 0.5})
            degree = {
                "fc1": masks["fc1"].sum(1) + masks["fc2"].sum(0),
                "fc2": masks["fc2"].sum(1),
            }
            for name in ("fc1", "fc2"):
                flat = masks[name].reshape(-1).copy()
                gone = rng.choice(np.flatnonzero(flat), int(0.1 * flat.sum()), replace=False)
                flat[gone] = False
                weight = np.repeat(np.maximum(degree[name], 1.0) ** power, masks[name].shape[1])
                weight = np.where(flat, 0.0, weight)
                flat[rng.choice(len(flat), len(gone), False, weight / weight.sum())] = True
                masks[name] = flat.reshape(masks[name].shape)
    return topolab.open_run(path / f"{method}-s{seed}")


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> ReportData:
    """Growth at hubs, growth at random, masks that stay: two seeds, two seeds, one."""
    path = tmp_path_factory.mktemp("known")
    runs = [rewired(path, "hubs", seed, 1.5) for seed in (1, 2)]
    runs += [rewired(path, "chance", seed, 0.0) for seed in (1, 2)]
    runs.append(rewired(path, "still", 1, 0.0, updates=0))
    return data_of(runs)


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> ReportData:
    """One run of three updates: too few for an interval."""
    return data_of([rewired(tmp_path_factory.mktemp("short"), "short", 1, 1.5, updates=3)])


def data_of(runs: list[topolab.Run]) -> ReportData:
    needs: set[str] = set()
    for section in map(section_of, names("sections")):
        needs |= set(section.needs)
        needs |= {need for name in section.figures for need in find("figures", name).needs}
    return report_data_of(runs, needs)


def section_of(name: str):  # type: ignore[no-untyped-def]
    return find("sections", name)()


def texts(name: str, content: Content, data: ReportData) -> Iterator[str]:
    """What a section says: its finding, its notes, and what its figures say of themselves."""
    yield content.finding
    yield from content.notes
    for called in content.figures:
        figure = find("figures", called)() if isinstance(called, str) else called
        table = figure.table(data)
        yield figure.caption_for(table)
        yield from (panel.describe(panel.last) for panel in figure.panels(table, data.groups))


#: What is no sentence, says more than its numbers, or is a number that nobody means.
FORBIDDEN = {
    r"no clear notice|contradict": "what an interval excludes or not is said with its numbers",
    r"plausible": "a p-value rejects a law or does not; that it does not is no praise of the law",
    r"\babove degree": "a tail is from x_min on, and x_min belongs to it",
    r"p = 0\.00|p = 1\.00": "a p-value is not 0 and not 1",
    r"\bnan\b|\binf\b|None": "a missing number has a word",
    r"(?<![\w.,-])1 (\(\d+ at the start\) )?are\b": "1 is, 2 are",
    r"(?<![\w.,-])1 of the [\d,]+ \w+ of \S+ are": "1 is, 2 are",
    r"\ball 0\b|in \[\]|\(\)|  |,,|\.\.| \.| ,": "a gap where something was to stand",
    r"(?<!not )\bsignificant": "a test is said with its p",
    r"no power law|no attachment|no effect|no decay": "absence is not shown by a test",
}
#: Every sentence of a finding has one of these.
VERBS = re.compile(
    r"\b(is|are|has|have|had|was|were|rose|fell|stayed|go|goes|does|do|rejects|can|cannot|get|"
    r"recorded|supports?|feeds?|means?|says?)\b"
)


@pytest.mark.parametrize("name", names("sections"))
@pytest.mark.parametrize("which", ["known", "short"])
def test_no_sentence_says_more_than_its_numbers(
    name: str, which: str, request: pytest.FixtureRequest
) -> None:
    data: ReportData = request.getfixturevalue(which)
    section = section_of(name)
    if section.optional and data.table(name).empty:
        return
    content = section.build(data)
    for text in texts(name, content, data):
        for pattern, why in FORBIDDEN.items():
            found = re.search(pattern, text)
            assert found is None, f"{why}: {text}"
    assert all(text[0].isupper() for text in (content.finding, *content.notes))
    for sentence in re.split(r"(?<=[^\d.]\.) (?=[A-Z])", content.finding):
        assert sentence.endswith(".") and VERBS.search(sentence), sentence


def of_group(name: str, group: str, data: ReportData) -> str:
    """The sentence of a section's finding that is about a group."""
    sentences = re.split(r"(?<=\.) (?=[A-Z])", section_of(name).build(data).finding)
    (found,) = [text for text in sentences if re.search(rf"\b(in|of) {group}\b", text, re.I)]
    return found


def test_gains_go_with_degree_only_where_they_do(known: ReportData) -> None:
    hubs, chance = (of_group("attachment", group, known) for group in ("hubs", "chance"))
    assert "new edges of fc1 go to neurons with many edges more than by chance (exponent" in hubs
    assert "over 2 seeds), intervals from" in hubs
    assert "more than" not in chance and "less than" not in chance
    still = of_group("attachment", "still-s1", known)
    assert still == "No change of masks is there to look at in still-s1."


def test_the_tails_of_wirings_by_chance_are_thin(known: ReportData) -> None:
    """No law was planted; what is not rejected is not praised."""
    for group in ("chance", "still-s1"):
        text = of_group("powerlaw", group, known)
        assert "does not" in text and "not what is meant by a power law" in text


def test_dormant_has_one_meaning_and_degrees_are_named(known: ReportData) -> None:
    """The finding, the table, the caption and the note speak of the same neurons."""
    content = section_of("dormant").build(known)
    assert "dormant (fewer than 10 edges)" in content.finding
    assert content.facts is not None and "below 10 edges" in content.facts
    assert "with fewer edges than 10, in and out together" in content.notes[0]
    assert "layers whose masks change count" in content.notes[0]
    caption = find("figures", "nsh-fig9")().caption
    assert "dormant are those below the smallest" in caption
    law = section_of("powerlaw").build(known)
    (two,) = [note for note in law.notes if note.startswith("Two degrees")]
    assert re.search(r"two exponents: \d+\.\d\d and \d+\.\d\d in ", two)
    for name in ("degree-ccdf", "degree-time", "tail-fit", "nsh-fig13", "nsh-fig19", "nsh-fig20"):
        assert "edges of every layer" in find("figures", name)().caption, name
