"""Attachment: do neurons with many edges gain more of them, or lose fewer?

Between two successive masks a layer drops some of its edges and takes as many free places. A
neuron of degree k gains each of its free places with a hazard tau k^gamma, and loses each of its
edges with another: tau is the update's own, gamma the exponent of a kernel, which is 0 where
degrees do not matter. `fit_slope` finds it, `fit_kernel` makes do without a power of k, `fit_rate`
counts by neuron rather than by place, `change_p` asks whether it stays, and `fit_joint` tells what
goes by degree from what goes by a fitness of the neurons' own.
"""

from topolab.metrics.attachment.blocks import block_weights
from topolab.metrics.attachment.change import change_p
from topolab.metrics.attachment.counts import bins, exposure
from topolab.metrics.attachment.joint import Joint, fit_joint
from topolab.metrics.attachment.kernel import Kernel, fit_kernel
from topolab.metrics.attachment.slope import Slope, fit_rate, fit_slope

__all__ = [
    "Joint",
    "Kernel",
    "Slope",
    "bins",
    "block_weights",
    "change_p",
    "exposure",
    "fit_joint",
    "fit_kernel",
    "fit_rate",
    "fit_slope",
]
