import pytest
import torch

from groundup.train.optimizers import ParameterGroup
from groundup.train.telemetry import copy_weights, update_ratios


def test_the_ratio_is_of_the_norms_over_all_tensors_of_a_group():
    tensors = {"a": torch.tensor([3.0, 0.0]), "b": torch.tensor([[0.0]])}
    groups = [
        ParameterGroup("moved", tensors, "adamw", 0.1, 0.0),
        ParameterGroup("zero", {"c": torch.zeros(2)}, "adamw", 0.1, 0.0),
    ]
    before = copy_weights(groups)
    tensors["a"] += torch.tensor([0.0, 4.0])
    tensors["b"] += 12.0
    # ‖(0, 4, 12)‖ / ‖(3, 4, 12)‖
    assert update_ratios(groups, before) == {
        "moved": pytest.approx(160**0.5 / 13),
        "zero": 0.0,
    }


def test_a_run_writes_ratios_and_is_not_changed_by_them(train, tmp_path, read_lines):
    train("watched", update_ratio_every=6)
    train("unwatched", update_ratio_every=0)
    watched, unwatched = (
        read_lines(tmp_path / name / "metrics.jsonl") for name in ("watched", "unwatched")
    )
    ratios = {line["step"]: line.pop("update_ratio") for line in watched if "update_ratio" in line}
    assert sorted(ratios) == [6, 12, 18, 24]
    assert ratios[6].keys() == {"embeddings", "block matrices", "norms and biases"}
    assert all(0 < ratio < 1 for ratio in ratios[6].values())
    assert watched == unwatched
