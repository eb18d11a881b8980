"""MNIST as it comes: packed again, or with a flipped bit."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from data_files import Server, cached, mnist, put

from topolab.errors import MissingDataError

pytestmark = pytest.mark.usefixtures("apart")


def test_a_download_of_mnist_is_compared_with_the_published_sums(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, files = mnist()
    address, folder = server
    name = "t10k-labels-idx1-ubyte.gz"
    # The same content, packed otherwise: fine in a user's folder, not what the server should send.
    again = {**files, name: gzip.compress(gzip.decompress(files[name]), 1, mtime=7)}
    assert source.load(put(tmp_path / "mine", again)).n_classes == 2
    put(folder, again)
    monkeypatch.setenv("TOPOLAB_MNIST_URL", address)
    with pytest.raises(MissingDataError, match=f"{name}: not the expected file"):
        source.load()
    assert name not in cached(tmp_path) and source.where() is None


def test_a_flipped_bit_in_a_gzipped_file(tmp_path: Path) -> None:
    source, files = mnist()
    right = source.load(put(tmp_path, files)).sha256
    name = "train-images-idx3-ubyte.gz"
    for at in range(len(files[name])):
        bad = bytearray(files[name])
        bad[at] ^= 4
        (tmp_path / name).write_bytes(bad)
        try:
            assert source.load(tmp_path).sha256 == right  # gzip's name, time and system fields
        except MissingDataError as error:
            assert name in str(error)
