"""``topolab.watch``: a report that follows a training, served on the loopback address."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import threading
import time
import webbrowser
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from topolab.analysis import Result
from topolab.api import analyse
from topolab.errors import ConfigError, TopolabError
from topolab.options import number, whole
from topolab.run import Run, RunLike, open_run, open_runs
from topolab_reports.build import build_report
from topolab_reports.output import at_least_one

__all__ = ["WHILE_RUNNING", "Watcher", "watch"]

#: Sections that take little time; the others wait for the end of the training.
WHILE_RUNNING = ("training", "degree", "kshell", "dormant", "heatmap", "exploration")

_SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass
class Watcher:
    """Builds the report anew when the runs have changed, in a thread of its own.

    The runs' folders are only read: analyses are kept in memory, the page in a temporary folder.

    Parameters
    ----------
    paths : sequence of Path
    frames : int
    every : float
        Seconds between two looks at the runs.
    title : str, optional
    everything : bool
        Show all sections from the start, not only at the end.
    """

    paths: Sequence[Path]
    frames: int = 12
    every: float = 2.0
    title: str | None = None
    everything: bool = False
    page: bytes = b""
    built: str = ""
    error: str = ""
    _results: dict[tuple[str, str], tuple[str, dict[str, Result]]] = field(default_factory=dict)
    _retry_at: float = 0.0
    _folders: set[str] = field(default_factory=set)
    _thread: threading.Thread | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def state(self) -> dict[str, object]:
        """What there is to see now, and which of it the page shows."""
        runs = []
        for path in self.paths:
            try:
                run = open_run(path)
                steps = run.steps
                runs.append(
                    {"name": run.name, "state": run.state, "snapshots": len(run),
                     "step": int(steps[-1]) if len(steps) else None}
                )  # fmt: skip
            except TopolabError as error:
                runs.append({"name": path.name, "state": str(error), "snapshots": 0, "step": None})
        now = _fingerprint(runs)
        return {"runs": runs, "now": now, "built": self.built, "error": self.error}

    def start(self) -> None:
        """Begin to look and to build."""
        self._thread = threading.Thread(target=self._loop, daemon=True, name="topolab-watch")
        self._thread.start()

    def stop(self) -> None:
        """Build no more, and leave nothing behind."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(2.0)
        for folder in list(self._folders):
            shutil.rmtree(folder, ignore_errors=True)

    def _loop(self) -> None:
        _step_aside()
        while not self._stop.is_set():
            state = self.state()
            failed = bool(self.error) and time.monotonic() > self._retry_at
            if state["now"] != self.built or failed:
                self._build(str(state["now"]))
            self._stop.wait(self.every)

    def _tables(self, run: Run, name: str) -> dict[str, Result]:
        """Results, kept in memory while the run has the same snapshots, never in its folder."""
        key = (str(run.path), name)
        state = f"{run.manifest['run_id']} {len(run)} {run.steps[-1]}"
        if key not in self._results or self._results[key][0] != state:
            self._results[key] = (state, analyse(run, [name], cache=False, progress=False))
        return self._results[key][1]

    def _build(self, now: str) -> None:
        folder = tempfile.mkdtemp(prefix="topolab-watch-")
        self._folders.add(folder)
        try:
            runs = [open_run(path) for path in self.paths]
            running = any(run.state == "running" for run in runs)
            out = build_report(
                runs, Path(folder) / "report.html", title=self.title, frames=self.frames,
                only=WHILE_RUNNING if running and not self.everything else None,
                live=now, tables=self._tables,
            )  # fmt: skip
            page = out.read_bytes()
            with self._lock:
                self.page, self.built, self.error = page, now, ""
        except Exception as error:  # a run may be in any state while it is written
            with self._lock:
                self.error, self.built = f"{type(error).__name__}: {error}", now
                # What is wrong may pass: it is tried again, but not all the time.
                self._retry_at = time.monotonic() + max(5 * self.every, 1.0)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            self._folders.discard(folder)


