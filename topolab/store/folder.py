"""The files of one run: where they are, who may write them, and what they say of the run."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock

from topolab.errors import FormatVersionError, RunError, RunExistsError, SnapshotError
from topolab.layers import LayerSpec, check_layers
from topolab.snapshot import Snapshot
from topolab.store.files import TEMPORARY, replace_file, sweep, write_new
from topolab.store.format import FORMAT_VERSION, MAX_HEADER, Header, decode, encode, read_header

__all__ = ["RunFolder", "StoredSnapshot"]

RUN_FORMAT = "topolab.run"
_FILE_NAME = re.compile(r"(\d{6,9})-s(\d{7,15})\.safetensors")


@dataclass(frozen=True, order=True)
class StoredSnapshot:
    """A snapshot file as its name describes it."""

    index: int
    step: int
    path: Path


def _json(value: Any, **options: Any) -> bytes:
    return (json.dumps(value, sort_keys=True, allow_nan=False, **options) + "\n").encode()


class RunFolder:
    """Reading and writing the files of a run; see ``docs/snapshot-format.md``.

    Parameters
    ----------
    path : Path
        The folder, whether it exists or not.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.manifest_file = self.path / "run.json"
        self.snapshots = self.path / "snapshots"
        self.resume_state = self.path / "resume" / "state.safetensors"
        self.tables = self.path / "tables"
        self.done_file = self.path / "DONE"
        self.failed_file = self.path / "FAILED.json"
        self.writer_file = self.path / "writer.json"
        self.lock_file = self.path / ".lock"

    # -- the manifest ------------------------------------------------------------------------

    def exists(self) -> bool:
        """Whether there is a run here."""
        return self.manifest_file.is_file()

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
                f"{self.path}: a run is already there; continue it with --resume "
                "(resume=True) or choose another name"
            )
        table = [layer.to_dict() for layer in layers]
        try:
            canonical = _json({"layers": table, **identity}, separators=(",", ":"))
            run_id = hashlib.sha256(canonical).hexdigest()
            manifest = {
                "format": RUN_FORMAT,
                "version": FORMAT_VERSION,
                "run_id": run_id,
                "layers": table,
                **identity,
                **about,
            }
            text = _json(manifest, indent=2)
        except (TypeError, ValueError) as error:
            raise RunError(
                f"{self.path}: config, seed and data must be JSON values ({error})"
            ) from error
        try:
            if self._holds_something_else():
                raise RunExistsError(
                    f"{self.path}: the folder is not empty and holds no run; choose another name"
                )
            self.snapshots.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(
                f"{self.path}: the folder cannot be made or written "
                f"({error.strerror or error}); choose another --out"
            ) from error
        write_new(self.manifest_file, text)
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
        """The content of ``run.json``.

        Raises
        ------
        RunError
            If there is no run here, or its manifest is damaged.
        FormatVersionError
            If a newer topolab wrote it.
        """
        try:
            text = self.manifest_file.read_bytes()
        except FileNotFoundError as error:
            raise RunError(
                f"{self.path}: no run is there (it has no run.json); give the folder of a run"
            ) from error
        except OSError as error:
            raise RunError(f"{self.manifest_file}: cannot be read ({error.strerror})") from error
        try:
            manifest = json.loads(text)
            if manifest["format"] != RUN_FORMAT:
                raise RunError(f"{self.manifest_file}: not a topolab run")
            version = int(manifest["version"])
            str(manifest["run_id"]), list(manifest["layers"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise RunError(f"{self.manifest_file}: damaged, it cannot be read ({error})") from error
        if version > FORMAT_VERSION:
            raise FormatVersionError(
                f"{self.manifest_file}: format version {version} is newer than this topolab "
                f"reads ({FORMAT_VERSION}); upgrade topolab"
            )
        return dict(manifest)

    def note(self, file: Path, content: dict[str, Any]) -> None:
        """Write one of the small JSON files (DONE, FAILED.json, writer.json), atomically."""
        replace_file(file, _json(content, indent=2))

    def read_note(self, file: Path) -> dict[str, Any] | None:
        """Read one of the small JSON files; None if it is absent or not readable."""
        try:
            content = json.loads(file.read_bytes())
        except (OSError, ValueError, RecursionError):
            return None
        return dict(content) if isinstance(content, dict) else None

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
            data = stored.path.read_bytes()
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
            with stored.path.open("rb") as file:
                start = file.read(8)
                length = int.from_bytes(start, "little")
                rest = file.read(length) if length <= MAX_HEADER else b""
        except OSError as error:
            raise SnapshotError(f"{source}: cannot be read ({error.strerror})") from error
        return read_header(start + rest, source=source)

    # -- one writer --------------------------------------------------------------------------

    def lock(self) -> filelock.BaseFileLock:
        """Become the run's only writer.

        The operating system holds the lock, so that of a dead process is gone with it.

        Raises
        ------
        RunError
            If another process is writing this run, or the folder cannot be written.
        """
        lock = filelock.FileLock(str(self.lock_file), timeout=0)
        try:
            lock.acquire()
        except filelock.Timeout as error:
            who = self.read_note(self.writer_file) or {}
            raise RunError(
                f"{self.path}: another process is writing this run "
                f"(process {who.get('pid', 'unknown')} on {who.get('host', 'unknown')}); "
                "wait for it or choose another name"
            ) from error
        except OSError as error:
            raise RunError(
                f"{self.path}: cannot be locked for writing ({error.strerror or error})"
            ) from error
        self.note(self.writer_file, {"pid": os.getpid(), "host": socket.gethostname()})
        sweep(self.snapshots)
        sweep(self.path)
        return lock

    def unlock(self, lock: filelock.BaseFileLock) -> None:
        """Let another writer in."""
        with contextlib.suppress(OSError):
            self.writer_file.unlink(missing_ok=True)
        lock.release(force=True)

    def has_live_writer(self) -> bool:
        """Whether the process that says it is writing this run is alive on this machine."""
        who = self.read_note(self.writer_file)
        if who is None or who.get("host") != socket.gethostname():
            return False
        try:
            os.kill(int(who["pid"]), 0)
        except (OSError, ValueError, KeyError, TypeError, OverflowError):
            return False
        return True
