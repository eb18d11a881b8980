"""A real Hugging Face Trainer, with a small model made here, is recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.utils import prune

import topolab

pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("accelerate", reason="accelerate, which its Trainer needs, is not installed")

pytestmark = [
    # What the keys and values of BERT read is not known from their shapes, and attach says so.
    pytest.mark.filterwarnings("ignore:what bert.*not known"),
    pytest.mark.filterwarnings("ignore:.*pin_memory.*:UserWarning"),
]

Maker = Callable[..., torch.nn.Sequential]


class Words(torch.utils.data.Dataset[dict[str, torch.Tensor]]):
    """Random token sequences."""

    def __init__(self, n: int) -> None:
        generator = torch.Generator().manual_seed(4)
        self.tokens = torch.randint(0, 20, (n, 6), generator=generator)

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {"input_ids": self.tokens[index], "labels": self.tokens[index, 0] % 2}


def model_of(seed: int = 0) -> Any:
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(seed)
    model = BertForSequenceClassification(
        BertConfig(
            vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=12, max_position_embeddings=8, num_labels=2,
        )
    )  # fmt: skip
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and name.startswith("bert.encoder"):
            prune.random_unstructured(module, "weight", amount=0.5)
    return model


def trainer_of(folder: Path, model: Any, callback: Any, **options: Any) -> Any:
    from transformers import Trainer, TrainingArguments

    arguments = TrainingArguments(
        output_dir=str(folder), per_device_train_batch_size=4, gradient_accumulation_steps=2,
        num_train_epochs=2, report_to="none", use_cpu=True, disable_tqdm=True,
        **{"logging_steps": 1, "save_strategy": "no", **options},
    )  # fmt: skip
    return Trainer(model=model, args=arguments, train_dataset=Words(24), callbacks=[callback])


def test_a_training_with_accumulated_gradients(tmp_path: Path) -> None:
    from topolab.integrations.transformers import TopolabCallback

    model = model_of()
    callback = TopolabCallback(tmp_path / "run", every=2, weights=True)
    trainer = trainer_of(tmp_path, model, callback)
    with callback:
        trainer.train()
    run = topolab.open_run(tmp_path / "run")
    assert trainer.state.global_step == 6  # 2 epochs of 6 batches, 2 a step
    assert run.steps.tolist() == [0, 2, 4, 6]
    assert run.epochs.tolist() == pytest.approx([0, 2 / 3, 4 / 3, 2])
    assert (run.state, run.seed) == ("done", 42)
    assert run[-1].metrics["loss"] > 0
    name = "bert.encoder.layer.0.attention.self.query"
    assert {layer.name for layer in run.layers if layer.maskable} == {
        key for key, module in model.named_modules() if hasattr(module, "weight_mask")
    }
    query = model.get_submodule(name)
    assert run[-1].nnz(name) == 32
    weights = run[-1].weights[name]
    assert weights is not None
    assert (weights == query.weight_orig.detach()[query.weight_mask.bool()].numpy()).all()


def test_a_training_goes_on_from_a_checkpoint(tmp_path: Path) -> None:
    from topolab.integrations.transformers import TopolabCallback

    for name, stop in (("whole", -1), ("run", 4)):
        callback = TopolabCallback(tmp_path / name, every=3)
        trainer = trainer_of(
            tmp_path / f"of-{name}", model_of(), callback, save_strategy="steps", save_steps=2
        )
        if stop > 0:
            trainer.add_callback(stopper(stop))
        trainer.train()
    assert topolab.open_run(tmp_path / "run").steps.tolist() == [0, 3, 4]
    callback = TopolabCallback(tmp_path / "run", every=3)
    trainer = trainer_of(tmp_path / "of-run", model_of(seed=5), callback)
    trainer.train(resume_from_checkpoint=str(tmp_path / "of-run" / "checkpoint-4"))
    run, whole = topolab.open_run(tmp_path / "run"), topolab.open_run(tmp_path / "whole")
    assert whole.steps.tolist() == [0, 3, 6]
    assert run.steps.tolist() == [0, 3, 4, 6]
    assert run.verify().ok
    for layer in run.layers:
        assert (run[-1].masks[layer.name] == whole[-1].masks[layer.name]).all()


@pytest.mark.parametrize(("size", "per_epoch"), [(80, 20), (76, 19)])
def test_epochs_are_those_of_the_trainer(tmp_path: Path, size: int, per_epoch: int) -> None:
    """13 steps of 2 batches, of which an epoch has 20; or 19, so that its last step has one."""
    from transformers import Trainer, TrainerCallback, TrainingArguments

    from topolab.integrations.transformers import TopolabCallback

    expected = {0: 0.0}

    class Watch(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            expected[state.global_step] = state.epoch

    arguments = TrainingArguments(
        output_dir=str(tmp_path / "of"), per_device_train_batch_size=4, max_steps=13,
        gradient_accumulation_steps=2, report_to="none", use_cpu=True, disable_tqdm=True,
        save_strategy="no",
    )  # fmt: skip
    callbacks = [TopolabCallback(tmp_path / "run", every=1), Watch()]
    Trainer(
        model=model_of(), args=arguments, train_dataset=Words(size), callbacks=callbacks
    ).train()
    run = topolab.open_run(tmp_path / "run")
    assert dict(zip(run.steps.tolist(), run.epochs.tolist(), strict=True)) == expected
    assert run.at(step=12).epoch == 1 + 4 / per_epoch
    assert run.at(step=10).epoch == 1.0


def stopper(step: int) -> Any:
    from transformers import TrainerCallback

    class Stop(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            control.should_training_stop = state.global_step >= step

    return Stop()


def test_an_error_leaves_a_failed_run(tmp_path: Path) -> None:
    from topolab.integrations.transformers import TopolabCallback

    model = model_of()
    callback = TopolabCallback(tmp_path / "run", every=1)
    trainer = trainer_of(tmp_path, model, callback)
    calls = 0

    def forward(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 6:
            raise ZeroDivisionError("of the training")

    model.register_forward_pre_hook(forward)
    with pytest.raises(ZeroDivisionError), callback:
        trainer.train()
    run = topolab.open_run(tmp_path / "run")
    assert run.state == "failed"
    assert run.steps.tolist() == [0, 1, 2]
    assert run.verify().ok


def test_a_full_disk_ends_the_recording_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from topolab.errors import RunError
    from topolab.integrations.transformers import TopolabCallback
    from topolab.store.folder import RunFolder

    append = RunFolder.append

    def full(self: RunFolder, snapshot: topolab.Snapshot, run_id: str) -> Path:
        if snapshot.step > 1:
            raise RunError("no space left")
        return append(self, snapshot, run_id)

    monkeypatch.setattr(RunFolder, "append", full)
    callback = TopolabCallback(tmp_path / "run", every=1, on_error="warn")
    trainer = trainer_of(tmp_path, model_of(), callback)
    with pytest.warns(RuntimeWarning, match="recording step 2 failed"), callback:
        trainer.train()
    assert trainer.state.global_step == 6
    run = topolab.open_run(tmp_path / "run")
    assert (run.steps.tolist(), run.state) == ([0, 1], "failed")
