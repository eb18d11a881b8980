"""The files of one run: where they are, who may write them, and what they say of the run."""

from __future__ import annotations

import contextlib
import os
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock

from topolab.errors import RunError, RunExistsError, SnapshotError
from topolab.layers import LayerSpec, check_layers
from topolab.snapshot import Snapshot
from topolab.store.files import (
    TEMPORARY,
    read_file,
    refuse_link,
    replace_file,
    sweep,
    sync_folder,
    write_new,
)
from topolab.store.format import MAX_HEADER, Header, decode, encode, most_bytes, read_header
from topolab.store.layout import RunFiles
from topolab.store.manifest import (
    MAX_JSON,
    layers_of_manifest,
    new_manifest,
    new_note,
    read_manifest,
    read_note,
)
from topolab.store.processes import is_running, this_process

__all__ = ["RunFolder", "StoredSnapshot", "is_snapshot_name"]

# No leading zeros beyond the fixed width, so that no snapshot has two names.
ANY_SIZE = 2**62
_NEEDS: dict[str, dict[str, type]] = {
    "DONE": {"snapshots": int, "summary": dict},
    "FAILED.json": {"error": str, "message": str},
    "writer.json": {"pid": int},
}
_FILE_NAME = re.compile(r"([0-9]{6}|[1-9][0-9]{6,8})-s([0-9]{7}|[1-9][0-9]{7,14})\.safetensors")


@dataclass(frozen=True, order=True)
class StoredSnapshot:
    """A snapshot file as its name describes it."""

    index: int
    step: int
    path: Path


def is_snapshot_name(name: str) -> bool:
    """Whether a file of this name is a snapshot."""
    return _FILE_NAME.fullmatch(name) is not None


