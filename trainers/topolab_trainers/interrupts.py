"""Ctrl-C between two steps, never inside one."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

__all__ = ["HeldInterrupt"]


class HeldInterrupt:
    """While entered, a first Ctrl-C only sets `pending`; a second one interrupts at once.

    Does nothing outside the main thread, where no signal arrives.

    Examples
    --------
    >>> import os, signal
    >>> with HeldInterrupt() as held:
    ...     os.kill(os.getpid(), signal.SIGINT)
    ...     held.pending
    True
    """

    def __init__(self) -> None:
        self.pending = False
        self._before: Any = None
        self._active = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.pending:
            raise KeyboardInterrupt
        self.pending = True

    def __enter__(self) -> HeldInterrupt:
        ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if threading.current_thread() is threading.main_thread() and ours:
            self._before = signal.signal(signal.SIGINT, self._handle)
            self._active = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._active:
            signal.signal(signal.SIGINT, self._before)
