"""A run by hand, and what the trackers keep of its curves, read back from their files."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import topolab

LAYERS = (topolab.LayerSpec("fc1", "linear", (2, 4)), topolab.LayerSpec("fc2", "linear", (1, 2)))
SQLALCHEMY = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated")


def by_hand(path: Path, layers: tuple[topolab.LayerSpec, ...] = LAYERS) -> topolab.Run:
    """Fan-in 1 and 3, then a dense layer; the second snapshot has fan-in 2 and 2."""
    second = np.ones(layers[1].shape)
    with topolab.Recorder(path, layers=layers, config={"method": "mine"}) as recorder:
        recorder.record(0, {"fc1": [[1, 0, 0, 0], [0, 1, 1, 1]], "fc2": second},
                        metrics={"test_accuracy": 0.5, "nothing": float("nan")})  # fmt: skip
        recorder.record(30, {"fc1": [[1, 1, 0, 0], [0, 0, 1, 1]], "fc2": second},
                        epoch=1.5, metrics={"test_accuracy": 0.75})  # fmt: skip
    return topolab.open_run(path)


def read_tensorboard(folder: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)]
            for tag in events.Tags()["scalars"]}  # fmt: skip


def records_of(data: bytes) -> Iterator[bytes]:
    """The records of a ``.wandb`` file: 7 bytes, then LevelDB's log of 32 KiB blocks."""
    if len(data) < 7:
        return
    assert data[:4] == b":W&B"
    position, parts = 7, b""
    while position + 7 <= len(data):
        left = 32768 - position % 32768
        if left < 7:
            position += left
            continue
        length = int.from_bytes(data[position + 4 : position + 6], "little")
        kind = data[position + 6]  # 1 whole, 2 first, 3 middle, 4 last
        if kind == 0 or position + 7 + length > len(data):
            return
        parts += data[position + 7 : position + 7 + length]
        position += 7 + length
        if kind in (1, 4):
            yield parts
            parts = b""


def read_wandb(folder: Path) -> list[dict[str, float]]:
    """The history in the file of an offline run."""
    from wandb.proto import wandb_internal_pb2

    (file,) = folder.glob("wandb/offline-run-*/*.wandb")
    end = time.monotonic() + 600
    while time.monotonic() < end:  # a process of wandb's own writes it, after `finish` too
        rows, ended = [], False
        for data in records_of(file.read_bytes()):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(data)
            ended = ended or record.HasField("exit")
            if record.HasField("history"):
                rows.append(
                    {item.key or "/".join(item.nested_key): json.loads(item.value_json)
                     for item in record.history.item}
                )  # fmt: skip
        if ended:
            return rows
        time.sleep(0.2)
    raise AssertionError(f"{file} never ended")
