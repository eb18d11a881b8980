"""Rows of evidence for the three claims: one that supports all of them, and any others."""

from __future__ import annotations

import math
import re
from typing import Any

from hypothesis import strategies as st

from topolab_analyses.claims import attachment, decay, power_law

NAN = math.nan
LAW = {
    "degrees": 60, "n": 500.0, "alpha": 2.3, "alpha_error": 0.08, "x_min": 4.0, "x_max": 784.0,
    "n_tail": 300.0, "p_law": 0.4, "best_rival": "", "p_rival": 1.0, "p_steep": 1.0,
    "p_thin": 1e-6, "p_lognormal": 0.002, "p_bent": NAN, "p_cut_off": NAN, "alpha_cut_off": NAN,
    "cut_off": NAN, "law_reason": "",
}  # fmt: skip
GAINS = {
    "snapshots": 41, "grown": 9000, "dropped": 9000, "gain_slope": 0.95, "gain_error": 0.05,
    "gain_low": 0.85, "gain_high": 1.05, "p_gain": 1e-9, "p_no_gain": 1 - 1e-9, "gain_rate": 1.0,
    "within": 0.9, "within_error": 0.07, "within_low": 0.76, "within_high": 1.04,
    "fitness_spread": 0.2, "p_attachment": 1e-8, "p_no_attachment": 1 - 1e-8, "loss_slope": 0.01,
    "loss_error": 0.05, "loss_low": -0.09, "loss_high": 0.11, "memory": 0.0, "memory_error": 0.03,
    "p_memory": 0.5, "gain_rise": 0.0, "p_rise": 0.5, "gain_reason": "", "within_reason": "",
}  # fmt: skip
DECAY = {
    "poor": 120.0, "parts": 8, "dormant": 50, "dormant_null": 1.5, "dormant_below": 10,
    "nulls": 100, "excess": 0.4, "drift": -0.5, "dormant_others": 0, "poor_times": 900,
    "other_times": 1500, "turnover": 3.0, "p_poorer": 1e-9, "p_decay": 1e-9, "p_no_decay": 1.0,
    "decay_reason": "",
}  # fmt: skip
P_VALUES = (*power_law.P_VALUES, *attachment.P_VALUES, *decay.P_VALUES)


def evidence(**changes: Any) -> dict[str, Any]:
    """What `judge` gets of a layer; all three claims are supported where nothing is changed."""
    return {**LAW, **GAINS, **DECAY, "updates": 40, **changes}


def judged_row(**changes: Any) -> dict[str, Any]:
    """What a claim gets: p-values are as adjusted ones unless those are given."""
    row = evidence(**{k: v for k, v in changes.items() if not k.endswith("_holm")})
    row |= {f"{name}_holm": row[name] for name in P_VALUES}
    return row | changes


def is_sentence(text: str) -> bool:
    """Full sentences, and nothing in them that is no English."""
    return (
        text[:1].isupper()
        and text.endswith(".")
        and not re.search(r"\b(nan|inf|None|none)\b|  | [.,;:)]|\(\)|\.\.", text)
        and text.count("(") == text.count(")")
    )


#: p-values, those at the limits of a word and next to them among them.
P = st.one_of(
    st.floats(0, 1),
    st.sampled_from([0.0, 1e-300, 0.0009999, 0.001, 0.0499, 0.04999999, 0.05, 0.0500001, 0.0999,
                     0.1, 0.1000001, 0.5, 0.9499, 0.95, 0.999999, 1.0]),
)  # fmt: skip
_MAYBE_P = st.one_of(P, P, P, st.just(NAN))
_EXPONENT = st.one_of(st.floats(-3, 3), st.sampled_from([0.0, -0.001, 0.1, 0.0999, 0.1001]))


