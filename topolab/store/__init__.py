"""The on-disk format of a run. Nothing else in topolab touches the files of a run."""

from topolab.store.folder import RunFolder
from topolab.store.format import FORMAT_VERSION, decode, encode
from topolab.store.verify import Problem, Verification, verify_run

__all__ = [
    "FORMAT_VERSION",
    "Problem",
    "RunFolder",
    "Verification",
    "decode",
    "encode",
    "verify_run",
]
