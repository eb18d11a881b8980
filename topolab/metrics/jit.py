"""Compiled loops: numba's njit, kept on disk between processes where that is possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

__all__ = ["jit"]

F = TypeVar("F", bound=Callable[..., object])


def jit(function: F) -> F:
    """Compile a function of numbers and arrays; it releases the GIL, so that threads help.

    The machine code is kept beside the module or in the user's cache, so that only the first use
    of a version on a machine waits for the compiler. Where neither can be written, every process
    compiles for itself.
    """
    try:
        compiled: Any = numba.njit(nogil=True, cache=True, error_model="numpy")(function)
    except RuntimeError:  # "no locator available": nowhere to keep it
        compiled = numba.njit(nogil=True, error_model="numpy")(function)
    return cast(F, compiled)
