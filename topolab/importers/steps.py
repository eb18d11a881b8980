"""The step of every checkpoint of a series, from its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from topolab.errors import ConfigError
from topolab.importers.checkpoint import Checkpoint
from topolab.importers.step_words import (
    CHECKPOINT,
    EPOCH,
    RUN,
    STEP,
    TIME,
    number_after,
    numbers_in,
    whole_step,
)

__all__ = ["steps_by_name"]


def _reader_of(words: str) -> Callable[[str], int | None]:
    def value(text: str) -> int | None:
        match = number_after(text, words)
        if match is None:
            return None
        number = whole_step(match[1])
        if number is None:
            raise ConfigError(
                f"{text}: {match[1]} is no whole step; rename it, or take the steps from inside "
                "with step_from key"
            )
        return number

    return value


def _bare_numbers(names: Sequence[str | None]) -> list[int] | None:
    """The number in names that have no word for it; of several the one that tells the time.

    Raises
    ------
    ConfigError
        If several could be it and they disagree on the order, or some names have a word.
    """
    texts = [name for name in names if name is not None]
    if len(texts) < len(names):
        return None
    with_word = [text for text in texts if number_after(text, TIME) is not None]
    without = [text for text in texts if number_after(text, TIME) is None]
    numbers_by_name = [numbers_in(text) for text in texts]
    if not all(numbers_by_name):
        return None
    if with_word and without:
        raise ConfigError(
            f"{without[0]} and {with_word[0]}: only one name says of what its number is; rename or "
            "leave out the others, or take the steps from inside with step_from key"
        )
    if len({len(numbers) for numbers in numbers_by_name}) > 1:
        raise ConfigError(
            f"{texts[0]} and {texts[-1]}: the names have different counts of numbers; rename "
            "them, or take the steps from inside with step_from key"
        )
    columns = [
        [whole_step(value) for value in column] for column in zip(*numbers_by_name, strict=True)
    ]
    whole = [[v for v in column if v is not None] for column in columns if None not in column]
    if not whole:
        return None
    candidates = [column for column in whole if len(set(column)) == len(column)]
    orders = {tuple(sorted(range(len(column)), key=column.__getitem__)) for column in candidates}
    if len(orders) > 1 or (not candidates and sum(len(set(c)) > 1 for c in whole) > 1):
        raise ConfigError(
            f"{texts[0]} and {texts[-1]}: several numbers could be the step, and they disagree; "
            'name it, such as "step100", or take the steps from inside with step_from key'
        )
    # One that changes now and then must go along, as hours do with days; else it is the clock.
    if candidates and not all(_goes_along(column, candidates[-1]) for column in whole):
        raise ConfigError(
            f"{texts[0]} and {texts[-1]}: several numbers change, and not all with every file; "
            'name the step, such as "step100", or take the steps from inside with step_from key'
        )
    return candidates[-1] if candidates else whole[-1]


def _goes_along(column: Sequence[int], time: Sequence[int]) -> bool:
    values = [value for _, value in sorted(zip(time, column, strict=True))]
    return values == sorted(values)


def _column(checkpoints: Sequence[Checkpoint], depth: int, read: Callable[[str], int | None] | None
            ) -> list[int] | None:  # fmt: skip
    names = [c.parts[depth] if depth < len(c.parts) else None for c in checkpoints]
    if read is None:
        return _bare_numbers(names)
    values = [None if name is None else read(name) for name in names]
    return None if None in values else [v for v in values if v is not None]


def steps_by_name(checkpoints: Sequence[Checkpoint]) -> tuple[list[int], list[int] | None, str]:
    """The step of every checkpoint from the numbers in its name, or its folder's.

    A number after step or iteration comes first, then one after epoch, then one after
    checkpoint, then the one that there is; in the file's name before the folder's. One that
    differs between all checkpoints is taken. Where several without a word disagree on the order,
    none is; those of seeds and the like never are.

    Returns
    -------
    steps, epochs : list of int
        Epochs are None where no name gives them.
    remark : str
        What was taken.

    Raises
    ------
    ConfigError
        If no number tells the checkpoints apart, or several could.
    """
    deepest = max(len(c.parts) for c in checkpoints)
    readers = [(_reader_of(STEP), "the step"), (_reader_of(EPOCH), "the epoch"),
               (_reader_of(CHECKPOINT), "the number of the checkpoint"),
               (None, "the number")]  # fmt: skip
    repeats = []
    epochs = next(
        (column for depth in range(deepest)
         if (column := _column(checkpoints, depth, readers[1][0])) is not None), None
    )  # fmt: skip
    times = epochs
    alone = len(checkpoints) == 1
    for depth in range(deepest):
        for read, what in readers[: 3 if alone and depth else 4]:
            column = _column(checkpoints, depth, read)
            if column is None:
                continue
            if len(set(column)) == len(column):
                where = "file" if depth == 0 else "folder"
                if (
                    times is not None
                    and len(times) > 1
                    and (len(set(times)) == 1 or not _goes_along(times, column))
                ):  # how many there are to be, or what something else is called
                    times = None
                return column, times, f"steps are {what} in the names of the {where}s"
            repeats.append(column)
    if alone:
        return [0], epochs, "its name has no number: it is step 0"
    if repeats:
        column = repeats[0]
        twice = next(v for v in column if column.count(v) > 1)
        same = [c.label for c, v in zip(checkpoints, column, strict=True) if v == twice]
        raise ConfigError(
            f"{same[0]} and {same[1]}: both names give step {twice}; rename them, leave some out, "
            "or take the steps from inside with step_from key"
        )
    bare = next((c.label for c in checkpoints if not numbers_in(c.parts[0])), checkpoints[0].label)
    if any(RUN.search(part) for c in checkpoints for part in c.parts):
        raise ConfigError(
            f"{bare}: its step is not in its name, and several seeds or folds are several runs: "
            "import each on its own"
        )
    raise ConfigError(
        f"{bare}: no number in its name tells its step; rename it, leave it out, or take the "
        "steps from inside with step_from key"
    )
