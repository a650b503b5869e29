import torch
from torch import nn

from groundup.train import TrainConfig
from groundup.train.optimizers import Optimizers, ParameterGroup


def test_state_is_complete_before_the_first_step_and_changes_nothing(group):
    linear = nn.Linear(3, 4)
    before = linear.weight.detach().clone()
    keys = {"adamw": {"w.step", "w.exp_avg", "w.exp_avg_sq"}, "muon": {"w.momentum_buffer"}}
    for name in ("adamw", "muon"):
        state = Optimizers([group(name, w=linear.weight)], TrainConfig()).state_dict()
        assert state.keys() - {"muon.step"} == keys[name]
        assert not any(value.any() for value in state.values())
        assert torch.equal(linear.weight, before)
        assert linear.weight.grad is None


def test_state_copied_into_a_new_optimizer_continues_the_same(random_matrix):
    config = TrainConfig(momentum_warmup_steps=5)
    first = {name: random_matrix(4, 4, seed=ord(name)) for name in "ac"}
    first["b"] = random_matrix(4, seed=1)
    second = {name: tensor.clone() for name, tensor in first.items()}

    def optimizers_of(tensors):
        matrices = {name: tensors[name] for name in "ac"}
        return Optimizers(
            [
                ParameterGroup("m", matrices, "muon", 0.1, 0.1),
                ParameterGroup("v", {"b": tensors["b"]}, "adamw", 0.1, 0.0),
            ],
            config,
        )

    def step(tensors, optimizers, seed):
        for name, tensor in tensors.items():
            tensor.grad = random_matrix(*tensor.shape, seed=seed + ord(name))
        optimizers.step(1.0)

    one = optimizers_of(first)
    step(first, one, 5)
    two = optimizers_of(second)
    for name, value in two.state_dict().items():
        value.copy_(one.state_dict()[name])
    for name, tensor in second.items():
        tensor.copy_(first[name])
    step(first, one, 9)
    step(second, two, 9)
    assert all(torch.equal(first[name], second[name]) for name in first)