def _step_aside() -> None:
    """Let the training have the processor first, where threads have priorities of their own."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 5)


def _fingerprint(runs: Sequence[dict[str, object]]) -> str:
    return json.dumps([[r["name"], r["state"], r["snapshots"], r["step"]] for r in runs])


def watch(
    runs: RunLike | Sequence[RunLike],
    *,
    port: int = 8765,
    frames: int = 12,
    every: float = 2.0,
    title: str | None = None,
    everything: bool = False,
    open_browser: bool = False,
    ready: Callable[[str, ThreadingHTTPServer], None] | None = None,
) -> None:
    """Serve the report of runs, on this machine only, and renew it as snapshots arrive.

    While a run is training, the sections that take little time are shown; at its end all. The runs
    are only read. It goes on until it is interrupted: Ctrl-C, or a kernel's Stop. What ``topolab
    watch`` does, this function does.

    Parameters
    ----------
    runs : Run or path, or a sequence of them
        They may still be training. A folder of runs stands for the runs that are in it now.
    port : int
        On 127.0.0.1; 0 takes a free one.
    frames : int
        Moments the time slider shows, at the most.
    every : float
        Seconds between two looks at the runs.
    title : str, optional
    everything : bool
        Show all sections from the start, not only at the end.
    open_browser : bool
        Open the page in the browser.
    ready : callable, optional
        Called with the address and the server once it listens.

    Raises
    ------
    ConfigError
        If a setting has no meaning, a run was given twice, or the port is taken or out of range.
    RunError
        If there is no run.

    Examples
    --------
    >>> def look(address, server):
    ...     print(address.startswith("http://127.0.0.1:"))
    ...     threading.Thread(target=server.shutdown).start()
    >>> watch(getfixture("example_run"), port=0, ready=look)
    True
    """
    frames, port = at_least_one("frames", frames), whole("port", port)
    every = number("every", every, "")
    if not 0 <= port <= 65535:
        raise ConfigError(f"port {port}: must be from 0 to 65535")
    if not every > 0:
        raise ConfigError(f"every {every}: must be above 0 seconds")
    paths = [run.path for run in open_runs(runs)]
    if len({path.resolve() for path in paths}) < len(paths):
        raise ConfigError("a run was given twice; a report shows each once")
    watcher = Watcher(paths, frames, every, title, everything)
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), _handler(watcher))
    except OSError as error:
        raise ConfigError(
            f"port {port} on 127.0.0.1 is not to be had ({error.strerror})"
        ) from error
    server.daemon_threads = True
    address = f"http://127.0.0.1:{server.server_port}/"
    watcher.start()
    try:
        if ready is not None:
            ready(address, server)
        if open_browser:
            webbrowser.open(address)
        server.serve_forever(poll_interval=0.2)
    finally:
        watcher.stop()
        server.server_close()


def _handler(watcher: Watcher) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server_version = "topolab"
        sys_version = ""
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if not self._host_is_ours():
                self._send(HTTPStatus.FORBIDDEN, b"this server answers its own address only\n")
                return
            path = unquote(urlsplit(self.path).path)
            if path == "/":
                page = watcher.page or _waiting(watcher)
                self._send(HTTPStatus.OK, page, "text/html; charset=utf-8")
            elif path == "/state":
                body = json.dumps(watcher.state()).encode()
                self._send(HTTPStatus.OK, body, "application/json")
            else:
                self._send(HTTPStatus.NOT_FOUND, b"there is only the report here: /\n")

        do_HEAD = do_GET

        def _refuse(self) -> None:
            self.close_connection = True
            self._send(HTTPStatus.METHOD_NOT_ALLOWED, b"this server is read-only\n")

        do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _refuse

        def _host_is_ours(self) -> bool:
            """Another name that leads here is somebody's page reading ours (DNS rebinding)."""
            assert isinstance(self.server, ThreadingHTTPServer)
            port = self.server.server_port
            return self.headers.get("Host", "") in (f"127.0.0.1:{port}", f"localhost:{port}")

        def _send(self, status: HTTPStatus, body: bytes, kind: str = "text/plain") -> None:
            try:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                for name, value in _SECURITY.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Requests are not logged."""

    return Handler


def _waiting(watcher: Watcher) -> bytes:
    """Before the first report is there: a page that asks again by itself."""
    import html

    message = html.escape(watcher.error) or "The first report is being built. This takes a moment."
    names = html.escape(", ".join(path.name for path in watcher.paths))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="refresh" content="2"><title>topolab watch</title>'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'"></head>'
        f"<body><h1>{names}</h1><p>{message}</p></body></html>"
    ).encode()
