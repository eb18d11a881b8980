"""What the trainers' tests share."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    folder = tmp_path / "served"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}", folder
        running.shutdown()
        thread.join()


@pytest.fixture
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's own data is seen, and no server but a test's own is asked."""
    monkeypatch.setenv("TOPOLAB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("TOPOLAB_DATA_DIR", raising=False)
    for proxy in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(proxy, raising=False)
        monkeypatch.delenv(proxy.upper(), raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for name in ("MNIST", "EMNIST", "CIFAR10", "CIFAR100", "COVERTYPE"):
        monkeypatch.setenv(f"TOPOLAB_{name}_URL", "http://127.0.0.1:1")
