"""How often the words are right: counts, rates and their intervals."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd
from catalogue import CLAIMS, FALSE, TRUE
from catalogue import DOES_NOT_APPLY as NEITHER

from topolab_analyses.claims.limits import (
    CUT_OFF,
    DOES_NOT_APPLY,
    NOT_SUPPORTED,
    SUPPORTED,
    UNDECIDED,
    WORDS,
)
from topolab_analyses.judgement import judge, pool

__all__ = ["WORDS", "is_wrong", "rate", "summary", "tally", "together", "wilson"]


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share.

    Examples
    --------
    >>> [round(x, 3) for x in wilson(0, 20)]
    [0.0, 0.161]
    """
    if not of:
        return math.nan, math.nan
    z = 1.959963984540054
    share, spread = hits / of, 1 + z * z / of
    middle = (share + z * z / (2 * of)) / spread
    half = z / spread * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def is_wrong(word: str, holds: str) -> bool:
    """Said where it does not hold, denied where it does, either where it does not apply."""
    said = {SUPPORTED, CUT_OFF}
    wrong = {
        TRUE: {NOT_SUPPORTED, DOES_NOT_APPLY}, FALSE: said, NEITHER: {*WORDS} - {
            DOES_NOT_APPLY, UNDECIDED,
        },
    }  # fmt: skip
    return word in wrong[holds]


def rate(hits: int, of: int) -> str:
    """A share with its interval, as text."""
    if not of:
        return ""
    low, high = wilson(hits, of)
    return f"{hits / of:.2f} ({low:.2f} to {high:.2f})"


def tally(words: pd.DataFrame) -> Iterator[str]:
    """Rows of a Markdown table: of each truth and claim, how often each word was said."""
    yield f"| truth | claim | in truth | {' | '.join(WORDS)} | wrong (95 %) |"
    yield "|" + "---|" * (4 + len(WORDS))
    for truth, part in words.groupby("truth", sort=False):
        for claim in CLAIMS:
            holds = str(part[f"{claim}_holds"].iloc[0])
            counts = part[claim].value_counts()
            shown = " | ".join(str(counts.get(word, "")) for word in WORDS)
            wrong = sum(is_wrong(word, holds) for word in part[claim])
            label = claim.replace("_", " ")
            yield f"| {truth} | {label} | {holds} | {shown} | {rate(wrong, len(part))} |"


def summary(words: pd.DataFrame) -> Iterator[str]:
    """Rows of a Markdown table: of each claim, how often it is said falsely, denied and found."""
    yield (
        "| claim | supported though it does not hold | not supported though it holds "
        "| supported where it holds | judged though it does not apply |"
    )
    yield "|---|---|---|---|---|"
    for claim in CLAIMS:
        said = {
            holds: words.loc[words[f"{claim}_holds"] == holds, claim]
            for holds in (TRUE, FALSE, NEITHER)
        }
        true, false, neither = said[TRUE], said[FALSE], said[NEITHER]
        cells = (
            rate(sum(is_wrong(word, FALSE) for word in false), len(false)),
            rate(sum(is_wrong(word, TRUE) for word in true), len(true)),
            rate(int((true == SUPPORTED).sum()), len(true)),
            rate(sum(is_wrong(word, NEITHER) for word in neither), len(neither)),
        )
        yield f"| {claim.replace('_', ' ')} | {' | '.join(cells)} |"


def together(words: pd.DataFrame, seeds: int) -> pd.DataFrame:
    """The words that so many runs of a truth get together, and what is true of them.

    Runs that are left over make no group.
    """
    group = words["truth"] + "/" + (words["seed"] // seeds).astype(str)
    runs = words.assign(group=group, run=words["truth"] + "-" + words["seed"].astype(str))
    whole = runs.groupby("group")["seed"].transform("nunique") == seeds
    pooled = pool(judge(runs[whole], family="run"))
    of = runs.drop_duplicates("group").set_index("group")
    for column in ("truth", *(f"{claim}_holds" for claim in CLAIMS)):
        pooled[column] = pooled["group"].map(of[column])
    return pooled
