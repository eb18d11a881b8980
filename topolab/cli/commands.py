"""The core's own commands: of runs, analyses, checkpoints, graphs."""

from __future__ import annotations

from topolab.cli import analyse, analyses, compare, export, import_, log, show, verify
from topolab.commands import Command

__all__ = ["ANALYSE", "ANALYSES", "COMPARE", "EXPORT", "IMPORT", "LOG", "SHOW", "VERIFY"]

IMPORT = Command("import", import_.import_, "topolab.importers.api:import_run", order=30)
ANALYSE = Command("analyse", analyse.analyse, "topolab.api:analyse", order=40)
COMPARE = Command("compare", compare.compare, "topolab.comparison:compare", order=50)
LOG = Command("log", log.log, "topolab.integrations.log:log", order=100)
EXPORT = Command("export", export.export, "topolab.exporters.api:export", order=110)
SHOW = Command("show", show.show, "topolab.describe:show", order=120)
VERIFY = Command("verify", verify.verify, "topolab.run:verify", order=130)
ANALYSES = Command("analyses", analyses.analyses, "topolab.listing:analyses", order=170)
