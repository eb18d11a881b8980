"""Ways to damage a file, and to forge one."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["KINDS", "Mutation", "mutate", "reseal_manifest", "reseal_snapshot"]

#: (folder, file, rng) -> whether it could be applied to this file.
Mutation = Callable[[Path, Path, random.Random], bool]

HOSTILE: list[Any] = [
    0, -1, 1, 2, 7, 2**31, 2**32 - 1, 2**53, 2**62, 2**63, 2**64, 10**30, -(2**63), 1.5, -0.0,
    1e308, float("inf"), float("nan"), None, True, False, "", "x", "0", "-1", "nan", "1e999",
    "../x", "../../x", "/etc/passwd", "..", ".", "a/b", "a\\b", "C:\\x", "con", "\x00", "\x1b[2J",
    "\ud800", "é", "a" * 300, "x" * 100_000, "input", "fc1", "conv1", "linear", "conv", "F64", "U8",
    "__metadata__", "__class__", "{0.__class__}", "%s%n", "$(touch PWNED)", "`touch PWNED`",
    [], {}, [[]], [0], [1, 2, 3], [-1, -1], [2**40, 2**40], [0, 2**62], [3, 3, 3, 3], [None],
    {"a": 1}, {"name": "../x"}, [["fc1", [2**40, 2**40]]],
]  # fmt: skip


def _write(file: Path, data: bytes) -> bool:
    file.write_bytes(data)
    return True


# -- accidents -----------------------------------------------------------------------------------


def bit_flip(folder: Path, file: Path, rng: random.Random) -> bool:
    """One to eight bits."""
    data = bytearray(file.read_bytes())
    for _ in range(rng.choice([1, 1, 1, 2, 4, 8])):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return _write(file, bytes(data))


def header_flip(folder: Path, file: Path, rng: random.Random) -> bool:
    """One bit of the first 1,000 bytes, where the descriptions are."""
    data = bytearray(file.read_bytes())
    data[rng.randrange(min(1000, len(data)))] ^= 1 << rng.randrange(8)
    return _write(file, bytes(data))


def overwrite(folder: Path, file: Path, rng: random.Random) -> bool:
    """Some bytes by random ones, zeros, or other bytes of the file."""
    data = bytearray(file.read_bytes())
    size = min(len(data), rng.choice([1, 2, 4, 8, 64, 512]))
    at = rng.randrange(len(data) - size + 1)
    other = rng.randrange(len(data) - size + 1)
    data[at : at + size] = rng.choice(
        [rng.randbytes(size), bytes(size), b"\xff" * size, bytes(data[other : other + size])]
    )
    return _write(file, bytes(data))


def truncate(folder: Path, file: Path, rng: random.Random) -> bool:
    """The end is missing, or the beginning."""
    data = file.read_bytes()
    at = rng.choice([0, 1, 7, 8, 9, len(data) - 1, rng.randrange(len(data))])
    return _write(file, rng.choice([data[:at], data[:at], data[at:]]))


def insert(folder: Path, file: Path, rng: random.Random) -> bool:
    """Bytes too many: anywhere, at the end, a hole of gigabytes, the file twice."""
    data = file.read_bytes()
    at = rng.choice([0, len(data), rng.randrange(len(data))])
    if rng.random() < 0.1:
        with file.open("r+b") as opened:
            opened.truncate(len(data) + 3 * 2**30)
        return True
    more = rng.choice([rng.randbytes(rng.choice([1, 8, 100])), b"\0" * 8, b" ", data])
    return _write(file, data[:at] + more + data[at:])


def remove_span(folder: Path, file: Path, rng: random.Random) -> bool:
    """Bytes too few, in the middle."""
    data = file.read_bytes()
    at = rng.randrange(len(data))
    return _write(file, data[:at] + data[at + rng.choice([1, 2, 8, 64]) :])


def swap_files(folder: Path, file: Path, rng: random.Random) -> bool:
    """Two files change places, one is a copy of the other, or one is gone."""
    others = [p for p in sorted(file.parent.iterdir()) if p != file and p.is_file()]
    if not others:
        return False
    other = rng.choice(others)
    mine, theirs = file.read_bytes(), other.read_bytes()
    way = rng.randrange(4)
    if way == 0:
        other.write_bytes(mine)
    if way < 3:
        return _write(file, theirs)
    if file.suffix != ".safetensors" or not file.name[0].isdigit():
        return False  # a file that is optional may be missing
    file.unlink()
    return True


def rename(folder: Path, file: Path, rng: random.Random) -> bool:
    """Another name: another number, an odd one; or a second file of an odd name."""
    if not file.name[0].isdigit():
        return False
    step = rng.choice(["0000011", "9999999", "00000010", "-000001", "0000000", "٠٠٠٠٠١٠"])
    index = rng.choice(["000001", "0000001", "999999999", "000099", "-00001"])
    name = rng.choice(
        [f"{index}-s{step}.safetensors", "x.safetensors", f"{file.name} ", f"{file.name}\n",
         "..safetensors", "$(touch PWNED).safetensors", "\x1b[2J.safetensors"]
    )  # fmt: skip
    target = file.with_name(name)
    data = file.read_bytes()
    if rng.random() < 0.5:
        file.unlink()
    return _write(target, data)


def no_plain_file(folder: Path, file: Path, rng: random.Random) -> bool:
    """A pipe, a device without end, a folder, a link that leads away or in a circle."""
    way = rng.randrange(6)
    file.unlink()
    if way == 0:
        os.mkfifo(file)
    elif way == 1:
        file.mkdir()
    else:
        links = ["/dev/zero", "/dev/stdin", file.name, str(folder.parent / "sentinel")]
        file.symlink_to(links[way - 2])
    return True


def link_out(folder: Path, file: Path, rng: random.Random) -> bool:
    """A part of the folder is a link to a place outside it."""
    target = folder.parent / "sentinel-folder"
    name = rng.choice(["resume", ".lock", "tables", "writer.json", "FAILED.json", "snapshots"])
    place = folder / name
    if place.is_dir() and not place.is_symlink():
        for inside in place.iterdir():
            inside.unlink()
        place.rmdir()
    place.unlink(missing_ok=True)
    place.symlink_to(target if "." not in name else target / "mine.txt")
    return True


# -- forgeries -----------------------------------------------------------------------------------


class _Payload:
    def __reduce__(self) -> Any:
        return (os.system, ("touch PWNED",))


def _npy(shape: str, dtype: str = "<f8", data: bytes = b"") -> bytes:
    text = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * (-(10 + len(text) + 1) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + data


def _zip(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def foreign(folder: Path, file: Path, rng: random.Random) -> bool:
    """A file of another sort in its place; some would run code, or fill the memory, if read."""
    pickled = pickle.dumps(_Payload(), protocol=rng.choice([0, 2, 4]))
    return _write(
        file,
        rng.choice(
            [
                b"", b"\0" * 100, pickled, b"\x80\x04" + pickled, b"[" * 200_000, b"{" * 200_000,
                b'{"a":' * 50_000, (100_000).to_bytes(8, "little") + b"[" * 100_000,
                b"9" * 100_000, b"GIF89a" + rng.randbytes(100), rng.randbytes(1000),
                _npy("(10,)", "|O", pickled), _npy("(2**62,)"), _npy("(4611686018427387904,)"),
                _npy("(-1,)"), _npy("(" * 500), _npy("(__import__('os').system('touch PWNED'),)"),
                _zip({"../../PWNED": b"x", "/PWNED": b"x"}),
                _zip({"a/data.pkl": pickled, "a/version": b"3\n", "a/byteorder": b"little"}),
                _zip({"a.npy": _npy("(10,)", "|O", pickled)}),
                _zip({"a.npy": _npy("(20000000,)", "<f8", bytes(160_000_000))})
                if rng.random() < 0.02 else b"PK\x03\x04",
            ]
        ),
    )  # fmt: skip


def zip_entry(folder: Path, file: Path, rng: random.Random) -> bool:
    """Of a zip file: an entry is renamed, emptied, replaced or claims another size."""
    data = file.read_bytes()
    if not data.startswith(b"PK"):
        return False
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    chosen = rng.choice(sorted(entries))
    old = entries.pop(chosen)
    way = rng.randrange(5)
    if way == 0:
        name = rng.choice(["../../PWNED", "/tmp/PWNED", "a\\..\\PWNED", "PWNED.npy", ""])
        entries[name or "x"] = old
    elif way == 1:
        entries[chosen] = rng.choice([b"", old[: len(old) // 2], old * 2])
    elif way == 2:
        entries[chosen] = rng.choice(
            [_npy("(4611686018427387904,)"), _npy("(10,)", "|O", pickle.dumps(_Payload())),
             pickle.dumps(_Payload())]
        )  # fmt: skip
    elif way == 3:
        other = rng.choice(sorted(entries)) if entries else chosen
        entries[chosen] = entries.get(other, old)
    return _write(file, _zip(entries))


def edit_header(folder: Path, file: Path, rng: random.Random) -> bool:
    """One value or key of the JSON in the file becomes a hostile one; checksums are as before."""
    return _edit(file, rng)


def _edit(file: Path, rng: random.Random, *, shapes: bool = False) -> bool:
    data = file.read_bytes()
    length = int.from_bytes(data[:8], "little")
    try:
        if data[:1] == b"{":
            head, text, tail = b"", data, b""
        else:
            head, text, tail = data[:8], data[8 : 8 + length], data[8 + length :]
        value = json.loads(text)
    except (ValueError, UnicodeDecodeError):
        return False
    value = _change(value, rng, shapes=shapes)
    text = json.dumps(value, separators=(",", ":")).encode("utf-8", "surrogatepass")
    if head:
        text += b" " * (-len(text) % 8)
        head = len(text).to_bytes(8, "little")
    return _write(file, head + text + tail)


def _change(value: Any, rng: random.Random, *, shapes: bool) -> Any:
    """A copy with one place changed, also inside JSON that is a text of its own."""
    places: list[tuple[Any, ...]] = []

    def walk(item: Any, path: tuple[Any, ...]) -> None:
        places.append(path)
        if isinstance(item, dict):
            for key, inner in item.items():
                walk(inner, (*path, key))
        elif isinstance(item, list):
            for i, inner in enumerate(item):
                walk(inner, (*path, i))
        elif isinstance(item, str) and item[:1] in "[{" and item[:1]:
            walk(json.loads(item), (*path, json))

    walk(value, ())
    wanted = ("shape", "data_offsets", "layers", "image_shape", "groups")
    if shapes:
        places = [p for p in places if any(w in p for w in wanted)] or places
    path = rng.choice(places)
    new = rng.choice(
        [[2**40, 2**40], [2**62], [0, 2**62], 2**62, 2**31, -(2**62), [10**9, 10**9, 3, 3]]
        if shapes else HOSTILE
    )  # fmt: skip

    def rebuilt(item: Any, path: tuple[Any, ...]) -> Any:
        if not path:
            return new
        step, rest = path[0], path[1:]
        if step is json:
            return json.dumps(rebuilt(json.loads(item), rest), separators=(",", ":"))
        if isinstance(item, dict):
            if not rest and not shapes and rng.random() < 0.3:  # the key instead of the value
                other = new if isinstance(new, str) else "x"
                return {(other if k == step else k): v for k, v in item.items()}
            return {k: rebuilt(v, rest) if k == step else v for k, v in item.items()}
        return [rebuilt(v, rest) if i == step else v for i, v in enumerate(item)]

    return rebuilt(value, path)


#: Forgeries whose checksums are made good: what they say is then what their author wants to say,
#: so it is not compared with what was there before.
def forge_value(folder: Path, file: Path, rng: random.Random) -> bool:
    """As `edit_header`, with good checksums."""
    return _edit(file, rng)


def forge_shape(folder: Path, file: Path, rng: random.Random) -> bool:
    """Shapes and offsets of any size, with good checksums."""
    return _edit(file, rng, shapes=True)


def forge_name(folder: Path, file: Path, rng: random.Random) -> bool:
    """A layer with a hostile name, wherever it is named, with good checksums."""
    old = rng.choice([b"conv1", b"fc1", b"fc2"])
    name = rng.choice(
        ["../x", "../../x", "/etc/x", "..", "a/b", "a\\\\b", ".x", "", "con", "\\u0000",
         "\\u001b[2J", "input", "fc1:in", "x" * 300, "a..b", " ", "é", "$(touch PWNED)",
         "fc1", "fc1.mask"]
    ).encode()  # fmt: skip
    data = file.read_bytes()
    if old not in data:
        return False
    if data[:1] == b"{":
        return _write(file, data.replace(b'"' + old + b'"', b'"' + name + b'"'))
    length = int.from_bytes(data[:8], "little")
    text = data[8 : 8 + length].replace(old, name)
    return _write(file, len(text).to_bytes(8, "little") + text + data[8 + length :])


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":")) + "\n"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def reseal_manifest(file: Path) -> tuple[str, Any]:
    """Make the checksums of an edited ``run.json`` good; its run id and layer table."""
    manifest = json.loads(file.read_bytes())
    if not isinstance(manifest, dict):
        return "", []
    manifest.pop("sha256", None)
    decides = {key: manifest.get(key) for key in ("layers", "config", "seed", "data")}
    if isinstance(manifest.get("run_id"), str):
        manifest["run_id"] = _digest(decides)
    manifest["sha256"] = _digest(manifest)
    file.write_text(json.dumps(manifest), encoding="utf-8")
    return str(manifest.get("run_id")), manifest.get("layers")


def reseal_snapshot(file: Path, *, run_id: str | None = None, layers: Any = None) -> None:
    """Make the checksum of an edited snapshot good, of another run and layers if these changed."""
    data = file.read_bytes()
    length = int.from_bytes(data[:8], "little")
    text, payload = data[8 : 8 + length], data[8 + length :]
    header = json.loads(text)
    metadata = header.get("__metadata__") if isinstance(header, dict) else None
    if isinstance(metadata, dict):
        if run_id is not None:
            metadata["run"] = run_id
            if isinstance(layers, list) and all(isinstance(k, dict) for k in layers):
                table = [[k.get("name"), k.get("shape")] for k in layers]
                metadata["layers"] = json.dumps(table)
        if isinstance(metadata.get("sha256"), str):
            metadata["sha256"] = "0" * 64
    text = json.dumps(header, separators=(",", ":")).encode("utf-8", "surrogatepass")
    text += b" " * (-len(text) % 8)
    blank = len(text).to_bytes(8, "little") + text + payload
    digest = hashlib.sha256(blank).hexdigest().encode()
    file.write_bytes(blank.replace(b'"sha256":"' + b"0" * 64, b'"sha256":"' + digest, 1))


ACCIDENTS: dict[str, Mutation] = {
    "bit flip": bit_flip,
    "bit flip in the header": header_flip,
    "overwritten bytes": overwrite,
    "truncated": truncate,
    "bytes too many": insert,
    "bytes too few": remove_span,
    "files swapped": swap_files,
    "renamed": rename,
    "no plain file": no_plain_file,
    "folder is a link": link_out,
    "foreign file": foreign,
    "zip entry": zip_entry,
    "header edited": edit_header,
}
FORGERIES: dict[str, Mutation] = {
    "forged value": forge_value,
    "forged shape": forge_shape,
    "forged name": forge_name,
}
KINDS = (*ACCIDENTS, *FORGERIES)


def mutate(
    folder: Path,
    files: list[Path],
    rng: random.Random,
    reseal: Callable[[Path, Path], None] | None,
) -> tuple[str, bool]:
    """Damage one file in a way that fits it; the kind, and whether its checksums are good."""
    kinds = KINDS if reseal is not None else tuple(ACCIDENTS)
    while True:
        kind, file = rng.choice(kinds), rng.choice(files)
        sealed = kind in FORGERIES
        if not (FORGERIES if sealed else ACCIDENTS)[kind](folder, file, rng):
            continue
        if sealed:
            assert reseal is not None
            reseal(folder, file)
        return kind, sealed
