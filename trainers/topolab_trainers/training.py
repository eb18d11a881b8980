"""The one road to a training: by a method's name, by a recipe, by a plan."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from topolab.errors import ConfigError, PartialFailure, TopolabError
from topolab.options import Option, one_of
from topolab.paths import read_path
from topolab.progress import Progress, progress_shown
from topolab.registry import find, names
from topolab.run import Run, open_run
from topolab.store.layout import RunFiles
from topolab_trainers.config import settings as declared
from topolab_trainers.recipes import PlannedRun, Recipe, find_recipe, recipe_files

if TYPE_CHECKING:
    from topolab_trainers.loop import StepHook
    from topolab_trainers.method import Method

__all__ = ["TrainingInterrupted", "train"]

SEEDS = Option(
    "seeds", "ints", None, "One run for each.", interval="[0, inf)",
    noun="a list of seeds such as 42,123", empty="give at least one seed",
)  # fmt: skip
BATCHED = Option("batched", "bool", False, "Runs of one shape together.")
RESUME = Option("resume", "bool", False, "The run that is there goes on.")
ONLY = Option("only", "words", None, "Runs of a recipe.", empty="give at least one run of a recipe")


class TrainingInterrupted(KeyboardInterrupt):
    """An interruption of which nothing is lost.

    Attributes
    ----------
    path : Path
        Where what was recorded is safe: the folder of a run, or of several.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"what was recorded is safe in {path}; the same call goes on, for one run with "
            "resume=True"
        )
        self.path = path


def train(
    what: str | os.PathLike[str] | Recipe | Sequence[PlannedRun],
    out: Run | str | os.PathLike[str] | None = None,
    *,
    resume: bool = False,
    seeds: Sequence[int] | str | None = None,
    only: Sequence[str] | str | None = None,
    batched: bool = False,
    progress: Progress | bool | None = None,
    command: str | None = None,
    **settings: Any,
) -> Run | list[Run]:
    """Train networks with sparse-training methods and record their wiring.

    Of several runs what is finished is not done again, and what broke off goes on.

    Parameters
    ----------
    what : str, path, Recipe or sequence of PlannedRun
        Name of a method (``topolab.methods()``) or of a recipe (``topolab.recipes()``), the path
        of a recipe's ``.toml``, a recipe, or the list of its trainings.
    out : Run or path, optional
        The folder of the new run, or of several the folder they are in. Without it
        ``runs/METHOD-DATA-sSEED``, ``runs/RECIPE`` or ``runs``.
    resume : bool
        Continue the run that is there; without it one run that exists already is refused.
    seeds : sequence of int, optional
        One run for each, instead of the one seed or of the recipe's.
    only : sequence of str, optional
        Of a recipe or a plan: only these runs.
    batched : bool
        Train runs of one shape together, as one program; each is the same as one trained alone,
        to rounding.
    progress : Progress, bool or None
        A function of (what, done, total, detail), False for silence, None for a bar where a person
        looks.
    command : str, optional
        Kept in the runs' manifests.
    **settings
        Whatever every method has (data, sparsity, epochs, seed, ...), and what the method and the
        initialisation know besides. They replace a recipe's shared ones.

    Returns
    -------
    Run or list of Run
        One run of a method; otherwise a list.

    Raises
    ------
    ConfigError
        For an unknown method or setting, or a value out of range.
    MissingDataError
        If the data set is not on this machine.
    RunExistsError
        If there is a run at `out` and `resume` is False.
    PartialFailure
        If some of several failed; its `done` are the others.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> run = train("set", folder / "one", data="digits", hidden=(32,), epochs=2)
    >>> run.config["method"], len(run)
    ('set', 3)
    >>> [run.name for run in train("set", folder, seeds=(1, 2), hidden=(16,), epochs=1)]
    ['set-digits-s1', 'set-digits-s2']
    """
    batched, resume = BATCHED.read(batched), RESUME.read(resume)
    _check_shared(settings)
    several = None if seeds is None else _seeds(seeds, settings)
    chosen = None if only is None else list(ONLY.read(only))
    source = _source(what)
    if isinstance(source, str):
        if chosen is not None:
            raise ConfigError("only is for the runs of a recipe")
        if several is None and not batched:
            method: Method = find("methods", source)()
            path = _folder(out, Path("runs") / _name(method, settings))
            with progress_shown(progress) as tell:
                return _train_one(method, path, settings, resume, tell, command)
        plan = _plan_of_seeds(source, settings, several)
        folder = _folder(out, Path("runs"))
    elif isinstance(source, Recipe):
        plan = source.plan(settings, seeds=several or _seed(settings), only=chosen)
        folder = _folder(out, Path("runs") / source.name)
    else:
        plan = _plan_with(source, settings, several, chosen)
        folder = _folder(out, Path("runs"))
    train_plan = _train_together if batched else _train_in_turn
    with progress_shown(progress) as tell:
        return train_plan(plan, folder, tell, command)


# -- what is to be trained -------------------------------------------------------------------


def _source(what: Any) -> str | Recipe | list[PlannedRun]:
    """A method's name, a recipe or a plan."""
    if isinstance(what, Recipe):
        return what
    if isinstance(what, os.PathLike) or (isinstance(what, str) and what.endswith(".toml")):
        return find_recipe(what)
    if isinstance(what, str):
        methods, recipes = names("methods"), recipe_files()
        if what in methods and what in recipes:
            raise ConfigError(
                f"{what!r} is a method and a recipe; for the recipe give its path, {recipes[what]}"
            )
        if what in recipes:
            return find_recipe(what)
        return str(one_of("method", what, methods))
    try:
        plan = list(what)
    except TypeError:
        plan = [what]
    if not plan:
        raise ConfigError("at least one training is needed")
    wrong = [item for item in plan if not isinstance(item, PlannedRun)]
    if wrong:
        raise ConfigError(
            f"{wrong[0]!r} is nothing to train: give the name of a method or of a recipe, the path "
            "of a recipe, or a list of PlannedRun"
        )
    return plan


