"""The snapshot file: its bytes by the specification, and every way in which it can be wrong."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import topolab
from topolab import LayerSpec, Snapshot
from topolab.errors import FormatVersionError, SnapshotError, TopolabError
from topolab.snapshot import pack_mask, unpack_mask
from topolab.store import decode, encode

LAYERS = (LayerSpec("a", "linear", (2, 3)), LayerSpec("b", "linear", (1, 2), maskable=False))
MASKS = {"a": np.array([[1, 0, 1], [0, 0, 1]], bool), "b": np.ones((1, 2), bool)}
RUN = "f" * 64


def snapshot(**changes: object) -> Snapshot:
    values = {
        "index": 3,
        "step": 400,
        "epoch": 1.5,
        "layers": LAYERS,
        "packed": {name: pack_mask(mask) for name, mask in MASKS.items()},
        "metrics": {"test_accuracy": 0.5},
        "stored_weights": {"a": np.array([1, -2, 3], np.float32)},
        **changes,
    }
    return Snapshot(**values)  # type: ignore[arg-type]


def seal(header: dict[str, object], payload: bytes) -> bytes:
    """A file made by the specification alone: header, payload, checksum."""
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    blank = len(text).to_bytes(8, "little") + text + payload
    digest = hashlib.sha256(blank).hexdigest().encode()
    return blank.replace(b"0" * 64, digest, 1)


def by_hand() -> tuple[dict[str, object], bytes]:
    payload = np.array([1, -2, 3], "<f4").tobytes() + bytes([0b100101]) + bytes([0b11])
    header: dict[str, object] = {
        "__metadata__": {
            "format": "topolab.snapshot",
            "version": "1",
            "run": RUN,
            "index": "3",
            "step": "400",
            "epoch": "1.5",
            "layers": '[["a",[2,3]],["b",[1,2]]]',
            "metrics": '{"test_accuracy":0.5}',
            "sha256": "0" * 64,
        },
        "a.weight": {"dtype": "F32", "shape": [3], "data_offsets": [0, 12]},
        "a.mask": {"dtype": "U8", "shape": [1], "data_offsets": [12, 13]},
        "b.mask": {"dtype": "U8", "shape": [1], "data_offsets": [13, 14]},
    }
    return header, payload


def test_the_bytes_are_those_of_the_specification() -> None:
    assert encode(snapshot(), run_id=RUN) == seal(*by_hand())


def test_the_safetensors_library_agrees(tmp_path: Path) -> None:
    path = tmp_path / "s.safetensors"
    path.write_bytes(encode(snapshot(), run_id=RUN))
    tensors = safetensors.numpy.load_file(path)
    assert tensors["a.weight"].tolist() == [1, -2, 3]
    assert unpack_mask(tensors["a.mask"], (2, 3)).tolist() == MASKS["a"].tolist()
    with safetensors.safe_open(path, "np") as file:
        assert file.metadata()["step"] == "400"


def test_what_is_written_is_read() -> None:
    data = encode(snapshot(epoch=math.nan, metrics={"x": math.inf, "y": math.nan}), run_id=RUN)
    read = decode(data, LAYERS, source="here", run_id=RUN)
    assert (read.index, read.step) == (3, 400)
    assert (
        math.isnan(read.epoch) and read.metrics["x"] == math.inf and math.isnan(read.metrics["y"])
    )
    assert read.masks["a"].tolist() == MASKS["a"].tolist()
    assert read.weights["a"].tolist() == [1, -2, 3]  # type: ignore[union-attr]
    assert read.weights["b"] is None and read.activity["a"] is None


def test_every_flipped_byte_is_noticed() -> None:
    data = encode(snapshot(), run_id=RUN)
    for position in range(len(data)):
        altered = bytearray(data)
        altered[position] ^= 0x01
        with pytest.raises(TopolabError):
            decode(bytes(altered), LAYERS, source="here", run_id=RUN)


def test_every_truncation_is_noticed() -> None:
    data = encode(snapshot(), run_id=RUN)
    for length in range(len(data)):
        with pytest.raises(SnapshotError):
            decode(data[:length], LAYERS, source="here", run_id=RUN)
    with pytest.raises(SnapshotError):
        decode(data + b"\0", LAYERS, source="here", run_id=RUN)


def test_a_newer_version_is_refused_by_name() -> None:
    header, payload = by_hand()
    header["__metadata__"]["version"] = "2"  # type: ignore[index]
    with pytest.raises(FormatVersionError, match=r"here: format version 2 is newer .* upgrade"):
        decode(seal(header, payload), LAYERS, source="here")


HOSTILE = {
    "huge shape": ("a.mask", {"shape": [2**62]}),
    "negative offsets": ("a.mask", {"data_offsets": [-5, -4]}),
    "overlap": ("b.mask", {"data_offsets": [12, 13]}),
    "past the end": ("b.mask", {"data_offsets": [13, 10**12], "shape": [10**12 - 13]}),
    "not a number": ("a.mask", {"shape": [float("nan")]}),
    "infinite": ("a.mask", {"shape": [float("inf")]}),
    "unknown type": ("a.mask", {"dtype": "F64"}),
    "two dimensions": ("a.weight", {"shape": [3, 1]}),
    "wrong length of weights": ("a.weight", {"shape": [2], "data_offsets": [0, 8]}),
    "no description": ("a.mask", None),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_header_with_a_good_checksum(case: str) -> None:
    header, payload = by_hand()
    name, change = HOSTILE[case]
    header[name] = None if change is None else {**header[name], **change}  # type: ignore[dict-item]
    with pytest.raises(SnapshotError, match="here"):
        decode(seal(header, payload), LAYERS, source="here")


@pytest.mark.parametrize(
    "change",
    [
        {"index": "x"},
        {"step": None},
        {"epoch": '"Nope"'},
        {"layers": "[[[[["},
        {"layers": '[["a",[2,4]],["b",[1,2]]]'},
        {"metrics": "[1]"},
        {"format": "other"},
        {"run": "e" * 64},
        {"version": "0"},
        {"version": "one"},
    ],
    ids=str,
)
def test_hostile_metadata_with_a_good_checksum(change: dict[str, object]) -> None:
    header, payload = by_hand()
    header["__metadata__"].update(change)  # type: ignore[attr-defined]
    with pytest.raises(SnapshotError, match="here"):
        decode(seal(header, payload), LAYERS, source="here", run_id=RUN)


def test_extra_entries_and_bits_after_the_last_weight() -> None:
    header, payload = by_hand()
    extra = {**header, "x": {"dtype": "U8", "shape": [1], "data_offsets": [14, 15]}}
    with pytest.raises(SnapshotError, match="unknown entries"):
        decode(seal(extra, payload + b"\0"), LAYERS, source="here")
    with pytest.raises(SnapshotError, match="bits after its last weight"):
        decode(seal(header, payload[:-1] + bytes([0b111])), LAYERS, source="here")


def test_other_files_are_no_snapshots() -> None:
    deep = b"[" * 100_000
    for data in (
        b"",
        b"PK\x03\x04" + b"\0" * 60,
        b"\xff" * 64,
        len(deep).to_bytes(8, "little") + deep,
    ):
        with pytest.raises(SnapshotError):
            decode(data, LAYERS, source="here")
    foreign = safetensors.numpy.save({"w": np.zeros(3, np.float32)})
    with pytest.raises(SnapshotError, match="not a topolab snapshot"):
        decode(foreign, LAYERS, source="here")


@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=4, max_side=7)))
def test_packing_is_undone(mask: np.ndarray) -> None:
    packed = pack_mask(mask)
    assert len(packed) == -(-mask.size // 8)
    assert (unpack_mask(packed, mask.shape) == mask).all()


@given(st.data())
def test_the_sparse_matrix_is_that_of_the_mask(data: st.DataObject) -> None:
    groups = data.draw(st.integers(1, 3))
    conv = LayerSpec(
        "c",
        "conv",
        (groups * data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3)), 2, 2),
        groups=groups,
    )
    linear = LayerSpec("l", "linear", (data.draw(st.integers(1, 5)), data.draw(st.integers(1, 9))))
    for layer in (conv, linear):
        mask = data.draw(hnp.arrays(bool, layer.shape))
        shot = Snapshot(0, 0, 0.0, (layer,), {layer.name: pack_mask(mask)})
        matrix = shot.biadjacency(layer.name)
        assert (matrix.toarray() == layer.edges(mask)).all()
        assert (matrix.data > 0).all() and matrix.has_canonical_format


ARCHIVE = Path(__file__).parents[1] / "data" / "archives" / "v1"


def test_the_archived_run_of_version_1_stays_readable() -> None:
    """Written by tests/data/make_archive.py when version 1 was new; never written again."""
    run = topolab.open_run(ARCHIVE)
    assert run.verify().ok and run.state == "done"
    assert run.steps.tolist() == [0, 100, 200]
    assert [layer.name for layer in run.layers] == ["conv1", "fc1", "fc2"]
    assert [[s.nnz(layer.name) for layer in run.layers] for s in run] == [[9, 60, 30]] * 3
    assert run[2].metrics == {"test_accuracy": 0.75}
    assert run[1].weights["fc1"].shape == (60,)  # type: ignore[union-attr]
    assert run.config == {"made_for": "format version 1"}
    expected = json.loads((ARCHIVE.parent / "v1.json").read_text(encoding="utf-8"))
    assert run.identity == expected["identity"]
    assert [s.digest for s in run] == expected["digests"]
    for shot in run:
        stored = expected["positions"][str(shot.step)]
        for layer in run.layers:
            assert np.flatnonzero(shot.masks[layer.name]).tolist() == stored[layer.name]
