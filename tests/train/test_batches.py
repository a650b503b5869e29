"""Batches of the size that the ramps ask for, read one ahead for a GPU."""

import torch

from groundup.data import Batch
from groundup.train import TrainConfig
from groundup.train.batches import StepBatches


def test_for_a_gpu_the_next_batch_is_read_ahead_once_and_anew_where_a_ramp_changes_it(
    loader, monkeypatch
):
    read = []
    batch_of = loader.batch
    monkeypatch.setattr(loader, "batch", lambda step: read.append(step) or batch_of(step))
    monkeypatch.setattr(Batch, "pinned", lambda batch: batch)
    config = TrainConfig(max_steps=8, batch_size=4, batch_ramp=((0.5, 2),), compile="off")
    batches = StepBatches(loader, config, torch.device("cuda"))
    for step in range(8):
        batch = batches.read(step, step / 8).batch
        assert torch.equal(batch.inputs, batch_of(step).inputs)
        batches.look_ahead(step + 1)
    assert [read.count(step) for step in (1, 2, 3, 5, 6, 7)] == [1] * 6
