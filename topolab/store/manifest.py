"""``run.json`` and the small notes beside it: JSON that says what it should say, or is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from topolab.errors import FormatVersionError, RunError, TopolabError
from topolab.layers import LayerSpec, check_layers

__all__ = [
    "FORMAT_VERSION",
    "MAX_JSON",
    "layers_of_manifest",
    "new_manifest",
    "new_note",
    "read_manifest",
    "read_note",
]

RUN_FORMAT = "topolab.run"
FORMAT_VERSION = 1
#: Bytes of a JSON text at the most: parsed, it can take some 25 times as many.
MAX_JSON = 32 * 2**20
_IDENTITY = ("layers", "config", "seed", "data")
#: What was written before there were checksums. Anything else without one is damage: the key
#: `sha256` itself may be what was hit.
_BEFORE = frozenset(
    (*_IDENTITY, "format", "version", "run_id", "created", "versions", "platform",
     "git_revision", "command")
)  # fmt: skip
_NOTES_BEFORE = frozenset(
    ("finished", "snapshots", "record_seconds", "summary", "when", "error", "message",
     "last_recorded_step", "pid", "host")
)  # fmt: skip


def _json(value: Any, **options: Any) -> bytes:
    return (json.dumps(value, sort_keys=True, allow_nan=False, **options) + "\n").encode()


def _digest(value: Any) -> str:
    return hashlib.sha256(_json(value, separators=(",", ":"))).hexdigest()


def _plain(value: Any) -> Any:
    """A value as it comes back from JSON: tuples are lists, keys are strings."""
    return json.loads(_json(value))


def new_manifest(
    layers: Sequence[LayerSpec], identity: dict[str, Any], about: dict[str, Any], *, source: str
) -> tuple[bytes, str]:
    """The text of a new ``run.json``, and the run's id.

    Raises
    ------
    RunError
        If something is no JSON value, or there is too much of it.
    """
    try:
        decides = _plain({"layers": [layer.to_dict() for layer in layers], **identity})
        run_id = _digest(decides)
        manifest = {
            "format": RUN_FORMAT, "version": FORMAT_VERSION, "run_id": run_id, **decides,
            **_plain(about),
        }  # fmt: skip
        text = _json({**manifest, "sha256": _digest(manifest)}, indent=2)
    except (TypeError, ValueError, RecursionError) as error:
        raise RunError(f"{source}: config, seed and data must be JSON values ({error})") from error
    if len(text) > MAX_JSON:
        raise RunError(
            f"{source}: config and data make a manifest of {len(text)} bytes, at most "
            f"{MAX_JSON} are possible; keep large tables in files of their own"
        )
    return text, run_id


def read_manifest(text: bytes, *, source: str) -> dict[str, Any]:
    """The content of ``run.json``, checked.

    Raises
    ------
    RunError
        If it is damaged, altered, or no manifest of a run.
    FormatVersionError
        If a newer topolab wrote it.
    """
    try:
        manifest = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RunError(f"{source}: damaged, it cannot be read ({error})") from error
    if not isinstance(manifest, dict) or manifest.get("format") != RUN_FORMAT:
        raise RunError(f"{source}: damaged, or not the manifest of a topolab run")
    version = manifest.get("version")
    if type(version) is not int or version < 1:
        raise RunError(f"{source}: damaged, format version {str(version)[:80]!r}")
    if version > FORMAT_VERSION:
        raise FormatVersionError(
            f"{source}: format version {str(version)[:80]} is newer than this topolab "
            f"reads ({FORMAT_VERSION}); upgrade topolab"
        )
    for key, kind in (("run_id", str), ("layers", list), ("config", dict), ("data", dict)):
        if not isinstance(manifest.get(key), kind):
            raise RunError(f"{source}: damaged, its {key} is not as a run's")
    if not _is_intact(manifest):
        raise RunError(
            f"{source}: altered, its content does not match its checksums; restore it from a copy"
        )
    return manifest


def _is_intact(manifest: dict[str, Any]) -> bool:
    written = manifest.get("sha256")
    rest = {key: value for key, value in manifest.items() if key != "sha256"}
    decides = {key: manifest.get(key) for key in _IDENTITY}
    try:
        if not set(rest) <= _BEFORE if written is None else _digest(rest) != written:
            return False
        return manifest["run_id"] in (_digest(decides), _digest(_numbered(decides)))
    except (ValueError, RecursionError):  # NaN, which a manifest cannot hold
        return False


def _numbered(value: Any) -> Any:
    """With keys that are whole numbers as such: so were they sorted before they became words."""
    if isinstance(value, list):
        return [_numbered(item) for item in value]
    if not isinstance(value, dict):
        return value
    number = bool(value) and all(key.removeprefix("-").isdecimal() for key in value)
    return {int(key) if number else key: _numbered(item) for key, item in value.items()}


def layers_of_manifest(manifest: dict[str, Any], *, source: str) -> tuple[LayerSpec, ...]:
    """The layer table.

    Raises
    ------
    RunError
        If a layer cannot be, or two have one name.
    """
    try:
        layers = tuple(LayerSpec.from_dict(item) for item in manifest["layers"])
        check_layers(layers)
    except TopolabError as error:
        raise RunError(f"{source}: its layer table cannot be used ({error})") from error
    return layers


def new_note(content: dict[str, Any]) -> bytes:
    """The text of DONE, FAILED.json or writer.json.

    Raises
    ------
    RunError
        If something in it is no JSON value.
    """
    try:
        plain = _plain(content)
        return _json({**plain, "sha256": _digest(plain)}, indent=2)
    except (TypeError, ValueError, RecursionError) as error:
        raise RunError(f"a summary must hold JSON values ({error})") from error


def read_note(text: bytes, *, source: str, needs: Mapping[str, type]) -> dict[str, Any]:
    """What `new_note` wrote, checked if it carries a checksum.

    Parameters
    ----------
    text : bytes
    source : str
        What to call the file in an error.
    needs : mapping of str to type
        What this note always says; another file in its place does not.

    Raises
    ------
    RunError
        If it is damaged, altered, or another file.
    """
    try:
        content = json.loads(text)
        if not isinstance(content, dict):
            raise ValueError("not a JSON object")
        written = content.pop("sha256", None)
        intact = set(content) <= _NOTES_BEFORE if written is None else _digest(content) == written
    except (ValueError, RecursionError) as error:
        raise RunError(f"{source}: damaged, it cannot be read ({error})") from error
    if not intact:
        raise RunError(f"{source}: altered, its content does not match its checksum")
    for key, kind in needs.items():
        if not isinstance(content.get(key), kind):
            raise RunError(f"{source}: damaged, or another file: it has no {key}")
    return content