class RunFolder(RunFiles):
    """Reading and writing the files of a run; see ``docs/snapshot-format.md``.

    Parameters
    ----------
    path : Path
        The folder, whether it exists or not.
    """

    # -- the manifest ------------------------------------------------------------------------

    def create(self, layers: Sequence[LayerSpec], identity: dict[str, Any], about: Any) -> str:
        """Make the folder and write ``run.json``; return the run's id.

        Parameters
        ----------
        layers : sequence of LayerSpec
        identity : dict
            What decides the content of the snapshots: ``config``, ``seed``, ``data``. The id is
            the SHA-256 of it and the layer table, so a repeated run has the same id.
        about : dict
            What does not: time, versions, the command.

        Raises
        ------
        RunExistsError
            If a run, or anything else, is there.
        RunError
            If it cannot be written.
        """
        check_layers(layers)
        if self.exists():
            raise RunExistsError(
                f"{self.path}: a run is already there; continue it (resume) or choose another name"
            )
        text, run_id = new_manifest(layers, identity, about, source=str(self.path))
        try:
            if self._holds_something_else():
                raise RunExistsError(
                    f"{self.path}: the folder is not empty and holds no run; choose another name"
                )
            self.snapshots.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(
                f"{self.path}: the folder cannot be made or written "
                f"({error.strerror or error}); choose another place (out)"
            ) from error
        refuse_link(self.snapshots)
        try:
            write_new(self.manifest_file, text)
        except RunError as error:
            if not isinstance(error.__cause__, FileExistsError):
                raise
            raise RunExistsError(
                f"{self.path}: another process began a run here at the same moment; choose "
                "another name"
            ) from None
        return run_id

    def _holds_something_else(self) -> bool:
        """Whether the folder has anything that a creation cut short would not leave behind."""
        if not self.path.is_dir():
            return False
        if any(self.snapshots.glob("*.safetensors")):
            return True
        ours = {self.lock_file.name, self.snapshots.name, self.writer_file.name}
        return any(p.name not in ours and not p.name.startswith(TEMPORARY)
                   for p in self.path.iterdir())  # fmt: skip

    def manifest(self) -> dict[str, Any]:
        """The content of ``run.json``, checked against its checksums.

        Raises
        ------
        RunError
            If there is no run here, or its manifest is damaged.
        FormatVersionError
            If a newer topolab wrote it.
        """
        try:
            text = read_file(self.manifest_file, limit=MAX_JSON)
        except FileNotFoundError as error:
            raise RunError(
                f"{self.path}: no run is there (it has no run.json); give the folder of a run"
            ) from error
        except OSError as error:
            raise RunError(f"{self.manifest_file}: cannot be read ({error.strerror})") from error
        return read_manifest(text, source=str(self.manifest_file))

    def layers(self, manifest: dict[str, Any]) -> tuple[LayerSpec, ...]:
        """The layer table of a manifest.

        Raises
        ------
        RunError
            If it cannot be.
        """
        return layers_of_manifest(manifest, source=str(self.manifest_file))

    def note(self, file: Path, content: dict[str, Any]) -> None:
        """Write one of the small JSON files (DONE, FAILED.json, writer.json), atomically."""
        replace_file(file, new_note(content))

    def read_note(self, file: Path) -> dict[str, Any] | None:
        """Read one of the small JSON files; None if it is absent.

        Raises
        ------
        RunError
            If it is damaged or cannot be read.
        """
        try:
            text = read_file(file, limit=MAX_JSON)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise RunError(f"{file}: cannot be read ({error.strerror})") from error
        return read_note(text, source=str(file), needs=_NEEDS.get(file.name, {}))

    # -- snapshots ---------------------------------------------------------------------------

    def listing(self) -> list[StoredSnapshot]:
        """The snapshot files in order, as their names describe them; nothing is opened."""
        try:
            names = os.listdir(self.snapshots)
        except OSError:
            return []
        found = []
        for name in names:
            match = _FILE_NAME.fullmatch(name)
            if match:
                path = self.snapshots / name
                found.append(StoredSnapshot(int(match[1]), int(match[2]), path))
        return sorted(found)

    def name_of(self, index: int, step: int) -> Path:
        """Where the snapshot of this index and step is, or would be."""
        return self.snapshots / f"{index:06d}-s{step:07d}.safetensors"

    def append(self, snapshot: Snapshot, run_id: str) -> Path:
        """Write a snapshot durably. When this returns, it is on disk."""
        path = self.name_of(snapshot.index, snapshot.step)
        write_new(path, encode(snapshot, run_id=run_id))
        return path

    def read(self, stored: StoredSnapshot, layers: Sequence[LayerSpec], run_id: str) -> Snapshot:
        """Read one snapshot and check every byte.

        Raises
        ------
        SnapshotError
            If it is damaged, foreign, or not what its name says.
        FormatVersionError
            If a newer topolab wrote it.
        """
        source = str(stored.path)
        try:
            data = read_file(stored.path, limit=most_bytes(layers))
        except OSError as error:
            raise SnapshotError(f"{source}: cannot be read ({error.strerror})") from error
        snapshot = decode(data, layers, source=source, run_id=run_id)
        if (snapshot.index, snapshot.step) != (stored.index, stored.step):
            raise SnapshotError(
                f"{source}: renamed or swapped, it holds snapshot {snapshot.index} "
                f"of step {snapshot.step}"
            )
        return snapshot

    def header(self, stored: StoredSnapshot) -> Header:
        """Only the header of a snapshot file, without its payload being read or checked."""
        source = str(stored.path)
        try:
            start = read_file(stored.path, limit=ANY_SIZE, only=8)
            length = int.from_bytes(start, "little")
            if length <= MAX_HEADER:
                start = read_file(stored.path, limit=ANY_SIZE, only=8 + length)
        except OSError as error:
            raise SnapshotError(f"{source}: cannot be read ({error.strerror})") from error
        return read_header(start, source=source)

    def settle(self) -> None:
        """Make durable what a writer that was cut short may have named, but not synced.

        Raises
        ------
        RunError
            If the disk refuses.
        """
        try:
            sync_folder(self.snapshots)
        except OSError as error:
            raise RunError(f"{self.snapshots}: cannot be synced ({error.strerror})") from error

    # -- one writer --------------------------------------------------------------------------

    def lock(self) -> filelock.BaseFileLock:
        """Become the run's only writer.

        The operating system holds the lock, so that of a dead process is gone with it.

        Raises
        ------
        RunError
            If another process is writing this run, or the folder cannot be written.
        """
        for place in (self.lock_file, self.snapshots, self.resume_state.parent):
            refuse_link(place)
        lock = filelock.FileLock(str(self.lock_file), timeout=0)
        try:
            lock.acquire()
        except filelock.Timeout as error:
            raise RunError(f"{self.path}: {self._who_writes()}") from error
        except OSError as error:
            raise RunError(
                f"{self.path}: cannot be locked for writing ({error.strerror or error})"
            ) from error
        try:
            self.note(self.writer_file, this_process())
            sweep(self.snapshots)
            sweep(self.path)
            self.settle()
        except BaseException:
            self.unlock(lock)
            raise
        return lock

    def _who_writes(self) -> str:
        who = self._writer()
        name = f"process {who.get('pid', 'unknown')} on {who.get('host', 'unknown')}"
        if who.get("host") == socket.gethostname() and not is_running(who):
            return (
                f"its writer ({name}) has ended, but a process that it started still holds "
                f"{self.lock_file.name}; end that one"
            )
        return f"another process is writing this run ({name}); wait for it or choose another name"

    def unlock(self, lock: filelock.BaseFileLock) -> None:
        """Let another writer in."""
        with contextlib.suppress(OSError):
            self.writer_file.unlink(missing_ok=True)
        lock.release(force=True)

    def _writer(self) -> dict[str, Any]:
        """What writer.json says; it only informs, so a damaged one says nothing."""
        try:
            return self.read_note(self.writer_file) or {}
        except RunError:
            return {}

    def is_abandoned(self) -> bool:
        """Whether a process of this machine wrote it, did not finish, and is gone."""
        who = self._writer()
        return who.get("host") == socket.gethostname() and not is_running(who)

    def has_live_writer(self) -> bool:
        """Whether the process that says it is writing this run is alive on this machine."""
        who = self._writer()
        return who.get("host") == socket.gethostname() and is_running(who)
