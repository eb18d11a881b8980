"""The tables of the test of selection: what each column means."""

from __future__ import annotations

from topolab.hooks import WHEN
from topolab.tables import Column

__all__ = ["FITS", "RIVALS", "VERDICTS"]

_LAYER = Column("layer", str, "1", "A layer of hidden neurons.")
_WORD = "supported, not supported or undecided"
VERDICTS = (
    _LAYER,
    Column("verdict", str, "1", f"{_WORD}: all three claims, no claim against."),
    Column("power_law", str, "1", f"{_WORD}: the degrees follow a power law at the end."),
    Column("attachment", str, "1", f"{_WORD}: edges grow at neurons that have many."),
    Column("decay", str, "1", f"{_WORD}: neurons that began with few become dormant."),
    Column("alpha", float, "1", "Exponent at the last step, x_min searched."),
    Column("x_min", int, "edges", "Where its tail begins; 0 without a fit."),
    Column("n_tail", int, "neurons", "Neurons in the tail."),
    Column("p_law", float, "1", "CSN's p-value of it: low rejects the power law."),
    Column("p_law_holm", float, "1", "The same, adjusted."),
    Column("p_fixed", float, "1", "p-value at the fixed x_min; NaN where there is no such tail."),
    Column("csn_rule", str, "1", "plausible (p > 0.1), rejected or none; searched x_min."),
    Column("paper_rule", str, "1", "NSH's rule, plausible only if p >= 0.95; searched x_min."),
    Column("csn_rule_fixed", str, "1", "As csn_rule, at the fixed x_min."),
    Column("paper_rule_fixed", str, "1", "As paper_rule, at the fixed x_min."),
    Column("best_rival", str, "1", "The rival with the smallest p-value of those that beat it."),
    Column("p_rival", float, "1", "Of a rival that beats the law: smallest p-value, times four."),
    Column("p_rival_holm", float, "1", "The same, adjusted."),
    Column("p_thin", float, "1", "p-value of beating the exponential; NaN where it does not."),
    Column("p_thin_holm", float, "1", "The same, adjusted."),
    Column("gain_slope", float, "1", "Exponent of the gain kernel by total degree; 0 = random."),
    Column("gain_low", float, "1", "Lower end of its 95 % interval."),
    Column("gain_high", float, "1", "Upper end."),
    Column("gain_rate", float, "1", "Exponent of a neuron's rate of gain; 1 = Barabasi-Albert."),
    Column("p_gain", float, "1", "One-sided p-value of a gain slope not above 0."),
    Column("p_gain_holm", float, "1", "The same, adjusted."),
    Column("loss_slope", float, "1", "Exponent of the loss kernel: below 0, hubs keep more."),
    Column("loss_low", float, "1", "Lower end of its 95 % interval."),
    Column("loss_high", float, "1", "Upper end."),
    Column("poor", int, "neurons", "About the quarter with the fewest edges at the start."),
    Column("dormant", int, "neurons", "Those of them that have become dormant by the end."),
    Column("dormant_null", float, "neurons", "Mean of that number under random rewiring."),
    Column("drift", float, "1", "Relative change of the poor neurons' edges, start to end."),
    Column("drift_null", float, "1", "The same under random rewiring, on average."),
    Column("drift_error", float, "1", "Its standard deviation over random rewirings."),
    Column("p_drift", float, "1", "One-sided p-value of a drift not below random rewiring's."),
    Column("p_drift_holm", float, "1", "The same, adjusted."),
    Column("p_decay", float, "1", "One-sided p-value of dormant, against random rewiring."),
    Column("p_decay_holm", float, "1", "The same, adjusted."),
    Column("onset_law", float, "steps", "Step from which the law is plausible to the end."),
    Column("onset_attachment", float, "steps", "First step of the part whose slope is above 0."),
    Column("updates", int, "1", "Updates that changed the layer's edges."),
    Column("reason", str, "1", "Why a number is missing; empty where none is."),
)
FITS = (
    *WHEN,
    Column("layer", str, "1", "A layer of hidden neurons, or hidden = all of them pooled."),
    Column("variant", str, "1", "searched = x_min with the smallest KS distance; fixed = given."),
    Column("alpha", float, "1", "Exponent."),
    Column("sigma", float, "1", "Its standard error."),
    Column("x_min", int, "edges", "Where the tail begins; 0 without a fit."),
    Column("n_tail", int, "neurons", "Neurons in the tail."),
    Column("ks_distance", float, "1", "KS distance over the tail, at the observed degrees."),
    Column("p_value", float, "1", "CSN's p-value."),
    Column("p_low", float, "1", "Lower end of its 99 % interval."),
    Column("p_high", float, "1", "Upper end."),
    Column("replicates", int, "1", "Bootstrap replicates behind it."),
    Column("stopped", bool, "1", "Whether they ended early: that interval excludes 0.1."),
    Column("csn_rule", str, "1", "plausible (p > 0.1), rejected or none."),
    Column("paper_rule", str, "1", "plausible (p >= 0.95), rejected or none."),
    Column("reason", str, "1", "Why there is no fit; empty where there is one."),
)
RIVALS = (
    Column("step", int, "steps", "The last step."),
    Column("layer", str, "1", "A layer of hidden neurons, or hidden = all of them pooled."),
    Column("variant", str, "1", "searched or fixed, as for the fits."),
    Column("rival", str, "1", "The distribution the power law is held against."),
    Column("ratio", float, "1", "Log-likelihood ratio; above 0 favours the power law."),
    Column("normalised", float, "1", "The same over its standard deviation (Vuong)."),
    Column("p_value", float, "1", "Two-sided (Vuong); for the truncated power law nested."),
    Column("favours", str, "1", "power law, the rival, or neither, at 0.05 unadjusted."),
    Column("reason", str, "1", "Why there is no ratio; empty where there is one."),
)
