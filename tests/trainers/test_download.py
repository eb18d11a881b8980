"""Downloads: servers that lie, addresses that do not serve, places that cannot be written."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from data_files import Server, md5, put

from topolab.errors import MissingDataError
from topolab_trainers.data.download import fetch, fetch_large

pytestmark = pytest.mark.usefixtures("apart")


@pytest.fixture
def liar() -> Iterator[str]:
    """A server that announces 100 bytes, sends 10, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                while b"\r\n\r\n" not in connection.recv(65536):
                    pass
                connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 100\r\n\r\n0123456789")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/file"
        thread.join(10)


Fetch = Callable[[str, Path], None]


FETCHES: dict[str, Fetch] = {
    "small": lambda url, to: fetch(url, to, lambda data, source: None),
    "large": lambda url, to: fetch_large(url, to, "md5", md5(b"0123456789")),
}


@pytest.mark.parametrize("how", list(FETCHES))
def test_fewer_bytes_than_announced(how: str, liar: str, tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=r"truncated|IncompleteRead"):
        FETCHES[how](liar, tmp_path / "kept" / "file")
    assert not list((tmp_path / "kept").glob("*"))


@pytest.mark.parametrize("how", list(FETCHES))
@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("file:///etc/hostname", "only http"),
        ("ftp://127.0.0.1/x", "only http"),
        ("http://[::1/x", "could not be downloaded"),
        ("http:///x", "could not be downloaded"),
        ("http://127.0.0.1:port/x", "could not be downloaded"),
        ("http://127.0.0.1:1/x", "could not be downloaded"),
    ],
)
def test_addresses_that_do_not_serve(how: str, url: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=f"{re.escape(url)}: .*{message}"):
        FETCHES[how](url, tmp_path / "kept" / "file")
    assert not list((tmp_path / "kept").glob("*"))


@pytest.mark.parametrize("how", list(FETCHES))
def test_a_place_that_cannot_be_written(how: str, server: Server, tmp_path: Path) -> None:
    address, folder = server
    put(folder, {"file": b"0123456789"})
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(MissingDataError, match="the download could not be kept"):
        FETCHES[how](f"{address}/file", tmp_path / "taken" / "file")
    FETCHES[how](f"{address}/file", tmp_path / "kept" / "file")
    assert (tmp_path / "kept" / "file").read_bytes() == b"0123456789"


def test_a_full_disk_is_not_blamed_on_the_server(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, folder = server
    put(folder, {"file": b"0123456789"})
    whole = Path.open

    def full(self: Path, mode: str = "r", *rest: object) -> object:
        if mode == "xb":
            raise OSError(28, "No space left on device")
        return whole(self, mode, *rest)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(MissingDataError, match=r"could not be kept .*No space left on device"):
        FETCHES["large"](f"{address}/file", tmp_path / "kept" / "file")


def test_more_bytes_than_it_can_have(server: Server, tmp_path: Path) -> None:
    address, folder = server
    put(folder, {"file": b"x" * 3_000_000})
    with pytest.raises(MissingDataError, match="larger than 2000000 bytes"):
        fetch_large(f"{address}/file", tmp_path / "kept" / "f", "md5", "0" * 32, limit=2_000_000)
    assert not list((tmp_path / "kept").glob("*"))
