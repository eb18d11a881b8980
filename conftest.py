"""Fixtures, sizes and the long form of every test and doctest."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

import topolab

# Callbacks of packages that are not installed cannot be imported, so their examples cannot run.
collect_ignore = [
    f"topolab/integrations/{name}.py"
    for name in ("lightning", "transformers")
    if find_spec(name) is None
]

# A busy machine is no failure of the code. The short form tries the same few examples each time,
# the long form others each time.
_PATIENT: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("short", max_examples=30, derandomize=True, database=None, **_PATIENT)
settings.register_profile("long", max_examples=150, **_PATIENT)
#: Tests left for `make test-all`, and tests that ran in their short form.
_LEFT = pytest.StashKey[int]()
_SHORT = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--long`."""
    parser.addoption("--long", action="store_true", help="run the long forms too: make test-all")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the number of examples, and count from 0."""
    settings.load_profile("long" if config.getoption("--long") else "short")
    config.stash[_LEFT] = config.stash[_SHORT] = 0


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the tests marked `long` for `make test-all`."""
    if config.getoption("--long"):
        return
    left = [item for item in items if item.get_closest_marker("long")]
    items[:] = [item for item in items if not item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=left)
    config.stash[_LEFT] = len(left)
    config.stash[_SHORT] = sum(
        "long_form" in getattr(item, "fixturenames", ())
        or getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
        for item in items
    )


def pytest_collection_finish() -> None:
    """What is loaded by now (torch, thousands of tests) need not be looked at by every collection.

    A look at all of it takes a third of a second, and some libraries ask for it at each call.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="module")
def _nothing_is_left_open() -> Iterator[None]:
    """A file or socket that a test forgets is found in its own module, not in a later one."""
    yield
    gc.collect()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of xdist tells the process that writes the summary."""
    if (said := getattr(session.config, "workeroutput", None)) is not None:
        said["long"] = [session.config.stash[_LEFT], session.config.stash[_SHORT]]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Hear it: every worker collects every test, so that one of them knows the numbers."""
    left, short = getattr(node, "workeroutput", {}).get("long", [0, 0])
    node.config.stash[_LEFT], node.config.stash[_SHORT] = left, short


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what was left out."""
    left, short = config.stash[_LEFT], config.stash[_SHORT]
    if left or short:
        terminalreporter.write_line(
            f"Left for `make test-all` (--long): {left} tests, and the long form of {short} others"
        )


@pytest.fixture
def long_form(request: pytest.FixtureRequest) -> bool:
    """Whether a test shall try more often than what shows the behaviour once."""
    return bool(request.config.getoption("--long"))


def record_example(
    path: Path, *, snapshots: int = 4, seed: int = 7, method: str = "set", rich: bool = False
) -> topolab.Run:
    """A small run with random rewiring: 6 x 6 inputs, hidden layers of 24 and 16, 4 outputs.

    A rich one has weights, activity and gradients too.
    """
    rng = np.random.default_rng(seed)
    layers = (
        topolab.LayerSpec("fc1", "linear", (24, 36), image_shape=(1, 6, 6)),
        topolab.LayerSpec("fc2", "linear", (16, 24)),
        topolab.LayerSpec("fc3", "linear", (4, 16), maskable=False),
    )
    masks = {layer.name: np.ones(layer.shape, dtype=bool) for layer in layers}
    for name in ("fc1", "fc2"):
        masks[name] = rng.random(masks[name].shape) < 0.2
    config = {"method": method, "sparsity": 0.8, "epochs": snapshots - 1}
    data = {"name": "random", "sha256": "0" * 64}
    with topolab.Recorder(path, layers=layers, config=config, seed=seed, data=data) as recorder:
        for index in range(snapshots):
            metrics = {"test_accuracy": 1 - 0.5 ** (index + 1), "train_loss": 0.5**index}
            more: dict[str, Any] = {}
            if rich:
                metrics |= {"dropped.fc1": 5.0, "dropped.fc2": 4.0} if index else {}
                more = {
                    "weights": {n: m * rng.normal(size=m.shape) for n, m in masks.items()},
                    "activity": {n: rng.random(len(m)) for n, m in masks.items()},
                    "gradient": {n: rng.random(len(m)) for n, m in masks.items()},
                }
            recorder.record(10 * index, masks, epoch=float(index), metrics=metrics, **more)
            for name in ("fc1", "fc2"):
                flat = masks[name].copy().reshape(-1)
                moved = min(5, int(flat.sum()))
                dropped = rng.choice(np.flatnonzero(flat), moved, replace=False)
                grown = rng.choice(np.flatnonzero(~flat), moved, replace=False)
                flat[dropped], flat[grown] = False, True
                masks[name] = flat.reshape(masks[name].shape)
    return topolab.open_run(path)


@pytest.fixture
def example_run(tmp_path: Path) -> topolab.Run:
    """A finished run of four snapshots."""
    return record_example(tmp_path / "example")