def _check_shared(settings: Mapping[str, Any]) -> None:
    """What every method has is looked at before anything is trained."""
    for option in declared():
        given = settings.get(option.name)
        try:
            option.read(given)
        except ConfigError as error:
            if option.name == "seed" and _is_several(given):
                raise ConfigError(f"{error}; for a run of each of several give seeds") from error
            raise


def _is_several(given: Any) -> bool:
    return "," in given if isinstance(given, str) else isinstance(given, Iterable)


def _seeds(seeds: Any, settings: Mapping[str, Any]) -> list[int]:
    if settings.get("seed") is not None:
        raise ConfigError("give either seed or seeds")
    found = list(SEEDS.read(seeds))
    if len(set(found)) < len(found):
        raise ConfigError(f"seeds {','.join(map(str, found))} names a seed twice")
    return found


def _seed(settings: Mapping[str, Any]) -> list[int] | None:
    seed = settings.get("seed")
    return None if seed is None else [_option("seed").read(seed)]


def _option(name: str) -> Option:
    return next(option for option in declared() if option.name == name)


def _name(method: Method | type[Method], settings: Mapping[str, Any]) -> str:
    """METHOD-DATA-sSEED, of what is given or the method's own."""
    data, seed = (
        settings.get(key) or method.defaults.get(key) or _option(key).default
        for key in ("data", "seed")
    )
    return f"{method.name}-{data}-s{seed}"


def _plan_of_seeds(
    name: str, settings: Mapping[str, Any], seeds: Sequence[int] | None
) -> list[PlannedRun]:
    method = find("methods", name)
    each = [{**settings, "seed": s} for s in seeds or _seed(settings) or [0]]
    return [PlannedRun(_name(method, chosen), name, chosen) for chosen in each]


def _plan_with(
    plan: Sequence[PlannedRun],
    settings: Mapping[str, Any],
    seeds: Sequence[int] | None,
    only: Sequence[str] | None,
) -> list[PlannedRun]:
    if seeds is not None:
        raise ConfigError("a plan has its seeds already; leave seeds away")
    here = [item.name for item in plan]
    unknown = sorted(set(only or ()) - set(here))
    if unknown:
        raise ConfigError(f"the plan has no run {', '.join(unknown)}; it has {', '.join(here)}")
    given = {k: v for k, v in settings.items() if v is not None}
    return [
        PlannedRun(item.name, item.method, {**item.settings, **given})
        for item in plan
        if only is None or item.name in only
    ]


def _folder(out: Run | str | os.PathLike[str] | None, otherwise: Path) -> Path:
    if out is None:
        return otherwise
    return (
        out.path if isinstance(out, Run) else read_path(out, "out", "give the folder to write to")
    )


# -- how it is trained -----------------------------------------------------------------------


def _train_one(
    method: Method,
    path: Path,
    settings: Mapping[str, Any],
    resume: bool,
    tell: Progress,
    command: str | None,
) -> Run:
    from topolab_trainers.loop import train as train_method

    config = method.configure(**settings)
    try:
        return train_method(
            method,
            config,
            path,
            resume=resume,
            on_step=_step_reports(tell, path.name),
            command=command,
        )
    except KeyboardInterrupt:
        raise TrainingInterrupted(path) from None


def _train_in_turn(
    plan: Sequence[PlannedRun], folder: Path, tell: Progress, command: str | None
) -> list[Run]:
    done: list[Run] = []
    failed: list[tuple[str, TopolabError]] = []
    for position, item in enumerate(plan, start=1):
        path = folder / item.name
        finished = " (finished)" if RunFiles(path).finished() else ""
        tell("runs", position, len(plan), f"{path}{finished}")
        try:
            method = find("methods", item.method)()
            done.append(
                _train_one(method, path, item.settings, path.exists(), tell, command)
            )  # fmt: skip
        except TopolabError as error:
            failed.append((item.name, error))
    if failed and len(plan) == 1:
        raise failed[0][1]
    if failed:
        raise PartialFailure(
            f"{len(failed)} of {len(plan)} failed: {', '.join(name for name, _ in failed)}",
            done=done, failed=failed,
        )  # fmt: skip
    return done


def _train_together(
    plan: Sequence[PlannedRun], folder: Path, tell: Progress, command: str | None
) -> list[Run]:
    from topolab_trainers.batched import train_many
    from topolab_trainers.jobs import Job

    jobs = []
    for item in plan:
        method: Method = find("methods", item.method)()
        jobs.append(Job(method, method.configure(**item.settings), folder / item.name))
    try:
        return train_many(jobs, on_step=_step_reports(tell, folder.name), command=command)
    except KeyboardInterrupt:
        raise TrainingInterrupted(folder) from None
    except PartialFailure as error:
        error.done = [open_run(job.out) for job in jobs if RunFiles(job.out).finished()]
        raise


def _step_reports(tell: Progress, name: str) -> StepHook:
    """What the loop reports, as a report of progress."""

    def report(step: int, total: int, metrics: Mapping[str, float]) -> None:
        accuracy = metrics.get("test_accuracy")
        tell(name, step, total, "" if accuracy is None else f"test {100 * accuracy:.1f} %")

    return report
