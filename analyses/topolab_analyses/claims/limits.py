"""The words of a claim, and every limit that one of them depends on."""

from __future__ import annotations

__all__ = [
    "ALPHA", "CANNOT_TELL", "CSN", "CUT_OFF", "DOES_NOT_APPLY", "FLATTEST",
    "GOES_WITH_DEGREE",
    "LEAST_DORMANT", "LEAST_EXPONENT", "LEAST_MEMORY", "LEAST_POOR",
    "LEAST_RISE", "LEAST_TAIL",
    "LEAST_TURNOVER",
    "NOT_SUPPORTED", "PAPER", "STEEPEST", "SUPPORTED", "UNDECIDED", "WIDEST_LOGNORMAL", "WORDS",
]  # fmt: skip

SUPPORTED, NOT_SUPPORTED, UNDECIDED = "supported", "not supported", "undecided"
DOES_NOT_APPLY = "does not apply"
#: Of a power law: it holds up to a cut-off that the data show; or a lognormal does as well.
CUT_OFF, CANNOT_TELL = "law with a cut-off", "cannot be told from a lognormal"
#: Of attachment: neurons with many edges gain more, which their fitness may explain as well.
GOES_WITH_DEGREE = "gains go with degree"
#: Of a claim and of the verdict, in the order in which they are counted.
WORDS = (
    SUPPORTED, NOT_SUPPORTED, UNDECIDED, CUT_OFF, CANNOT_TELL, GOES_WITH_DEGREE, DOES_NOT_APPLY,
)  # fmt: skip

#: CSN reject a power law where p <= 0.1; NSH where p < 0.95. Tests of significance are at 0.05.
CSN, PAPER, ALPHA = 0.1, 0.95, 0.05
#: With fewer degrees in the tail hardly any law can be rejected, so none is supported (CSN).
LEAST_TAIL = 50
#: A steeper tail is none of a power law: of 32 neurons in it fewer than one has twice the edges
#: that it begins at.
STEEPEST = 6.0
#: Without the bound there is no power law of this exponent or less: its tail holds all neurons.
FLATTEST = 1.0
#: Lognormals up to this sigma must be told from the law. Over the degrees that a layer has room
#: for, wider ones are the same curve: between x_min and k their local exponent grows by
#: ln(k / x_min) / sigma^2.
WIDEST_LOGNORMAL = 2.0
#: The smallest exponent that counts as attachment: a tenth of Barabasi and Albert's.
LEAST_EXPONENT = 0.1
#: The smallest correlation, between successive updates, of gains beyond degree and fitness that
#: counts as a fitness which drifts: then an effect of degree cannot be told from it.
LEAST_MEMORY = 0.05
#: The smallest rise of the kernel's exponent, from the first quarter of the run to the last, that
#: counts as a fitness which grows apart: degrees come to record it.
LEAST_RISE = 0.25
#: The smallest share of the poor that, when dormant beyond chance, counts as decay; and how many
#: poor neurons there must be for any word.
LEAST_DORMANT, LEAST_POOR = 0.05, 20
#: Decay is not denied before the layer has lost as many edges as it had: until then hardly a neuron
#: could have lost its own.
LEAST_TURNOVER = 1.0
