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
from topolab.errors import (
    ConfigError,
    FormatVersionError,
    RunError,
    SnapshotError,
    TopolabError,
)
from topolab.snapshot import pack_mask, unpack_mask
from topolab.store import decode, encode
from topolab.store import format as format_module
from topolab.store.format import MAX_HEADER, metrics_of, most_bytes, read_header

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


# -- each thing that is wrong is said in its own words ---------------------------------------------


def entry(dtype: str, shape: list[int], begin: int, end: int) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"a.mask": entry("U8", [1, 1], 12, 13)}, "'a.mask' has an impossible place or shape"),
        ({"a.mask": entry("U8", [], 12, 13)}, "'a.mask' has an impossible place or shape"),
        ({"a.mask": entry("U8", [-1], 12, 11)}, "'a.mask' has an impossible place or shape"),
        ({"a.mask": entry("U8", [0], 11, 11)}, "'a.mask' has an impossible place or shape"),
        ({"a.mask": entry("U8", [1], 13, 14)}, "'a.mask' has an impossible place or shape"),
        ({"a.mask": entry("U8", [2], 12, 13)}, "'a.mask' has an impossible place or shape"),
        ({"b.mask": entry("U8", [2], 13, 15)}, "truncated, entry 'b.mask' is cut"),
        ({"b.mask": entry("U8", [0], 13, 13)}, "altered, 1 bytes follow its last entry"),
        ({"b.mask": {"dtype": "U8", "shape": [1]}}, "'b.mask' is not described"),
        ({"b.mask": {"dtype": "U8", "shape": 1, "data_offsets": [13, 14]}}, "not described"),
        ({"b.mask": {"dtype": "I8", "shape": [1], "data_offsets": [13, 14]}}, "not described"),
        ({"b.mask": {"dtype": "U8", "shape": [1], "data_offsets": [13]}}, "not described"),
    ],
)
def test_entries_that_cannot_be(changes: dict[str, object], message: str) -> None:
    header, payload = by_hand()
    with pytest.raises(SnapshotError, match=message):
        decode(seal({**header, **changes}, payload), LAYERS, source="here")


def layered(order: list[tuple[str, str, np.ndarray]]) -> bytes:
    """A sealed file of these tensors, in this order."""
    header, _ = by_hand()
    header = {"__metadata__": header["__metadata__"]}
    payload, at = b"", 0
    for name, dtype, array in order:
        header[name] = entry(dtype, [len(array)], at, at + array.nbytes)
        payload, at = payload + array.tobytes(), at + array.nbytes
    return seal(header, payload)


A, B = np.array([0b100101], np.uint8), np.array([0b11], np.uint8)
F = np.array([1, 2, 3], "<f4")


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ([("a.mask", "U8", A)], "layer b has no mask of 1 bytes"),
        ([("b.mask", "U8", B)], "layer a has no mask of 1 bytes"),
        ([("a.mask", "F32", F[:1]), ("b.mask", "U8", B)], "layer a has no mask of 1 bytes"),
        ([("a.mask", "U8", np.append(A, A)), ("b.mask", "U8", B)], "layer a has no mask"),
        ([("a.weight", "F32", F[:2]), ("a.mask", "U8", A), ("b.mask", "U8", B)],
         r"layer a has weight of shape \(2,\), expected 3 float32"),
        ([("a.weight", "U8", np.array([1, 2, 3], np.uint8)), ("a.mask", "U8", A),
          ("b.mask", "U8", B)], "layer a has weight of shape"),
        ([("a.activity", "F32", F), ("a.mask", "U8", A), ("b.mask", "U8", B)],
         "layer a has activity of shape .*, expected 2 float32"),
        ([("b.gradient", "F32", F), ("a.mask", "U8", A), ("b.mask", "U8", B)],
         "layer b has gradient of shape .*, expected 1 float32"),
        ([("a.mask", "U8", A), ("b.mask", "U8", B), ("c.mask", "U8", B)],
         r"holds unknown entries \['c.mask'\]"),
    ],
)  # fmt: skip
def test_tensors_that_do_not_fit_the_layers(
    order: list[tuple[str, str, np.ndarray]], message: str
) -> None:
    with pytest.raises(SnapshotError, match=message):
        decode(layered(order), LAYERS, source="here")


