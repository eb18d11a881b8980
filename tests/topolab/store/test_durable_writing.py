"""Files are written durably or not at all, and never over another."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import topolab
from topolab.errors import RunError
from topolab.store.files import replace_all, replace_file, replace_with, write_new


def test_write_new_never_overwrites(tmp_path: Path) -> None:
    write_new(tmp_path / "f", b"one")
    with pytest.raises(RunError, match="will not be overwritten"):
        write_new(tmp_path / "f", b"two")
    assert (tmp_path / "f").read_bytes() == b"one"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


# -- the order of what is durable ----------------------------------------------------------------


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What is synced and named, in order: files by their inode and size, folders by their path.

    The functions of the operating system are watched, so it does not matter which of ours calls.
    """
    seen: list[tuple[Any, ...]] = []
    fsync, link, replace, rename = os.fsync, os.link, os.replace, os.rename

    def watched_fsync(handle: int) -> None:
        about = os.fstat(handle)
        if stat.S_ISDIR(about.st_mode):
            seen.append(("sync folder", about.st_ino))
        else:
            seen.append(("sync", about.st_ino, about.st_size))
        fsync(handle)

    def naming(real: Callable[..., None]) -> Callable[..., None]:
        def watched(source: Any, target: Any, **options: Any) -> None:
            inode = Path(source).stat().st_ino
            real(source, target, **options)
            seen.append(("name", inode, Path(target).name))

        return watched

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "link", naming(link))
    monkeypatch.setattr(os, "replace", naming(replace))
    monkeypatch.setattr(os, "rename", naming(rename))
    return seen


def durable(path: Path) -> list[tuple[Any, ...]]:
    """All of the data, then its name, then the folder: in another order a crash could lose it."""
    about = path.stat()
    return [
        ("sync", about.st_ino, about.st_size),
        ("name", about.st_ino, path.name),
        ("sync folder", path.parent.stat().st_ino),
    ]


def test_a_snapshot_is_synced_then_named_then_its_folder_is_synced(
    tmp_path: Path, calls: list[tuple[Any, ...]]
) -> None:
    layer = topolab.LayerSpec("a", "linear", (3, 4))
    with topolab.Recorder(tmp_path / "r", layers=[layer]) as recorder:
        manifest = tmp_path / "r" / "run.json"
        assert calls[:3] == durable(manifest)
        for step in range(2):
            calls.clear()
            recorder.record(step, {"a": np.eye(3, 4)})
            assert calls == durable(
                recorder.files.snapshots / f"00000{step}-s000000{step}.safetensors"
            )
        calls.clear()
    assert calls[-3:] == durable(tmp_path / "r" / "DONE")


def test_every_way_of_writing_is_durable(tmp_path: Path, calls: list[tuple[Any, ...]]) -> None:
    write_new(tmp_path / "new", b"12345")
    assert calls == durable(tmp_path / "new")
    calls.clear()
    replace_with(tmp_path / "new", lambda temporary: temporary.write_bytes(b"1234567") and None)
    assert calls == durable(tmp_path / "new")
    calls.clear()
    replace_file(tmp_path / "new", b"123")
    assert calls[0] == calls[1] == durable(tmp_path / "new")[0]
    assert calls[1:] == durable(tmp_path / "new")


def test_several_are_all_synced_before_one_is_named(
    tmp_path: Path, calls: list[tuple[Any, ...]]
) -> None:
    paths = [tmp_path / "a" / "one", tmp_path / "b" / "two"]
    replace_all(paths, lambda made: [path.write_bytes(b"12") for path in made] and None)
    one, two = durable(paths[0]), durable(paths[1])
    assert calls == [one[0], two[0], one[1], two[1], one[2], two[2]]


def test_without_hard_links_the_order_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: list[tuple[Any, ...]]
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    write_new(tmp_path / "new", b"12345")
    assert calls == durable(tmp_path / "new")
    with pytest.raises(RunError, match="will not be overwritten"):
        write_new(tmp_path / "new", b"other")
    assert (tmp_path / "new").read_bytes() == b"12345"


def test_a_name_that_may_not_last_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def refuse_folders(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EIO, "Input/output error")
        real(handle)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    with pytest.raises(RunError, match="Input/output error"):
        write_new(tmp_path / "new", b"12345")
    assert list(tmp_path.iterdir()) == []
