"""Groups of runs: what the runs of one have in common, and what tells the groups apart."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from topolab.errors import ConfigError
from topolab.options import uncompared
from topolab.run import Run

__all__ = [
    "count_updates",
    "differing_settings",
    "label_runs",
    "other_settings",
    "updates_by_group",
]

#: Stands for a setting that a group does not have.
ABSENT = "-"


def differing_settings(runs: Sequence[Run]) -> list[str]:
    """The settings in which runs differ, other than the seed and where they were trained."""
    keys = sorted({key for run in runs for key in run.config} - uncompared())
    return [key for key in keys if len({_text(run.config.get(key)) for run in runs}) > 1]


def label_runs(runs: Sequence[Run], by: Sequence[str]) -> list[str]:
    """The group of each run, by the values of some settings.

    Parameters
    ----------
    runs : sequence of Run
    by : sequence of str
        Settings that make the groups.

    Returns
    -------
    list of str

    Raises
    ------
    ConfigError
        If a setting is unknown, a group's runs differ in more than their seed, or two of them have
        the same one.
    """
    known = sorted({key for run in runs for key in run.config})
    unknown = [key for key in by if key not in known]
    if unknown:
        raise ConfigError(
            f"no run has a setting {', '.join(unknown)}; they have {', '.join(known) or 'none'}"
        )
    labels = []
    for run in runs:
        parts = [_text(run.config.get(key)) for key in by]
        labels.append(
            parts[0] if len(parts) == 1
            else ", ".join(f"{k}={v}" for k, v in zip(by, parts, strict=True)) or "all"
        )  # fmt: skip
    for label in dict.fromkeys(labels):
        _check_group(label, [run for run, of in zip(runs, labels, strict=True) if of == label], by)
    return labels


def _check_group(label: str, members: Sequence[Run], by: Sequence[str]) -> None:
    """Refuse runs that differ in more than their seed."""
    other = differing_settings(members)
    if other:
        raise ConfigError(
            f"the runs of {label} differ in more than their seed: {', '.join(other)}; "
            f"group by these too: {','.join([*by, *other])}"
        )
    shapes = {tuple((layer.name, layer.shape) for layer in run.layers) for run in members}
    sets = {str(run.data.get("sha256") or run.data.get("name")) for run in members}
    for what, found in (("networks", shapes), ("data sets", sets)):
        if len(found) > 1:
            raise ConfigError(f"the runs of {label} have different {what}: compare them apart")
    seeds = [run.seed for run in members]
    if len(seeds) > 1 and None in seeds:
        raise ConfigError(
            f"a run of {label} has no seed in its manifest, and only by that may the runs of a "
            "group differ"
        )
    twice = sorted({str(s) for s in seeds if seeds.count(s) > 1})
    if twice:
        raise ConfigError(f"two runs of {label} have the seed {', '.join(twice)}")


def other_settings(
    runs: Sequence[Run], labels: Sequence[str], by: Iterable[str]
) -> dict[str, dict[str, str]]:
    """The settings that differ between groups beside those that make them.

    What methods do differently by default is among them: of two groups that differ in a setting
    nobody asked for, either may be the cause of a difference.

    Parameters
    ----------
    runs : sequence of Run
    labels : sequence of str
        The group of each.
    by : iterable of str
        The settings that make the groups.

    Returns
    -------
    dict of str to dict of str to str
        By setting the value of each group; "-" where a group has no such setting.
    """
    first: dict[str, Run] = {}
    for run, label in zip(runs, labels, strict=True):
        first.setdefault(label, run)
    keys = [key for key in differing_settings(list(first.values())) if key not in set(by)]
    return {
        key: {label: _value(run.config.get(key)) for label, run in first.items()} for key in keys
    }


def count_updates(run: Run) -> int:
    """How often the masks of a run changed: of every two successive snapshots those that differ.

    Examples
    --------
    >>> count_updates(getfixture("example_run"))
    3
    """
    masks = (dict(shot.packed) for shot in run)
    return sum(not _same(before, after) for before, after in pairwise(masks))


def updates_by_group(runs: Sequence[Run], labels: Sequence[str]) -> dict[str, tuple[int, int]]:
    """The fewest and the most updates of the runs of each group.

    Parameters
    ----------
    runs : sequence of Run
    labels : sequence of str
        The group of each.
    """
    found: dict[str, list[int]] = {}
    for run, label in zip(runs, labels, strict=True):
        found.setdefault(label, []).append(count_updates(run))
    return {label: (min(counts), max(counts)) for label, counts in found.items()}


def _same(a: dict[str, npt.NDArray[np.uint8]], b: dict[str, npt.NDArray[np.uint8]]) -> bool:
    return all(np.array_equal(mask, b[name]) for name, mask in a.items())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)


def _value(value: Any) -> str:
    """A value as it is typed on the command line."""
    if value is None:
        return ABSENT
    if isinstance(value, (list, tuple)):
        return ",".join(_value(part) for part in value) or ABSENT
    return _text(value)
