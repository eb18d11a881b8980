"""The command line as a shell runs it, in this process: a start of torch each time is minutes."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

from topolab.cli import main

#: Seconds after which a process is taken to hang; a busy machine needs a tenth of them.
PATIENCE = 600


class Outcome:
    """An exit code, and what was printed where."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err
        assert "Traceback" not in err, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run(*arguments: str | Path, cwd: Path | None = None, **environment: str) -> Outcome:
    """Run ``topolab ARGUMENTS`` in this process; what would be a traceback is raised."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    code: Any = 0
    with (
        _from(cwd),
        mock.patch.dict(os.environ, environment),
        mock.patch.object(sys, "argv", ["topolab", *map(str, arguments)]),
        Path(os.devnull).open(encoding="utf-8") as nothing,
        mock.patch.object(sys, "stdin", nothing),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as leaving:
            code = leaving.code
        out.flush(), err.flush()
    assert code is None or isinstance(code, int), code
    said = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
    return Outcome(code or 0, *said)


def run_process(*arguments: str | Path, **environment: str) -> Outcome:
    """Run it in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "topolab", *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=PATIENCE,
        env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return Outcome(done.returncode, done.stdout, done.stderr)


@contextmanager
def _from(folder: Path | None) -> Iterator[None]:
    before = Path.cwd()
    if folder is not None:
        os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
