"""The report of a run that is still being written, served on the loopback address."""

from __future__ import annotations

import html
import http.client
import json
import re
import threading
import time
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import CHROMIUM, Browser

import topolab
import topolab_reports.watch as watch_module
from conftest import record_example
from topolab.errors import ConfigError, RunError
from topolab_reports.build import build_report

LAYERS = (
    topolab.LayerSpec("fc1", "linear", (6, 8)),
    topolab.LayerSpec("fc2", "linear", (4, 6)),
)


class Server:
    """A watched run that a test goes on writing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rng = np.random.default_rng(1)
        self.recorder = topolab.Recorder(path, layers=LAYERS, config={"method": "mine"}, seed=1)
        self.recorder.__enter__()
        self.step = 0
        self.record()
        self.server: ThreadingHTTPServer | None = None
        listening = threading.Event()

        def ready(address: str, server: ThreadingHTTPServer) -> None:
            self.server = server
            listening.set()

        self.thread = threading.Thread(
            target=topolab.watch, args=([path],), kwargs={"port": 0, "every": 0.1, "ready": ready}
        )
        self.thread.start()
        assert listening.wait(600)
        assert self.server is not None
        self.port = self.server.server_port

    def record(self) -> None:
        masks = {layer.name: self.rng.random(layer.shape) < 0.5 for layer in LAYERS}
        self.recorder.record(self.step, masks, metrics={"test_accuracy": 0.5})
        self.step += 10

    def ask(
        self, path: str = "/", method: str = "GET", host: str | None = None
    ) -> tuple[int, bytes, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        headers = {"Host": host} if host is not None else {}
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, body, dict(answer.getheaders())

    def state(self) -> dict[str, Any]:
        return dict(json.loads(self.ask("/state")[1]))

    def wait(self) -> dict[str, Any]:
        end = time.monotonic() + 600
        while time.monotonic() < end:
            state = self.state()
            if state["built"] == state["now"]:
                return state
            time.sleep(0.1)
        raise AssertionError("the report was not built in time")

    def close(self) -> None:
        assert self.server is not None
        self.server.shutdown()
        self.thread.join(600)
        self.recorder.__exit__(None, None, None)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("live") / "run")
    yield made
    made.close()


def test_the_page_follows_the_run_and_leaves_it_alone(server: Server) -> None:
    state = server.wait()
    assert state["runs"][0]["snapshots"] == 1 and state["error"] == ""
    assert b"the last snapshots" not in server.ask()[1]
    server.record()
    server.record()
    state = server.wait()
    assert state["runs"][0] == {"name": "run", "state": "running", "snapshots": 3, "step": 20}
    status, page, headers = server.ask()
    assert b'id="degree"' in page and b'id="selection"' not in page  # waits for the end
    assert status == 200 and b"3, steps 0 to 20" in page and b"connect-src 'self'" in page
    assert headers["Cache-Control"] == "no-store"
    # The page says what it shows: news that came before it first asks is news too.
    shown = re.search(r'<body data-live="([^"]+)"', page.decode())
    assert shown is not None and html.unescape(shown[1]) == state["built"]
    # Reading is all it does: no tables, no lock, nothing but what the recorder wrote.
    assert not list((server.path).rglob("*.parquet"))


def test_other_hosts_and_other_requests_are_refused(server: Server) -> None:
    server.wait()
    assert server.ask(host=f"localhost:{server.port}")[0] == 200
    for host in ("evil.example", f"evil.example:{server.port}", "127.0.0.1", "127.0.0.1:1", ""):
        status, body, _ = server.ask(host=host)
        assert status == 403 and b"its own address only" in body
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert server.ask(method=method)[0] == 405
    for path in ("/run.json", "/../../etc/passwd", "/%2e%2e/run.json", "/state/x"):
        assert server.ask(path)[0] == 404
    assert server.ask(method="HEAD")[1] == b""


def test_only_the_loopback_address_is_listened_on(server: Server) -> None:
    assert server.server is not None
    assert server.server.server_address[0] == "127.0.0.1"


@pytest.mark.chromium
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_an_open_page_renews_itself(server: Server, tmp_path: Path) -> None:
    server.wait()
    tab = Browser(tmp_path)
    try:
        tab.go(f"http://127.0.0.1:{server.port}/")
        before = tab.js("document.querySelector('.card dl').innerText")
        server.record()
        server.wait()
        # While it loads anew there is no card, half a page, or no page that could be asked.
        wanted = f"steps 0 to {server.step - 10}"
        assert wanted not in before
        tab.wait(f"document.querySelector('.card dl')?.innerText.includes('{wanted}')")
        assert [line for line in tab.console if "favicon" not in line] == []
    finally:
        tab.close()


def test_a_build_that_fails_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = record_example(tmp_path / "run", snapshots=2)
    calls = []

    def once(*arguments: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise OSError("too many open files")
        return build_report(*arguments, **options)

    monkeypatch.setattr(watch_module, "build_report", once)
    watcher = watch_module.Watcher([run.path], every=0.05)
    watcher.start()
    try:
        end = time.monotonic() + 600
        while not watcher.page and time.monotonic() < end:
            time.sleep(0.1)
        assert watcher.page and watcher.error == "" and len(calls) == 2
    finally:
        watcher.stop()


def test_what_cannot_be_served_is_said(tmp_path: Path, server: Server) -> None:
    with pytest.raises(RunError):
        topolab.watch([tmp_path / "nothing"])
    with pytest.raises(ConfigError, match="given twice"):
        topolab.watch([server.path, server.path])
    with pytest.raises(ConfigError, match="from 0 to 65535"):
        topolab.watch([server.path], port=70000)
    with pytest.raises(ConfigError, match="above 0 seconds"):
        topolab.watch([server.path], every=0)
    with pytest.raises(ConfigError, match="is not to be had"):
        topolab.watch([server.path], port=server.port)
