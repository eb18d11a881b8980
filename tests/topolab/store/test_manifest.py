"""run.json and the notes: what is written is read, everything else is refused by name."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

import pytest

from topolab import LayerSpec
from topolab.errors import FormatVersionError, RunError
from topolab.store import manifest as module
from topolab.store.manifest import (
    MAX_JSON,
    layers_of_manifest,
    new_manifest,
    new_note,
    read_manifest,
    read_note,
)

LAYERS = (LayerSpec("a", "linear", (2, 3)), LayerSpec("b", "linear", (1, 2), maskable=False))
IDENTITY: dict[str, Any] = {"config": {"lr": 0.1}, "seed": 1, "data": {"name": "x"}}


def digest(value: Any) -> str:
    """By docs/snapshot-format.md alone."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":")) + "\n"
    return hashlib.sha256(text.encode()).hexdigest()


def made(**about: Any) -> dict[str, Any]:
    text, _ = new_manifest(LAYERS, IDENTITY, about, source="here")
    return dict(json.loads(text))


def sealed(content: dict[str, Any]) -> bytes:
    rest = {key: value for key, value in content.items() if key != "sha256"}
    return json.dumps({**rest, "sha256": digest(rest)}).encode()


def test_a_manifest_by_the_specification() -> None:
    text, run_id = new_manifest(LAYERS, IDENTITY, {"command": "c"}, source="here")
    content = json.loads(text)
    decides = {"layers": [layer.to_dict() for layer in LAYERS], **IDENTITY}
    assert run_id == digest(json.loads(json.dumps(decides)))
    assert (content["format"], content["version"]) == ("topolab.run", 1)
    assert content["run_id"] == run_id and content["command"] == "c"
    assert content["sha256"] == digest({k: v for k, v in content.items() if k != "sha256"})
    assert text.endswith(b"}\n") and text.startswith(b'{\n  "command": "c",\n')
    assert read_manifest(text, source="here") == content
    assert layers_of_manifest(content, source="here") == LAYERS


def test_only_what_decides_decides_the_id() -> None:
    ids = {
        new_manifest(LAYERS, {**IDENTITY, **change}, about, source="here")[1]
        for change, about in (({}, {}), ({}, {"command": "other"}), ({"seed": 2}, {}),
                              ({"config": {}}, {}), ({"data": {}}, {}))
    }  # fmt: skip
    ids.add(new_manifest(LAYERS[:1], IDENTITY, {}, source="here")[1])
    assert len(ids) == 5


@pytest.mark.parametrize(
    "bad",
    [math.nan, math.inf, {1, 2}, object(), b"x"],
    ids=["nan", "inf", "set", "object", "bytes"],
)
def test_what_is_no_json_is_not_written(bad: Any) -> None:
    with pytest.raises(RunError, match="here: config, seed and data must be JSON values"):
        new_manifest(LAYERS, {**IDENTITY, "seed": bad}, {}, source="here")
    with pytest.raises(RunError, match="must be JSON values"):
        new_manifest(LAYERS, IDENTITY, {"command": bad}, source="here")
    with pytest.raises(RunError, match="a summary must hold JSON values"):
        new_note({"summary": bad})


def test_manifests_have_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_JSON == 33_554_432  # 32 MiB, as docs/snapshot-format.md says
    text, _ = new_manifest(LAYERS, IDENTITY, {}, source="here")
    monkeypatch.setattr(module, "MAX_JSON", len(text))
    assert new_manifest(LAYERS, IDENTITY, {}, source="here")[0] == text
    monkeypatch.setattr(module, "MAX_JSON", len(text) - 1)
    with pytest.raises(RunError, match=f"a manifest of {len(text)} bytes"):
        new_manifest(LAYERS, IDENTITY, {}, source="here")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "topolab.snapshot"}, "not the manifest of a topolab run"),
        ({"format": None}, "not the manifest of a topolab run"),
        ({"version": 0}, "format version '0'"),
        ({"version": -1}, "format version '-1'"),
        ({"version": True}, "format version 'True'"),
        ({"version": "1"}, "format version '1'"),
        ({"version": 1.0}, "format version '1.0'"),
        ({"run_id": 5}, "its run_id is not"),
        ({"layers": {}}, "its layers is not"),
        ({"config": []}, "its config is not"),
        ({"data": None}, "its data is not"),
    ],
)
def test_manifests_that_cannot_be_with_a_good_checksum(
    change: dict[str, Any], message: str
) -> None:
    with pytest.raises(RunError, match=message):
        read_manifest(sealed({**made(), **change}), source="here")


@pytest.mark.parametrize("version", [2, 10**9])
def test_newer_manifests_are_refused_by_name(version: int) -> None:
    with pytest.raises(FormatVersionError, match=f"format version {version} is newer .*upgrade"):
        read_manifest(sealed({**made(), "version": version}), source="here")


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"5", b"null", b"\xff", b"[" * 100_000])
def test_texts_that_are_no_manifest(text: bytes) -> None:
    with pytest.raises(RunError, match="here: damaged"):
        read_manifest(text, source="here")


