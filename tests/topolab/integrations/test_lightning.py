"""A real Lightning training is recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import topolab

pytest.importorskip("lightning", reason="Lightning is not installed: topolab[lightning]")

# What Lightning and its dependencies warn of themselves.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*is smaller than the logging interval:UserWarning"),
    pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists and is not empty"),
    pytest.mark.filterwarnings("ignore:.*isinstance.treespec, LeafSpec.:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:pkg_resources is deprecated"),
]

Maker = Callable[..., torch.nn.Sequential]
Batch = Callable[..., tuple[torch.Tensor, torch.Tensor]]


def module_of(net: torch.nn.Module, *, fail_at: int | None = None) -> Any:
    import lightning.pytorch as pl

    class Small(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def training_step(self, batch: Any, index: int) -> torch.Tensor:
            if fail_at is not None and self.trainer.global_step == fail_at:
                raise ZeroDivisionError("of the training")
            loss = torch.nn.functional.cross_entropy(self.net(batch[0]), batch[1])
            self.log("train_loss", loss)
            return loss

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters())

    return Small()


def loader_of(batch: Batch) -> torch.utils.data.DataLoader[Any]:
    inputs, labels = batch(0, 48)
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(inputs, labels), 8)


def trainer_of(folder: Path, callbacks: list[Any], **options: Any) -> Any:
    import lightning.pytorch as pl

    return pl.Trainer(
        accelerator="cpu", devices=1, logger=False, enable_progress_bar=False,
        enable_model_summary=False, default_root_dir=folder, callbacks=callbacks,
        **{"max_epochs": 2, "enable_checkpointing": False, **options},
    )  # fmt: skip


def test_a_training_with_accumulated_gradients(tmp_path: Path, mlp: Maker, batch: Batch) -> None:
    from topolab.integrations.lightning import TopolabCallback

    net = mlp()
    callback = TopolabCallback(tmp_path / "run", every=2, weights=True, seed=3)
    trainer = trainer_of(tmp_path, [callback], accumulate_grad_batches=2)
    trainer.fit(module_of(net), loader_of(batch))
    run = topolab.open_run(tmp_path / "run")
    assert trainer.global_step == 6  # 2 epochs of 6 batches, 2 a step
    assert run.steps.tolist() == [0, 2, 4, 6]
    assert run.epochs.tolist() == pytest.approx([0, 2 / 3, 4 / 3, 2])
    assert run.state == "done"
    assert run.summary["train_loss"] > 0
    assert "train_loss" in run[-1].metrics
    assert [layer.name for layer in run.layers] == ["net.0", "net.2", "net.4"]
    assert run[-1].nnz("net.0") == int(net[0].weight_mask.sum())
    mask = net[0].weight_mask.bool()
    assert run[-1].weights["net.0"] is not None
    expected = net[0].weight_orig.detach()[mask].numpy()  # type: ignore[operator]
    assert (run[-1].weights["net.0"] == expected).all()
    optimizer = trainer.optimizers[0]
    assert not optimizer._optimizer_step_post_hooks


def test_a_training_goes_on_from_a_checkpoint(tmp_path: Path, mlp: Maker, batch: Batch) -> None:
    from topolab.integrations.lightning import TopolabCallback

    trainer = trainer_of(tmp_path, [TopolabCallback(tmp_path / "whole", every=4)])
    trainer.fit(module_of(mlp()), loader_of(batch))

    callback = TopolabCallback(tmp_path / "run", every=4)
    trainer = trainer_of(tmp_path, [callback], max_steps=6, max_epochs=-1)
    trainer.fit(module_of(mlp()), loader_of(batch))
    trainer.save_checkpoint(tmp_path / "at6.ckpt")
    assert topolab.open_run(tmp_path / "run").steps.tolist() == [0, 4, 6]

    callback = TopolabCallback(tmp_path / "run", every=4)
    trainer = trainer_of(tmp_path, [callback])
    # the checkpoint is ours, just written
    trainer.fit(
        module_of(mlp(seed=8)), loader_of(batch), ckpt_path=tmp_path / "at6.ckpt",
        weights_only=True,
    )  # fmt: skip
    run, whole = topolab.open_run(tmp_path / "run"), topolab.open_run(tmp_path / "whole")
    assert whole.steps.tolist() == [0, 4, 8, 12]
    assert run.steps.tolist() == [0, 4, 6, 8, 12]
    assert run.state == "done"
    assert run.verify().ok
    assert (run[-1].masks["net.2"] == whole[-1].masks["net.2"]).all()


def test_a_checkpoint_without_the_callback_says_where_the_run_begins(
    tmp_path: Path, mlp: Maker, batch: Batch
) -> None:
    from topolab.integrations.lightning import TopolabCallback

    trainer = trainer_of(tmp_path, [], max_steps=6, max_epochs=-1)
    trainer.fit(module_of(mlp()), loader_of(batch))
    trainer.save_checkpoint(tmp_path / "at6.ckpt")
    trainer = trainer_of(tmp_path, [TopolabCallback(tmp_path / "run", every=5)])
    trainer.fit(
        module_of(mlp()), loader_of(batch), ckpt_path=tmp_path / "at6.ckpt", weights_only=True
    )
    run = topolab.open_run(tmp_path / "run")
    assert trainer.global_step == 12
    assert run.steps.tolist() == [6, 10, 12]
    assert run.epochs.tolist() == pytest.approx([1, 10 / 6, 2])


def test_a_callback_records_one_training(tmp_path: Path, mlp: Maker, batch: Batch) -> None:
    from topolab.integrations.lightning import TopolabCallback

    callback = TopolabCallback(tmp_path / "run", every=3)
    trainer, module = trainer_of(tmp_path, [callback], max_epochs=1), module_of(mlp())
    trainer.fit(module, loader_of(batch))
    trainer.fit_loop.max_epochs = 2
    trainer.fit(module, loader_of(batch))  # the same training goes on
    assert topolab.open_run(tmp_path / "run").steps.tolist() == [0, 3, 6, 9, 12]
    for other in (module_of(mlp(seed=1)), module):  # the next fold
        with pytest.raises(topolab.errors.RunExistsError, match="each fold too, a TopolabCallback"):
            trainer_of(tmp_path, [callback]).fit(other, loader_of(batch))
    run = topolab.open_run(tmp_path / "run")
    assert (run.steps.tolist(), run.state) == ([0, 3, 6, 9, 12], "done")


def test_a_full_disk_ends_the_recording_only(
    tmp_path: Path, mlp: Maker, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    from topolab.errors import RunError
    from topolab.integrations.lightning import TopolabCallback
    from topolab.store.folder import RunFolder

    append = RunFolder.append

    def full(self: RunFolder, snapshot: topolab.Snapshot, run_id: str) -> Path:
        if snapshot.step > 4:
            raise RunError("no space left")
        return append(self, snapshot, run_id)

    monkeypatch.setattr(RunFolder, "append", full)
    trainer = trainer_of(tmp_path, [TopolabCallback(tmp_path / "run", every=2, on_error="warn")])
    with pytest.warns(RuntimeWarning, match="recording step 6 failed .*the training goes on"):
        trainer.fit(module_of(mlp()), loader_of(batch))
    assert trainer.global_step == 12
    run = topolab.open_run(tmp_path / "run")
    assert (run.steps.tolist(), run.state) == ([0, 2, 4], "failed")


def test_an_error_leaves_a_failed_run(tmp_path: Path, mlp: Maker, batch: Batch) -> None:
    from topolab.integrations.lightning import TopolabCallback

    trainer = trainer_of(tmp_path, [TopolabCallback(tmp_path / "run", every=1)])
    with pytest.raises(ZeroDivisionError):
        trainer.fit(module_of(mlp(), fail_at=3), loader_of(batch))
    run = topolab.open_run(tmp_path / "run")
    assert run.state == "failed"
    assert run.steps.tolist() == [0, 1, 2, 3]
    assert run.verify().ok