def test_all_tensors_come_back_and_lie_on_multiples_of_their_size() -> None:
    given = snapshot(
        stored_activity={"a": np.array([1, 2], np.float32), "b": np.array([5], np.float32)},
        stored_gradient={"a": np.array([3, 4], np.float32)},
        metrics={"b": 1.0, "a": -math.inf},
    )
    data = encode(given, run_id=RUN)
    read = decode(bytes(data), LAYERS, source="here", run_id=RUN)
    assert read.activity["a"].tolist() == [1, 2]  # type: ignore[union-attr]
    assert read.activity["b"].tolist() == [5]  # type: ignore[union-attr]
    assert read.gradient["a"].tolist() == [3, 4] and read.gradient["b"] is None  # type: ignore[union-attr]
    assert read.metrics == {"a": -math.inf, "b": 1.0} and read.layers == LAYERS
    header = read_header(bytes(data), source="here")
    assert header.payload_at % 8 == 0 and read.digest == header.sha256
    for tensor in header.tensors.values():
        size = 4 if tensor["dtype"] == "F32" else 1
        assert tensor["data_offsets"][0] % size == 0
    assert decode(bytes(data), LAYERS, source="here").index == 3  # of whichever run


@pytest.mark.parametrize("size", [8, 16, 9, 1, 7])
def test_masks_of_every_length_of_the_last_byte(size: int) -> None:
    layer = LayerSpec("m", "linear", (1, size))
    mask = np.ones((1, size), bool)
    given = Snapshot(0, 0, 0.0, (layer,), {"m": pack_mask(mask)})
    data = encode(given, run_id=RUN)
    assert decode(bytes(data), (layer,), source="here").masks["m"].all()
    if size % 8:
        payload = bytes([*pack_mask(mask)[:-1], 2 ** (size % 8)])
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        header["__metadata__"]["sha256"] = "0" * 64
        with pytest.raises(SnapshotError, match="layer m has bits after its last weight"):
            decode(seal(header, payload), (layer,), source="here")


def test_no_file_is_larger_than_its_layers_allow() -> None:
    """Reached by a header of the largest size and every tensor that there can be."""
    layers = (LayerSpec("a", "linear", (3, 3)), LayerSpec("c", "conv", (4, 2, 3, 3)))
    full = Snapshot(
        0, 0, 0.0, layers, {k.name: pack_mask(np.ones(k.shape, bool)) for k in layers},
        stored_weights={k.name: np.ones(k.size, np.float32) for k in layers},
        stored_activity={k.name: np.ones(k.n_out, np.float32) for k in layers},
        stored_gradient={k.name: np.ones(k.n_out, np.float32) for k in layers},
    )  # fmt: skip
    data = bytes(encode(full, run_id=RUN))
    assert MAX_HEADER == 33_554_432  # 32 MiB, as docs/snapshot-format.md says
    payload = len(data) - read_header(data, source="here").payload_at
    assert most_bytes(layers) == 8 + MAX_HEADER + payload


def test_headers_have_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytes(encode(snapshot(), run_id=RUN))
    length = int.from_bytes(data[:8], "little")
    monkeypatch.setattr(format_module, "MAX_HEADER", length)
    assert bytes(encode(snapshot(), run_id=RUN)) == data
    assert read_header(data, source="here").index == 3
    monkeypatch.setattr(format_module, "MAX_HEADER", length - 1)
    with pytest.raises(RunError, match=f"need a header of {length} bytes, at most {length - 1}"):
        encode(snapshot(), run_id=RUN)
    with pytest.raises(SnapshotError, match=f"claims a header of {length} bytes"):
        read_header(data, source="here")


def test_a_header_is_read_without_its_payload() -> None:
    data = bytes(encode(snapshot(), run_id=RUN))
    length = int.from_bytes(data[:8], "little")
    header = read_header(data[: 8 + length], source="here")
    assert header.payload_at == 8 + length
    assert (header.index, header.step, header.epoch, header.run_id) == (3, 400, 1.5, RUN)
    assert header.shapes == {"a": (2, 3), "b": (1, 2)}
    for cut, message in (
        (data[: 7 + length], "truncated inside its header"),
        (data[:8], "truncated inside its header"),
        (data[:7], "truncated, only 7 bytes are left"),
        (bytes(8), "claims a header of 0 bytes"),
        ((1).to_bytes(8, "little") + b"x" * 9, "claims a header of 1 bytes"),
        ((2).to_bytes(8, "little") + b"{}", "not a topolab snapshot .no readable header"),
        ((2).to_bytes(8, "little") + b"[]", "not a topolab snapshot .no readable header"),
    ):
        with pytest.raises(SnapshotError, match=message):
            read_header(cut, source="here")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": "0"}, "altered, format version 0"),
        ({"version": "-3"}, "altered, format version -3"),
        ({"version": "one"}, "altered, format version 'one'"),
        ({"version": None}, "altered, format version 'None'"),
        ({"epoch": '"Nope"'}, "altered, its header cannot be read"),
        ({"epoch": '"1.5"'}, "altered, its header cannot be read"),
        ({"metrics": '{"x":"Nope"}'}, "altered, its header cannot be read"),
        ({"metrics": "[1]"}, "altered, its header cannot be read"),
        ({"index": "x"}, "altered, its header cannot be read"),
        ({"layers": '[["a",[2,4]],["b",[1,2]]]'}, "its layers are .*, the run's are"),
        ({"run": "e" * 64}, "belongs to another run .'eeeeeeeeeeeeeeee'"),
        ({"format": "other"}, "not a topolab snapshot .its format is 'other'"),
    ],
    ids=str,
)
def test_metadata_is_refused_in_its_own_words(change: dict[str, object], message: str) -> None:
    header, payload = by_hand()
    header["__metadata__"].update(change)  # type: ignore[attr-defined]
    with pytest.raises(SnapshotError, match=message):
        decode(seal(header, payload), LAYERS, source="here", run_id=RUN)


