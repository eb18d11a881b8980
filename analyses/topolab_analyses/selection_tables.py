"""The tables of the test of selection: what each column means."""

from __future__ import annotations

from topolab.hooks import WHEN
from topolab.tables import Column

__all__ = ["FITS", "POOLED", "RIVALS", "VERDICTS"]

_LAYER = Column("layer", str, "1", "A layer of hidden neurons.")
_HOLM = "The same, adjusted by Holm's method over the layers of the run."
_WORD = "supported, not supported, undecided or does not apply"


def _with_holm(column: Column) -> tuple[Column, Column]:
    return column, Column(f"{column.name}_holm", float, "1", _HOLM)


_WORDS = (
    Column("verdict", str, "1", f"{_WORD}: all three claims together."),
    Column(
        "power_law", str, "1",
        f"{_WORD}, law with a cut-off, or cannot be told from a lognormal: the degrees at the end.",
    ),
    Column(
        "attachment", str, "1",
        f"{_WORD}, or gains go with degree: edges grow at neurons because they have many.",
    ),
    Column("decay", str, "1", f"{_WORD}: the poorly connected become dormant."),
    Column("why", str, "1", "Which claims carry the verdict, with their numbers."),
    Column("why_power_law", str, "1", "The sentence behind that word."),
    Column("why_attachment", str, "1", "The sentence behind that word."),
    Column("why_decay", str, "1", "The sentence behind that word."),
)  # fmt: skip
_LAW = (
    Column("degrees", int, "1", "Distinct degrees at the last step."),
    Column("n", float, "neurons", "Neurons of the layer."),
    Column("alpha", float, "1", "Exponent at the last step, x_min searched."),
    Column("alpha_error", float, "1", "Its standard error."),
    Column("x_min", float, "edges", "Where its tail begins; 0 without a fit."),
    Column("x_max", float, "edges", "The most edges a neuron can have, which bound the law."),
    Column("n_tail", float, "neurons", "Neurons in the tail."),
    *_with_holm(Column("p_law", float, "1", "CSN's p-value: low rejects the power law.")),
    Column("best_rival", str, "1", "The rival that beats the law (p_rival below 0.05); else none."),
    *_with_holm(
        Column("p_rival", float, "1",
               "Of the rivals that are better: the smallest p-value, times their number; 1 = none.")
    ),
    *_with_holm(Column("p_steep", float, "1", "One-sided p-value of an alpha of 6 or less.")),
    *_with_holm(
        Column("p_thin", float, "1", "One-sided p-value of a law not better than the exponential.")
    ),
    *_with_holm(
        Column("p_lognormal", float, "1",
               "One-sided p-value of a law not better than the lognormals of sigma up to 2.")
    ),
    Column("p_bent", float, "1",
           "p-value of the law against one with a cut-off; NaN where that is no law either."),
    *_with_holm(
        Column("p_cut_off", float, "1", "The same, or that of its not being the best rival.")
    ),
    Column("alpha_cut_off", float, "1", "Exponent of the law with a cut-off."),
    Column("cut_off", float, "edges", "Where it falls by a factor e beyond the law: 1 / rate."),
    Column("law_reason", str, "1", "Why there is no law; empty where there is one."),
)  # fmt: skip
_RULES = (
    Column("p_fixed", float, "1", "p-value at the fixed x_min; NaN where there is no such tail."),
    Column("csn_rule", str, "1", "plausible (p > 0.1), rejected or none; searched x_min."),
    Column("paper_rule", str, "1", "NSH's rule, plausible only if p >= 0.95; searched x_min."),
    Column("csn_rule_fixed", str, "1", "As csn_rule, at the fixed x_min."),
    Column("paper_rule_fixed", str, "1", "As paper_rule, at the fixed x_min."),
    Column("onset_law", float, "steps", "Step from which the law is plausible to the end."),
)
_ATTACHMENT = (
    Column("snapshots", int, "1", "Of the run."),
    Column("updates", int, "1", "Updates that changed the layer's edges."),
    Column("grown", int, "edges", "Edge ends grown over the run."),
    Column("dropped", int, "edges", "Edge ends dropped over the run."),
    Column("gain_slope", float, "1", "Exponent of the gain kernel; 0 = random."),
    Column("gain_error", float, "1", "Its standard error."),
    Column("gain_low", float, "1", "Lower end of its 95 % interval."),
    Column("gain_high", float, "1", "Upper end."),
    Column("gain_rate", float, "1", "Exponent of a neuron's rate of gain; 1 = Barabasi-Albert."),
    Column("within", float, "1", "Exponent of gains by degree within neurons, at any fitness."),
    Column("within_error", float, "1", "Its standard error."),
    Column("within_low", float, "1", "Lower end of its 95 % interval."),
    Column("within_high", float, "1", "Upper end."),
    Column("fitness_spread", float, "1", "Standard deviation of fitness over neurons, mean 1."),
    Column("memory", float, "1", "Correlation of gains beyond the fit between successive updates."),
    Column("memory_error", float, "1", "Its standard error."),
    Column("p_memory", float, "1", "One-sided p-value of memory not above 0."),
    *_with_holm(Column("p_attachment", float, "1", "One-sided p-value of within not above 0.1.")),
    *_with_holm(
        Column("p_no_attachment", float, "1", "One-sided p-value of within not below 0.1.")
    ),
    *_with_holm(Column("p_gain", float, "1", "One-sided p-value of gain_slope not above 0.1.")),
    *_with_holm(Column("p_no_gain", float, "1", "One-sided p-value of gain_slope not below 0.1.")),
    Column("loss_slope", float, "1", "Exponent of the loss kernel: below 0, hubs keep more."),
    Column("loss_low", float, "1", "Lower end of its 95 % interval."),
    Column("loss_high", float, "1", "Upper end."),
    Column("gain_reason", str, "1", "Why there is no exponent or interval; empty if there is."),
    Column("within_reason", str, "1", "The same for within."),
)
_JOINT = (
    Column("loss_error", float, "1", "Standard error of loss_slope."),
    Column("joint", float, "1", "As within, if the first degrees are drawn whatever the fitness."),
    Column("joint_low", float, "1", "Lower end of its 95 % interval."),
    Column("joint_high", float, "1", "Upper end."),
    Column("onset_attachment", float, "steps", "First step of the part whose slope is above 0."),
    Column("onset_reason", str, "1", "Why there is none; empty where there is one."),
    Column("loss_reason", str, "1", "Why there is no loss_slope; empty where there is one."),
)
_DECAY = (
    Column("poor", float, "neurons", "Of the poorest quarter at risk, in the part with most."),
    Column("parts", int, "1", "Parts of the run, at whose starts the poor are those with least."),
    Column("dormant", int, "neurons", "Poor neurons that were dormant at the end of a part."),
    Column("dormant_null", float, "neurons", "The same by random rewiring, on average."),
    Column("dormant_below", int, "edges", "A neuron with fewer edges is dormant."),
    Column("nulls", int, "1", "Random rewirings of each part."),
    Column("excess", float, "1", "(dormant - dormant_null) / poor."),
    *_with_holm(
        Column("p_decay", float, "1", "One-sided p-value of an excess of 0.05 or less.")
    ),
    *_with_holm(Column("p_no_decay", float, "1", "One-sided p-value of one of 0.05 or more.")),
    Column("drift", float, "1", "Change of the edges of those poor at the start, start to end."),
    Column("decay_reason", str, "1", "Why there are no poor; empty where there are."),
)  # fmt: skip
VERDICTS = (
    _LAYER, *_WORDS, *_LAW, *_RULES, *_ATTACHMENT, *_JOINT, *_DECAY,
    Column("reason", str, "1", "Why numbers are missing, all together; empty where none is."),
)  # fmt: skip
#: Several seeds together: what pools the evidence of one layer.
POOLED = (
    Column("group", str, "1", "Runs that differ by their seed alone."),
    _LAYER,
    Column("runs", int, "1", "How many."),
    Column("tally", str, "1", "How often each verdict was given to them one by one."),
    *_WORDS, *_LAW, *_ATTACHMENT, *_DECAY,
    Column("alpha_spread", float, "1", "Standard deviation of alpha between runs."),
    Column("gain_spread", float, "1", "Standard deviation of gain_slope between runs."),
    Column("within_spread", float, "1", "Standard deviation of within between runs."),
)  # fmt: skip
FITS = (
    *WHEN,
    Column("layer", str, "1", "A layer of hidden neurons, or hidden = all of them pooled."),
    Column("end", str, "1", "in, out or total: which edges are counted; through time total only."),
    Column("variant", str, "1", "searched = x_min with the smallest KS distance; fixed = given."),
    Column("alpha", float, "1", "Exponent."),
    Column("sigma", float, "1", "Its standard error."),
    Column("x_min", int, "edges", "Where the tail begins; 0 without a fit."),
    Column("x_max", int, "edges", "The most edges a neuron can have, which bound the law."),
    Column("n_tail", int, "neurons", "Neurons in the tail."),
    Column("ks_distance", float, "1", "KS distance over the tail, at the observed degrees."),
    Column("p_value", float, "1", "CSN's p-value."),
    Column("p_low", float, "1", "Lower end of its 99 % interval."),
    Column("p_high", float, "1", "Upper end."),
    Column("replicates", int, "1", "Bootstrap replicates behind it."),
    Column("stopped", bool, "1", "Whether they ended early: that interval excludes 0.1 and 0.95."),
    Column("csn_rule", str, "1", "plausible (p > 0.1), rejected or none."),
    Column("paper_rule", str, "1", "plausible (p >= 0.95), rejected or none."),
    Column("reason", str, "1", "Why there is no fit; empty where there is one."),
)
RIVALS = (
    Column("step", int, "steps", "The last step."),
    Column("layer", str, "1", "A layer of hidden neurons, or hidden = all of them pooled."),
    Column("end", str, "1", "in, out or total: which edges are counted."),
    Column("variant", str, "1", "searched or fixed, as for the fits."),
    Column("rival", str, "1", "What the power law is held against."),
    Column("ratio", float, "1", "Log-likelihood ratio; above 0 favours the power law."),
    Column("normalised", float, "1", "Vuong's statistic; of bounded lognormals the signed root."),
    Column("p_value", float, "1",
           "Two-sided (Vuong); truncated nested; bounded lognormals one-sided."),
    Column("favours", str, "1", "power law, the rival, or neither, at 0.05 unadjusted."),
    Column("reason", str, "1", "Why there is no ratio; empty where there is one."),
)  # fmt: skip
