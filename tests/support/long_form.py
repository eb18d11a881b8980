"""The short form of the tests and the long one: `make test` and `make test-all`.

A test marked `long` is left for the long form. One with the fixture `long_form` tries less in the
short form, and so does every property test. The summary says how many.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

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
