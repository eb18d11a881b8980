"""Sections of the report: the contract that every one keeps."""

from __future__ import annotations

from topolab.testing import contract_of


class TestEverySection(contract_of("sections")):
    pass
