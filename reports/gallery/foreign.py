"""A training that knows nothing of topolab: gradual magnitude pruning with torch's own tools.

It writes one checkpoint an epoch, as such scripts do: ``torch.save`` of the model's state. The
masks are the buffers that ``torch.nn.utils.prune`` keeps. ``topolab import`` makes a run of them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.utils import prune

EPOCHS = 30
FINAL_SPARSITY = 0.95


def main(folder: Path) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    digits = load_digits()
    x = torch.tensor(digits.data, dtype=torch.float32) / 16
    y = torch.tensor(digits.target)
    order = torch.randperm(len(x))
    train, test = order[:1400], order[1400:]
    model = nn.Sequential(
        nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)
    )
    pruned = [(model[0], "weight"), (model[2], "weight")]
    for module, name in pruned:
        prune.identity(module, name)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    folder.mkdir(parents=True, exist_ok=True)
    for epoch in range(EPOCHS + 1):
        # Zhu and Gupta's cubic schedule, over the first two thirds.
        share = min(1.0, epoch / (2 * EPOCHS / 3))
        target = FINAL_SPARSITY * (1 - (1 - share) ** 3)
        active = sum(int(m.weight_mask.sum()) for m, _ in pruned)
        size = sum(m.weight_mask.numel() for m, _ in pruned)
        drop = active - round((1 - target) * size)
        if drop > 0:
            prune.global_unstructured(pruned, prune.L1Unstructured, amount=drop)
        if epoch:
            for batch in train[torch.randperm(len(train))].split(64):
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
                optimizer.step()
        with torch.no_grad():
            accuracy = float((model(x[test]).argmax(1) == y[test]).float().mean())
        torch.save(
            {"state_dict": model.state_dict(), "epoch": epoch, "test_accuracy": accuracy},
            folder / f"checkpoint_{epoch:03d}.pt",
        )
    print(f"{folder}: {EPOCHS + 1} checkpoints, test accuracy {100 * accuracy:.2f} %")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
