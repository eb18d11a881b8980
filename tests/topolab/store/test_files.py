"""Single files: read with a limit, written whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from topolab.errors import RunError
from topolab.store import files


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"abcdef")
    assert files.read_file(path, limit=6) == b"abcdef"
    with pytest.raises(OSError, match="6 bytes, where at most 5 are possible") as error:
        files.read_file(path, limit=5)
    assert error.value.errno == errno.EFBIG and error.value.filename == str(path)
    for only, expected in ((0, b""), (2, b"ab"), (6, b"abcdef"), (9, b"abcdef")):
        assert files.read_file(path, limit=6, only=only) == expected


def test_what_is_no_plain_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path, tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(OSError, match="not a plain file") as error:
            files.read_file(place, limit=2**40)
        assert error.value.errno == errno.EINVAL
    with pytest.raises(FileNotFoundError):
        files.read_file(tmp_path / "none", limit=1)


def test_reading_leaves_no_file_open(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        files.read_file(tmp_path / "f", limit=3)
        with pytest.raises(OSError, match="possible"):
            files.read_file(tmp_path / "f", limit=2)
        files.sync_folder(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before


def test_links_are_refused_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    (tmp_path / "nowhere").symlink_to(tmp_path / "none")
    for path in (tmp_path / "folder", tmp_path / "none"):
        files.refuse_link(path)
    for path in (tmp_path / "link", tmp_path / "nowhere"):
        with pytest.raises(RunError, match="symbolic link"):
            files.refuse_link(path)


@pytest.mark.parametrize("links", [True, False])
def test_a_new_file_overwrites_none(
    links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also on a file system without hard links, where it is renamed to its name."""

    def refuse(*_: Any) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    if not links:
        monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "f"
    files.write_new(path, b"first")
    assert path.read_bytes() == b"first"
    with pytest.raises(RunError, match="already there and will not be overwritten") as error:
        files.write_new(path, b"second")
    assert isinstance(error.value.__cause__, FileExistsError)
    assert path.read_bytes() == b"first" and names(tmp_path) == ["f"]


def test_a_file_whose_name_may_not_last_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> None:
        raise OSError(errno.EIO, "the disk refuses")

    monkeypatch.setattr(files, "sync_folder", refuse)
    with pytest.raises(RunError, match=r"could not be written \(the disk refuses\)"):
        files.write_new(tmp_path / "f", b"data")
    assert names(tmp_path) == []


def test_several_files_are_replaced_together(tmp_path: Path) -> None:
    """Folders are made; where the writing fails, every file is as it was."""
    paths = [tmp_path / "a" / "b" / "one", tmp_path / "two"]
    paths[1].write_bytes(b"old")

    def write(temporaries: Any) -> None:
        for number, temporary in enumerate(temporaries):
            assert temporary.parent == paths[number].parent
            temporary.write_bytes(b"%d" % number)

    files.replace_all(paths, write)
    assert [path.read_bytes() for path in paths] == [b"0", b"1"]

    def fail(temporaries: Any) -> None:
        temporaries[0].write_bytes(b"half")
        raise OSError(errno.ENOSPC, "no space left")

    with pytest.raises(RunError, match=r"one: could not be written \(no space left\)"):
        files.replace_all(paths, fail)
    assert [path.read_bytes() for path in paths] == [b"0", b"1"]
    assert names(tmp_path) == ["a", "two"] and names(tmp_path / "a" / "b") == ["one"]


def test_a_file_is_replaced_or_made(tmp_path: Path) -> None:
    for data in (b"one", bytearray(b"two"), memoryview(b"three")):
        files.replace_file(tmp_path / "f", data)
        assert (tmp_path / "f").read_bytes() == bytes(data)
    files.replace_with(tmp_path / "g", lambda temporary: temporary.write_text("text"))  # type: ignore[arg-type, return-value]
    assert (tmp_path / "g").read_text() == "text" and names(tmp_path) == ["f", "g"]


def test_only_leftovers_are_swept(tmp_path: Path) -> None:
    for name in (".writing-1-ab", ".writing-", "x.writing-1", ".lock", "run.json"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / ".writing-folder").mkdir()
    swept = files.sweep(tmp_path)
    assert [path.name for path in swept] == [".writing-", ".writing-1-ab"]
    assert names(tmp_path) == [".lock", ".writing-folder", "run.json", "x.writing-1"]


def test_temporary_names_are_those_that_are_swept(tmp_path: Path) -> None:
    seen: list[str] = []
    files.replace_with(tmp_path / "f", lambda temporary: (seen.append(temporary.name),
                       temporary.write_bytes(b""))[0])  # fmt: skip
    assert seen[0].startswith(f"{files.TEMPORARY}{os.getpid()}-")


def test_an_error_without_words_is_told_too(tmp_path: Path) -> None:
    def fail(_: Path) -> None:
        raise OSError("the cable was pulled")

    with pytest.raises(RunError, match=r"f: could not be written \(the cable was pulled\)"):
        files.replace_with(tmp_path / "f", fail)
