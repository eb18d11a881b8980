"""Two processes that train one model: one run, the same masks, and no rank that waits."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

import topolab
import topolab.store.files

RANKS = """
import contextlib, os, sys, warnings
import pytest
import torch, torch.distributed as dist
import torch.multiprocessing as mp
import topolab
from torch.nn.parallel import DistributedDataParallel

def work(rank, size, folder):
    torch.set_num_threads(1)
    for mode in ("agree", "differ", "warn", "metric"):
        one(rank, size, f"{folder}/{mode}", mode)

def one(rank, size, folder, mode):
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=size)
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(8, 6), torch.nn.ReLU(), torch.nn.Linear(6, 3))
    masks = {"0": (torch.rand(6, 8) < 0.4).float(), "2": torch.ones(3, 6)}
    model = DistributedDataParallel(net)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    said = "nothing"
    try:
        def metrics():
            if mode == "metric" and rank == 1 and handle is not None and handle.steps == 4:
                raise ZeroDivisionError("of this rank alone")
            return {}
        handle = None
        on_error = "warn" if mode == "warn" else "raise"
        with topolab.attach(optimizer, model, folder + "/run", every=2, masks=masks,
                            on_error=on_error, metrics=metrics) as handle:
            for step in range(1, 6):
                torch.manual_seed(100 * rank + step)  # other data on each rank
                optimizer.zero_grad()
                model(torch.randn(4, 8)).square().sum().backward()
                with torch.no_grad():
                    net[0].weight.grad.mul_(masks["0"])
                optimizer.step()
                if mode in ("differ", "warn") and step == 3 and rank == 1:
                    masks["0"][0, :3] = 1 - masks["0"][0, :3]
            assert handle.steps == 5
            refused = pytest.raises(topolab.TopolabError)
            with refused if mode == "agree" else contextlib.nullcontext():
                handle.record(2)
            assert handle.steps == 5
        # a second run of this name is refused on every rank
        try:
            topolab.attach(optimizer, model, folder + "/run", masks=masks)
        except topolab.TopolabError as error:
            said = type(error).__name__
        # one rank alone
        if rank == 1:
            alone = topolab.attach(optimizer, model, folder + "/alone", masks=masks, ranks=False)
            alone.remove()
    except (topolab.TopolabError, ZeroDivisionError) as error:
        said = str(error)
    open(f"{folder}/said-{rank}", "w").write(said)
    dist.barrier()
    dist.destroy_process_group()

if __name__ == "__main__":
    mp.spawn(work, args=(2, sys.argv[1]), nprocs=2)
"""


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """What two ranks left in a folder for every mode, and what they said."""
    folder = tmp_path_factory.mktemp("ranks")
    for mode in MODES:
        (folder / mode).mkdir()
    script = folder / "ranks.py"
    script.write_text(textwrap.dedent(RANKS))
    done = subprocess.run(
        [sys.executable, str(script), str(folder)],
        env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder, done.stderr


MODES = ("agree", "differ", "warn", "metric")


@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch without distributed")
@pytest.mark.parametrize("mode", MODES)
def test_two_ranks(ranks: tuple[Path, str], mode: str) -> None:
    folder, printed = ranks[0] / mode, ranks[1]
    said = [(folder / f"said-{rank}").read_text() for rank in (0, 1)]
    run = topolab.open_run(folder / "run")
    assert run.verify().ok
    if mode == "metric":
        assert "reading the masks of step 4 failed on rank 1" in said[0]
        assert said[1] == "of this rank alone"
        assert (run.steps.tolist(), run.state) == ([0, 2], "failed")
    elif mode == "warn":  # every rank warns once, and all of them go on to the end
        assert said == ["RunExistsError", "RunError"]
        assert printed.count("recording step 4 failed (LayerError: layer 0: the ranks") == 2
        assert (run.steps.tolist(), run.state) == ([0, 2], "failed")
    elif mode == "agree":
        assert said == ["RunExistsError", "RunError"]
        assert (run.steps.tolist(), run.state) == ([0, 2, 4, 5], "done")
        assert topolab.open_run(folder / "alone").state == "done"
    else:
        for message in said:
            assert "layer 0: the ranks hold different masks" in message
            assert "rank 1 at 3 positions (of 48 " in message
        assert (run.steps.tolist(), run.state) == ([0, 2], "failed")
