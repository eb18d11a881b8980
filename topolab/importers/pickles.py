"""Files that only code can read: what they would call, and the lines that convert them."""

from __future__ import annotations

import io
import pickletools
from collections.abc import Sequence
from pathlib import Path

from topolab.importers.base import UnsafeFileError

__all__ = [
    "CONVERT_NPY",
    "CONVERT_NPZ",
    "MOST_PICKLE",
    "numpy_refusal",
    "pickle_globals",
    "torch_refusal",
]

#: Bytes of a pickle that are looked at.
MOST_PICKLE = 100 * 2**20
_UNSAFE_NAMES = 8
_PICKLES = 64  # torch writes five
_CONVERT_TORCH = """\
import pickle, torch
def plain(x):
    if isinstance(x, dict): return {{str(k): plain(v) for k, v in x.items()}}
    if isinstance(x, (list, tuple)): return [plain(v) for v in x]
    if isinstance(x, torch.nn.Module): return plain(x.state_dict())
    if isinstance(x, torch.Tensor) or type(x) in (int, float, str, bool, type(None)): return x
    if type(x).__module__ == "numpy": return x.item() if x.ndim == 0 else torch.as_tensor(x)
    return str(x)
try: checkpoint = torch.load({path!r}, map_location="cpu", weights_only=False)  # runs its code
except (RuntimeError, pickle.UnpicklingError):
    with open({path!r}, "rb") as file: checkpoint = pickle.load(file)
torch.save(plain(checkpoint), {out!r})"""
CONVERT_NPY = """\
import numpy as np
objects = np.load({path!r}, allow_pickle=True)  # runs its code
np.savez({out!r}, **{{f"W{{i + 1}}": np.asarray(w, dtype=float) for i, w in enumerate(objects)}})"""
CONVERT_NPZ = """\
import numpy as np
objects = dict(np.load({path!r}, allow_pickle=True))  # runs its code
plain = {{}}
for name, w in objects.items():
    items = w.tolist() if w.dtype == object else w
    try: plain[name] = np.asarray(items, dtype=float)
    except ValueError:
        for i, item in enumerate(items): plain[f"{{name}}{{i + 1}}"] = np.asarray(item, float)
np.savez({out!r}, **plain)"""


def pickle_globals(data: bytes) -> set[str]:
    """The globals that a pickle names, by taking it apart; nothing is run.

    Examples
    --------
    >>> import pickle
    >>> sorted(pickle_globals(pickle.dumps(Path("x")) + pickle.dumps(print)))[0]
    'builtins.print'
    """
    found: set[str] = set()
    stream = io.BytesIO(data)
    for _ in range(_PICKLES):
        texts: list[str] = []
        memo: dict[int, str] = {}
        try:
            for code, argument, _ in pickletools.genops(stream):
                name = code.name
                if name in ("GLOBAL", "INST") and isinstance(argument, str):
                    found.add(argument.replace(" ", "."))
                elif name == "STACK_GLOBAL":
                    found.add(".".join(texts[-2:]) if len(texts) >= 2 else "(computed)")
                elif name == "MEMOIZE":
                    memo[len(memo)] = texts[-1] if texts else ""
                elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
                    memo[int(str(argument))] = texts[-1] if texts else ""
                elif name in ("GET", "BINGET", "LONG_BINGET"):
                    texts.append(memo.get(int(str(argument)), ""))
                elif isinstance(argument, str):
                    texts.append(argument)
        except (ValueError, IndexError, UnicodeDecodeError, OverflowError, TypeError):
            break
        at = stream.tell()  # torch's old files are several pickles, then numbers
        if data[at : at + 1] != b"\x80":
            break
    return found


def torch_refusal(path: Path, found: Sequence[str], why: str) -> UnsafeFileError:
    """The error for a torch file that names these globals, or that torch refused in these words."""
    names = ", ".join(found[:_UNSAFE_NAMES]) or why.splitlines()[0][:200]
    more = f" and {len(found) - _UNSAFE_NAMES} more" if len(found) > _UNSAFE_NAMES else ""
    out = str(path.with_name(path.stem + "-plain.pt"))
    return UnsafeFileError(
        f"{path}: refused, it cannot be read without running code from it ({names}{more}); "
        "convert it where you trust it, with the lines of docs/import.md",
        found,
        _CONVERT_TORCH.format(path=str(path), out=out),
    )


def numpy_refusal(path: Path, found: Sequence[str], snippet: str) -> UnsafeFileError:
    """The error for an array of Python objects, with the lines that convert its kind of file."""
    return UnsafeFileError(
        f"{path}: refused, it cannot be read without running code from it "
        f"({', '.join(found[:_UNSAFE_NAMES]) or 'an array of Python objects'}); "
        "convert it where you trust it, with the lines of docs/import.md",
        found,
        snippet.format(path=str(path), out=str(path.with_name(path.stem + "-plain.npz"))),
    )
