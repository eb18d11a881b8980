"""The contracts of what trains: methods, initialisations, criteria, data sets.

`topolab.testing.contract_of` finds them.
"""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite(
    "topolab_trainers.testing.methods",
    "topolab_trainers.testing.inits",
    "topolab_trainers.testing.criteria",
    "topolab_trainers.testing.datasets",
)
