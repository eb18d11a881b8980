"""Ctrl-C (and SIGTERM) between two steps, never inside one."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

__all__ = ["HeldInterrupt"]


class HeldInterrupt:
    """While entered, a first signal to stop only sets `pending`; a second one interrupts at once.

    Held are SIGINT (Ctrl-C) and SIGTERM (``kill``, a cluster's scheduler, ``docker stop``), each
    only where it would have its usual effect: a handler of somebody else's stays. So does a SIGINT
    that was ignored when the process started, as a shell does for ``command &`` in a script: it
    asked that a Ctrl-C meant for the foreground is not felt. Such a training is stopped, and its
    state saved, by SIGTERM.

    Does nothing outside the main thread, where no signal arrives.

    Examples
    --------
    >>> import signal
    >>> before = signal.signal(signal.SIGINT, signal.default_int_handler)  # as usual
    >>> with HeldInterrupt() as held:
    ...     signal.raise_signal(signal.SIGINT)
    ...     held.pending
    True
    >>> _ = signal.signal(signal.SIGINT, before)
    """

    def __init__(self) -> None:
        self.pending = False
        self._before: dict[signal.Signals, Any] = {}

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.pending:
            raise KeyboardInterrupt
        self.pending = True

    def __enter__(self) -> HeldInterrupt:
        if threading.current_thread() is threading.main_thread():
            usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
            for number, handler in usual.items():
                if signal.getsignal(number) is handler:
                    self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