def test_each_checksum_alone_is_looked_at() -> None:
    content = made(command="c")
    altered = {**content, "seed": 2}
    for bad in (
        json.dumps(altered).encode(),  # neither fits
        sealed(altered),  # the whole is sealed again, the run's id is of other content
        sealed({**content, "run_id": "0" * 64}),
        json.dumps({**content, "command": "d"}).encode(),  # the id fits, the whole does not
        json.dumps({**content, "sha256": "0" * 64}).encode(),
        json.dumps({**content, "sha256": 5}).encode(),
        json.dumps({**content, "seed": math.nan}).encode(),
    ):
        with pytest.raises(RunError, match="altered, its content does not match its checksums"):
            read_manifest(bad, source="here")


def test_before_there_were_checksums() -> None:
    """Without one a manifest is read if it holds only what was written then."""
    old = {key: value for key, value in made(created="then").items() if key != "sha256"}
    assert read_manifest(json.dumps(old).encode(), source="here") == old
    for change in ({"shb256": "x"}, {"note": 1}, {"run_id": "0" * 64}):
        with pytest.raises(RunError, match="altered"):
            read_manifest(json.dumps({**old, **change}).encode(), source="here")


@pytest.mark.parametrize(
    "config",
    [
        {"10": "a", "9": "b"},
        {"outer": {"-1": 1, "10": 2, "9": 3}},
        {"list": [{"10": 1, "9": 2}]},
    ],
)
def test_ids_of_keys_that_were_numbers(config: dict[str, Any]) -> None:
    """Python sorts the numbers 9 and 10 otherwise than the words: both ids were written."""

    def numbered(value: Any) -> Any:
        if isinstance(value, list):
            return [numbered(item) for item in value]
        if not isinstance(value, dict):
            return value
        return {int(k) if k.lstrip("-").isdecimal() else k: numbered(v) for k, v in value.items()}

    content = {key: value for key, value in made().items() if key != "sha256"}
    decides = {"layers": content["layers"], "config": config, "seed": 1, "data": {"name": "x"}}
    as_numbers = digest({**decides, "config": numbered(config)})
    assert as_numbers != digest(decides)
    for run_id in (as_numbers, digest(decides)):
        text = sealed({**content, "config": config, "run_id": run_id})
        assert read_manifest(text, source="here")["config"] == config


def test_keys_that_are_only_partly_numbers_are_words() -> None:
    assert module._numbered({"1": 1, "x": 2}) == {"1": 1, "x": 2}
    assert module._numbered({}) == {} and module._numbered({"--1": 1}) == {"--1": 1}
    assert module._numbered({"x": {"2": [{"-3": 4}]}}) == {"x": {2: [{-3: 4}]}}


@pytest.mark.parametrize(
    "layers",
    [[{}], [5], [LAYERS[0].to_dict()] * 2, [{**LAYERS[0].to_dict(), "shape": [0, 3]}]],
    ids=["empty", "number", "twice", "no neurons"],
)
def test_layer_tables_that_cannot_be(layers: list[Any]) -> None:
    with pytest.raises(RunError, match="here: its layer table cannot be used"):
        layers_of_manifest({"layers": layers}, source="here")


# -- notes -----------------------------------------------------------------------------------------

NEEDS = {"snapshots": int, "summary": dict}
NOTE: dict[str, Any] = {"snapshots": 3, "summary": {"a": 1}, "finished": "now"}


def test_a_note_comes_back_without_its_checksum() -> None:
    text = new_note(NOTE)
    assert read_note(text, source="here", needs=NEEDS) == NOTE
    assert json.loads(text)["sha256"] == digest(NOTE) and text.endswith(b"}\n")
    assert read_note(new_note({"a": (1, 2)}), source="here", needs={}) == {"a": [1, 2]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "damaged, it cannot be read"),
        (b"[]", "damaged, it cannot be read .not a JSON object"),
        (b"[" * 100_000, "damaged, it cannot be read"),
        (json.dumps({**NOTE, "sha256": "0" * 64}).encode(), "altered"),
        (json.dumps({**NOTE, "sha256": None, "note": 1}).encode(), "altered"),
        (json.dumps({**NOTE, "other": 1}).encode(), "altered"),
        (b'{"snapshots": NaN, "sha256": "0"}', "damaged, it cannot be read"),
        (new_note({"summary": {}}), "damaged, or another file: it has no snapshots"),
        (new_note({"snapshots": 3}), "damaged, or another file: it has no summary"),
        (new_note({**NOTE, "snapshots": "3"}), "damaged, or another file: it has no snapshots"),
    ],
)
def test_notes_that_cannot_be(text: bytes, message: str) -> None:
    with pytest.raises(RunError, match=f"here: {message}"):
        read_note(text, source="here", needs=NEEDS)


def test_notes_of_before_the_checksum_are_read() -> None:
    assert read_note(json.dumps(NOTE).encode(), source="here", needs=NEEDS) == NOTE
    every = dict.fromkeys(module._NOTES_BEFORE, 1)
    assert read_note(json.dumps(every).encode(), source="here", needs={}) == every


def test_notes_are_for_people_to_read_too() -> None:
    assert new_note({"pid": 5}).startswith(b'{\n  "pid": 5,\n  "sha256": "')
