"""What every registered thing keeps to, as tests that a package of your own runs on its own things.

A kit is a class of pytest tests for one entry-point group; a subclass with ``names`` tests your
entries, one without tests all that are registered::

    from topolab.testing import contract_of

    class TestMyAnalysis(contract_of("analyses")):
        names = ("mine",)

pytest is needed (``pip install "topolab[test]"``). Kits are found under the entry-point group
``topolab.contracts``, so that each package ships those of what it defines.
"""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite(
    "topolab.testing.analyses", "topolab.testing.commands", "topolab.testing.exporters"
)

from topolab.testing.contract import CARD_HEADINGS, Contract, check_card, contract_of  # noqa: E402
from topolab.testing.runs import make_run  # noqa: E402

__all__ = ["CARD_HEADINGS", "Contract", "check_card", "contract_of", "make_run"]