@st.composite
def laws(draw: st.DrawFn) -> dict[str, Any]:
    """Evidence about the power law, as it may come out of a fit, or of none."""
    none = {**LAW, "alpha": NAN, "alpha_error": NAN, "x_min": 0.0, "n_tail": 0.0, "p_law": NAN,
            "p_rival": NAN, "p_steep": NAN, "p_thin": NAN, "p_lognormal": NAN}  # fmt: skip
    if draw(st.integers(0, 9)) == 0:
        reason = draw(st.sampled_from(["fewer than two distinct positive degrees", ""]))
        return {**none, "degrees": draw(st.integers(0, 9)), "law_reason": reason}
    p_rival, p_bent = draw(_MAYBE_P), draw(st.one_of(P, st.just(NAN)))
    cut = math.isfinite(p_bent)
    rivals = st.sampled_from(["lognormal", "stretched_exponential", "truncated_power_law"])
    return {
        **LAW,
        "degrees": draw(st.integers(1, 200)),
        "alpha": draw(st.floats(-5, 30)),
        "alpha_error": draw(st.floats(1e-3, 9)),
        "x_min": draw(st.integers(1, 900)) / draw(st.sampled_from([1, 2])),
        "x_max": draw(st.sampled_from([0.0, 1.0, 12.0, 2e6])),
        "n_tail": draw(st.sampled_from([10.0, 49.0, 49.5, 49.99, 50.0, 1e5])),
        "p_law": draw(P),
        "p_rival": p_rival,
        "best_rival": draw(rivals) if p_rival < 0.05 else "",
        "p_steep": draw(_MAYBE_P),
        "p_thin": draw(_MAYBE_P),
        "p_lognormal": draw(_MAYBE_P),
        "p_bent": p_bent,
        "p_cut_off": max(p_bent, draw(P)) if cut else NAN,
        "alpha_cut_off": draw(st.floats(1, 9)) if cut else NAN,
        "cut_off": draw(st.floats(1e-3, 1e7)) if cut else NAN,
    }


@st.composite
def gains(draw: st.DrawFn) -> dict[str, Any]:
    """Evidence about attachment: with an exponent or without, with an interval or without."""
    out: dict[str, Any] = {
        **GAINS,
        "snapshots": draw(st.sampled_from([1, 2, 41])),
        "grown": draw(st.sampled_from([0, 1, 9000])),
        "dropped": draw(st.sampled_from([0, 1, 9000])),
    }
    for value, low, high, error, above, below, reason in (
        ("gain_slope", "gain_low", "gain_high", "gain_error", "p_gain", "p_no_gain", "gain_reason"),
        ("within", "within_low", "within_high", "within_error", "p_attachment", "p_no_attachment",
         "within_reason"),
    ):  # fmt: skip
        kind = draw(st.sampled_from(["whole", "whole", "whole", "no interval", "none"]))
        out |= dict.fromkeys((value, low, high, error, above, below), NAN)
        if kind != "none":
            out[value] = draw(_EXPONENT)
        if kind == "whole":
            out[error], p = draw(st.floats(1e-3, 5)), draw(P)
            # As an exponent and its p-value are: above the limit where p is below a half.
            far = abs(out[value]) + 1e-3
            out[value] = 0.1 + far if p < 0.5 else 0.1 - far
            out |= {low: out[value] - 2 * out[error], high: out[value] + 2 * out[error]}
            out |= {above: p, below: 1 - p}
        else:
            out[reason] = draw(st.sampled_from(["", "few events; fewer than five updates"]))
    if draw(st.booleans()):
        p_memory = draw(P)
        far = draw(st.sampled_from([0.0, 0.049, 0.05, 0.0501, 0.4]))
        return out | {"p_memory": p_memory, "memory": far if p_memory < 0.5 else -far}
    return out | dict.fromkeys(("memory", "memory_error", "p_memory"), NAN)


@st.composite
def decays(draw: st.DrawFn) -> dict[str, Any]:
    """Evidence about decay, with counts and p-values that belong together."""
    poor = draw(st.sampled_from([0.0, 1.0, 7.3, 19.97, 20.0, 120.5, 1e5]))
    dormant = draw(st.integers(0, int(8 * poor)))
    chance = draw(st.floats(0, 8 * poor)) if poor else NAN
    p = decay.tests(dormant, chance, poor, 100) if poor else (NAN, NAN)
    reason = draw(st.sampled_from(["", "the first degrees tell no poor neurons from others"]))
    return {
        **DECAY, "poor": poor, "parts": draw(st.integers(1, 8)), "dormant": dormant,
        "dormant_null": chance, "excess": (dormant - chance) / poor if poor else NAN,
        "dormant_below": draw(st.sampled_from([1, 10, 110])), "p_decay": p[0], "p_no_decay": p[1],
        "decay_reason": "" if poor else reason,
    }  # fmt: skip


def rows() -> st.SearchStrategy[dict[str, Any]]:
    """Evidence about all three."""
    return st.tuples(laws(), gains(), decays()).map(lambda p: evidence(**p[0], **p[1], **p[2]))


def factors() -> st.SearchStrategy[float]:
    """By how much Holm's method may multiply a p-value."""
    return st.sampled_from([1.0, 1.0, 2.0, 30.0, 1e4])


def adjusted(row: dict[str, Any], times: float) -> dict[str, Any]:
    """The row among so many: p-values that all count so many times."""
    return {**row, **{f"{name}_holm": min(1.0, times * row[name]) for name in P_VALUES}}
