"""Numbers in names: after which words they are steps, and which are none."""

from __future__ import annotations

import re

__all__ = [
    "CHECKPOINT",
    "EPOCH",
    "MAX_STEP",
    "RUN",
    "STEP",
    "TIME",
    "number_after",
    "numbers_in",
    "whole_step",
]

STEP = r"(?:global_?step|steps?|iterations?|iters?|it|updates?)"
EPOCH = r"(?:epochs?|ep)"
CHECKPOINT = r"(?:checkpoint|ckpt)"
#: Any of them.
TIME = f"{STEP}|{EPOCH}|{CHECKPOINT}"
_NUMBER = r"\d+(?:\.\d+)?(?:[eE]\d{1,2}(?![0-9A-Za-z])|[kM](?![0-9A-Za-z]))?"
# Without a word before it: 1e3 only where it stands alone, or s42e3 were a step of 42,000.
_BARE = r"(?<![0-9A-Za-z])\d+(?:\.\d+)?(?:[eE]\d{1,2}|[kM])(?![0-9A-Za-z])|\d+(?:\.\d+)?"
_VERSION = re.compile(r"(?i)(?<![a-z])v\d+(?![0-9])")
RUN = re.compile(r"(?i)(?<![a-z])(?:seed|fold|trial|rank|run|repeat|rep|shard|worker)s?[ _=-]*\d+")
_VALUE = re.compile(
    r"(?i)(?<![a-z])(?:acc|accuracy|top|loss|err|error|val|score|f1|auc|lr|wd|bs|density|sparsity)"
    r"[ _=-]*\d+(?:\.\d+)?"
)
_DIGITS = 15
MAX_STEP = 10**15 - 1  # what the names of snapshot files have room for


def number_after(text: str, words: str) -> re.Match[str] | None:
    """The last number in a name that has one of these words before it.

    Examples
    --------
    >>> number_after("rigl_step100", STEP)[1], number_after("rigl_100", STEP)
    ('100', None)
    """
    matches = list(re.finditer(rf"(?i)(?<![a-z])(?:{words})[ _=-]*({_NUMBER})", text))
    return matches[-1] if matches else None


def whole_step(text: str) -> int | None:
    """A step; None for 0.5, and 1000 for 1e3."""
    base, _, power = text.partition("e") if "e" in text else text.partition("E")
    tens = int(power or 0) + {"k": 3, "M": 6}.get(base[-1], 0)
    base, _, part = base.rstrip("kM").partition(".")
    if len(part) > tens or (part and not tens):
        return None
    if len(base) + tens > _DIGITS:
        return MAX_STEP + 1
    return int(base + part + "0" * (tens - len(part)))


def numbers_in(text: str) -> list[str]:
    """All numbers of a name but those of a seed, an accuracy and the like, which are no time."""
    text = RUN.sub("", text)
    rest = _VERSION.sub("", _VALUE.sub("", text))
    return re.findall(_BARE, rest) or re.findall(_BARE, text)
