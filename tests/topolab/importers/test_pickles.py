"""Nothing of a foreign file is run, and the lines that convert one work."""

from __future__ import annotations

import ast
import pickle
import pickletools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from checkpoints import Payload, inspect, matrix
from torch import nn
from torch.nn.utils import prune

import topolab
from topolab.importers import UnsafeFileError
from topolab.importers.pickles import pickle_globals

SOURCE = Path(topolab.__file__).parent


@pytest.mark.parametrize("new", [True, False], ids=["zip", "old"])
def test_a_torch_file_with_code_is_refused_and_not_run(series: Path, new: bool) -> None:
    made = series.parent / "made"
    torch.save(
        {"masks": {"fc": torch.eye(3)}, "args": Payload(made)}, series / "1.pt",
        _use_new_zipfile_serialization=new,
    )  # fmt: skip
    with pytest.raises(UnsafeFileError) as caught:
        topolab.inspect_checkpoints(series)
    assert not made.exists()
    assert any(name.endswith(".mkdir") for name in caught.value.globals), caught.value.globals
    assert "mkdir" in str(caught.value) and "1.pt: refused" in str(caught.value)


def test_the_snippet_converts(series: Path) -> None:
    import argparse

    from numpy import float64

    value = {"masks": {"fc": torch.eye(3)}, "args": argparse.Namespace(lr=1), "acc": float64(0.5)}
    torch.save(value, series / "1.pt")
    with pytest.raises(UnsafeFileError) as caught:
        topolab.inspect_checkpoints(series)
    assert "argparse.Namespace" in caught.value.globals
    exec(compile(caught.value.snippet, "snippet", "exec"), {})
    (series / "1.pt").unlink()
    assert topolab.inspect_checkpoints(series).convention == "masks-dict"


def test_numpy_files_with_objects_are_refused_and_not_run(series: Path) -> None:
    made = series.parent / "made"
    objects = np.array([Payload(made), np.eye(2)], dtype=object)
    np.save(series / "w.npy", objects)
    with pytest.raises(UnsafeFileError, match="mkdir"):
        topolab.inspect_checkpoints(series / "w.npy")
    np.savez(series / "w_1.npz", W1=objects)
    with pytest.raises(UnsafeFileError, match="mkdir"):
        topolab.inspect_checkpoints(series / "w_1.npz")
    with (series / "p_1.pkl").open("wb") as file:
        pickle.dump({"masks": Payload(made)}, file)
    with pytest.raises(UnsafeFileError, match="mkdir"):
        topolab.inspect_checkpoints(series / "p_1.pkl")
    assert not made.exists()


def test_the_snippet_for_numpy_converts(series: Path) -> None:
    layers = np.empty(2, dtype=object)
    layers[:] = [np.ones((6, 4)) * 2, np.ones((4, 3)) * 2]
    np.save(series / "w_1.npy", layers)
    with pytest.raises(UnsafeFileError) as caught:
        topolab.inspect_checkpoints(series)
    exec(compile(caught.value.snippet, "snippet", "exec"), {})
    (series / "w_1.npy").unlink()
    assert topolab.inspect_checkpoints(series).orientation == "in-out"


@pytest.mark.parametrize("protocol", range(6))
def test_globals_are_found_in_every_protocol(protocol: int) -> None:
    data = pickle.dumps([Path("a"), Payload(Path("x")), Path("b"), {"k": slice(1)}], protocol)
    found = pickle_globals(data)
    assert any(name.endswith(".mkdir") for name in found), found
    assert any("Path" in name for name in found), found


def test_no_loader_of_ours_may_run_code() -> None:
    """No call anywhere has weights_only or allow_pickle set to anything that runs code."""
    seen = 0
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            given = {k.arg: k.value for k in node.keywords}
            name = ast.unparse(node.func)
            if name in ("torch.load", "np.load"):
                assert ast.unparse(given["weights_only"]) == "True", path
                seen += 1
            assert ast.unparse(given.get("allow_pickle", ast.Constant(False))) == "False", path
            assert name not in ("pickle.load", "pickle.loads", "pickle.Unpickler"), path
    assert seen == 1


def test_many_small_pickles_take_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was quadratic, minutes: counted are the pickles taken apart and the bytes copied."""
    looks: list[Any] = []
    copied: list[int] = []

    class Counted(bytes):
        def __getitem__(self, key: Any) -> Any:
            found = super().__getitem__(key)
            copied.append(len(found) if isinstance(key, slice) else 1)
            return found

    def taken_apart(stream: Any, genops: Any = pickletools.genops) -> Any:
        looks.append(stream)
        return genops(stream)

    monkeypatch.setattr(pickletools, "genops", taken_apart)
    assert pickle_globals(Counted(b"\x80\x02." * 1_600_000)) == set()
    assert len(looks) <= 64 and sum(copied) <= 64


@pytest.mark.parametrize("case", ["pickle", "model", "ragged"])
def test_the_lines_that_convert_work(series: Path, case: str) -> None:
    if case == "pickle":
        with (series / "a_1.pkl").open("wb") as file:
            pickle.dump({"masks": {"fc1": np.eye(4), "fc2": np.ones((2, 4))}}, file)
    elif case == "model":
        model = nn.Sequential(nn.Linear(6, 4), nn.Linear(4, 2))
        prune.random_unstructured(model[0], "weight", amount=0.5)
        torch.save(model, series / "a_1.pt")
    else:
        layers = np.empty(2, dtype=object)
        layers[:] = [matrix(6, 4), matrix(4, 3)]
        np.savez(series / "a_1.npz", W=layers)
    (file,) = series.iterdir()
    with pytest.raises(UnsafeFileError) as caught:
        inspect(series)
    exec(compile(caught.value.snippet, "snippet", "exec"), {})
    file.unlink()
    seen = inspect(series)
    assert len(seen.layers) == 2
