"""The state dict of the model in a checkpoint, and the weights in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from topolab.importers.arrays import is_array
from topolab.importers.names import weight_layer

__all__ = ["find_key", "state_dict", "weights_of"]

# Under these names people keep the state dict of the model in a larger dictionary.
_STATE_KEYS = ("state_dict", "model_state_dict", "model", "net", "network", "module", "weights")


def find_key(value: Any, key: str, depth: int = 3) -> Any:
    """The value of a key in nested dictionaries, the outermost first; None without one."""
    level = [value]
    for _ in range(depth):
        below = []
        for item in level:
            if isinstance(item, Mapping):
                if key in item:
                    return item[key]
                below += [v for v in item.values() if isinstance(v, Mapping)]
        level = below
    return None


def state_dict(value: Any) -> dict[str, Any]:
    """The state dict of the model in a checkpoint, with its names as they are; empty without."""
    for _ in range(3):
        if not isinstance(value, Mapping):
            return {}
        inner = next(
            (value[k] for k in _STATE_KEYS if isinstance(value.get(k), Mapping) and value[k]), None
        )
        if inner is None or any(is_array(v) and weight_layer(str(k)) for k, v in value.items()):
            break
        value = inner
    return {k: v for k, v in value.items() if isinstance(k, str) and is_array(v)}


def weights_of(state: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The weights of layers in a state dict: (layer, tensor), in its order."""
    for key, value in state.items():
        name = weight_layer(key)
        if name is not None and len(value.shape) in (2, 3, 4):
            yield name, value