def test_a_checksum_that_is_missing_or_elsewhere() -> None:
    """Also where the header repeats its key: what is checked must be what is read."""
    header, payload = by_hand()
    del header["__metadata__"]["sha256"]  # type: ignore[attr-defined]
    with pytest.raises(SnapshotError, match="its header cannot be read"):
        decode(seal(header, payload), LAYERS, source="here")
    header["__metadata__"]["sha256"] = "0" * 64  # type: ignore[index]
    good = seal(header, payload)
    assert decode(good, LAYERS, source="here").index == 3
    digest = good[good.index(b'"sha256":"') + 10 :][:64]
    for wrong in (b"g" * 64, digest[::-1], digest.upper()):
        with pytest.raises(SnapshotError, match="does not match its SHA-256"):
            decode(good.replace(digest, wrong), LAYERS, source="here")


def test_a_checksum_that_is_written_otherwise() -> None:
    """With a space after its colon it is not found; of two of them the last one counts."""
    header, payload = by_hand()
    text = json.dumps(header).encode()
    spaced = len(text).to_bytes(8, "little") + text + payload
    with pytest.raises(SnapshotError, match="altered, its checksum is missing"):
        decode(spaced, LAYERS, source="here")
    text = json.dumps(header, separators=(",", ":")).encode()
    last = b'"sha256":"' + b"0" * 64 + b'"'
    text = text.replace(last, last + b',"sha256":"' + b"e" * 64 + b'"')
    blank = len(text).to_bytes(8, "little") + text + payload
    twice = blank.replace(b"0" * 64, hashlib.sha256(blank).hexdigest().encode(), 1)
    with pytest.raises(SnapshotError, match="does not match its SHA-256"):
        decode(twice, LAYERS, source="here")


def test_headers_of_every_length_end_on_a_multiple_of_eight() -> None:
    for digits in range(1, 9):
        header, payload = by_hand()
        step = 10**digits
        header["__metadata__"]["step"] = str(step)  # type: ignore[index]
        data = bytes(encode(snapshot(step=step), run_id=RUN))
        assert data == seal(header, payload) and int.from_bytes(data[:8], "little") % 8 == 0


def test_metrics_are_written_in_order_and_special_numbers_by_name() -> None:
    metrics = {"b": math.inf, "a": -math.inf, "c": math.nan, "d": 0.25}
    text = bytes(encode(snapshot(metrics=metrics, epoch=-math.inf), run_id=RUN)).decode("latin-1")
    shown = r'"metrics":"{\"a\":\"-Infinity\",\"b\":\"Infinity\",\"c\":\"NaN\",\"d\":0.25}"'
    assert shown in text and r'"epoch":"\"-Infinity\""' in text
    read = decode(text.encode("latin-1"), LAYERS, source="here")
    assert (read.epoch, read.metrics["a"], read.metrics["b"]) == (-math.inf, -math.inf, math.inf)


def test_numbers_of_another_byte_order_are_written_as_little_endian() -> None:
    big = snapshot(stored_weights={"a": np.array([1, -2, 3], ">f4")})
    assert encode(big, run_id=RUN) == encode(snapshot(), run_id=RUN)


class Odd:
    shape = (2, 2)

    def item(self) -> float:
        raise RuntimeError("more than one element")


@pytest.mark.parametrize(
    ("value", "shown"),
    [("x" * 100, "'" + "x" * 79), ([1], r"\[1\]"), (None, "None"), (Odd(), r"of shape \(2, 2\)"),
     (10**400, "1000")],
    ids=["text", "list", "none", "array", "huge"],
)  # fmt: skip
def test_what_is_no_number(value: object, shown: str) -> None:
    with pytest.raises(ConfigError, match=f"metric loss is no number: {shown}"):
        metrics_of({"loss": value})  # type: ignore[dict-item]


def test_metrics_are_plain_floats_in_order_of_name() -> None:
    found = metrics_of({"b": np.float32(0.5), "a": np.array([2]), "c": True})  # type: ignore[dict-item]
    assert list(found.items()) == [("a", 2.0), ("b", 0.5), ("c", 1.0)]
    assert {type(value) for value in found.values()} == {float} and metrics_of(None) == {}


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
