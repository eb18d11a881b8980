"""EMNIST's archive: local or downloaded, damaged, swapped, half there."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from data_files import Server, cached, emnist_members, emnist_source, idx, images, put, zipped

from topolab.errors import MissingDataError
from topolab_trainers.data import emnist

pytestmark = pytest.mark.usefixtures("apart")


@pytest.mark.parametrize("called", ["gzip.zip", "emnist.zip"])
def test_a_local_archive_is_read_where_it_is(
    called: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = emnist_members()
    source = emnist_source(zipped(members))
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("TOPOLAB_CACHE_DIR", str(tmp_path / "file"))  # no folder can be made there
    data = source.load(put(tmp_path / "zip", {called: zipped(members)}))
    assert data.sha256 == source.load(put(tmp_path / "files", members)).sha256
    plain = {k.removesuffix(".gz"): gzip.decompress(v) for k, v in members.items()}
    assert data.sha256 == source.load(put(tmp_path / "plain", plain)).sha256
    image = data.x_train[0].reshape(28, 28)
    assert (image[5:9, 2] > 0).all() and np.count_nonzero(image) == 4  # the stroke is upright


@pytest.mark.parametrize("part", ["images-idx3", "labels-idx1"])
def test_a_wrong_local_archive_leaves_the_cache_alone(part: str, tmp_path: Path) -> None:
    members = emnist_members()
    source = emnist_source(b"")
    wrong = images(5) if part == "images-idx3" else np.array([0, 0, 0, 1, 1, 2])
    members[f"emnist-balanced-train-{part}-ubyte.gz"] = gzip.compress(idx(wrong))
    with pytest.raises(MissingDataError, match=r"images of shape \(5, |but \[3, 2, 1\]"):
        source.load(put(tmp_path / "mine", {"gzip.zip": zipped(members)}))
    assert cached(tmp_path) == []


def test_every_damaged_byte_of_a_zip_is_a_missing_data_error(tmp_path: Path) -> None:
    whole = zipped(emnist_members())
    source = emnist_source(whole)
    right = source.load(put(tmp_path, {"gzip.zip": whole})).sha256
    for at in range(0, len(whole), 3):
        bad = bytearray(whole)
        bad[at] ^= 0x9E
        (tmp_path / "gzip.zip").write_bytes(bad)
        try:
            assert source.load(tmp_path).sha256 == right  # times and the like
        except MissingDataError as error:
            assert "gzip.zip" in str(error) or "emnist-balanced" in str(error)


def test_a_zip_that_lacks_a_member(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = emnist_members()
    del members["emnist-balanced-test-labels-idx1-ubyte.gz"]
    whole = zipped(members)
    source = emnist_source(whole)
    address, folder = server
    put(folder, {"gzip.zip": whole})
    with pytest.raises(MissingDataError, match="emnist-balanced-test-labels-idx1-ubyte"):
        source.load(folder)
    monkeypatch.setenv("TOPOLAB_EMNIST_URL", address)
    with pytest.raises(
        MissingDataError, match=r"emnist-balanced-test-labels-idx1-ubyte\.gz is not"
    ):
        source.load()
    assert cached(tmp_path) == []


def test_a_member_larger_than_it_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = zipped(emnist_members())
    monkeypatch.setattr(emnist, "MEMBER_LIMIT", 10)
    with pytest.raises(MissingDataError, match="larger than it can be"):
        emnist_source(whole).load(put(tmp_path, {"gzip.zip": whole}))


def test_only_the_four_members_are_kept(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = emnist_members()
    whole = zipped(members)
    address, folder = server
    put(folder, {"gzip.zip": whole})
    monkeypatch.setenv("TOPOLAB_EMNIST_URL", address + "/")
    source = emnist_source(whole)
    data = source.load()
    assert cached(tmp_path) == sorted(members)
    (folder / "gzip.zip").unlink()
    assert source.load().sha256 == data.sha256


@pytest.mark.parametrize("left", ["whole", "wrong"])
def test_a_download_cut_short_before_it_was_unpacked(
    left: str, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = emnist_members()
    whole = zipped(members)
    source = emnist_source(whole)
    cache = tmp_path / "cache" / "topolab" / "emnist-balanced"
    if left == "whole":
        put(cache, {"gzip.zip": whole})  # and no server answers
    else:
        put(cache, {"gzip.zip": zipped({})})
        address, folder = server
        put(folder, {"gzip.zip": whole})
        monkeypatch.setenv("TOPOLAB_EMNIST_URL", address)
    assert source.load().n_classes == 3
    assert cached(tmp_path) == sorted(members)
