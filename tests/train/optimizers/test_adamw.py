import pytest
import torch

from groundup.reference.adamw import adamw
from groundup.train import TrainConfig
from groundup.train.optimizers import Optimizers, ParameterGroup

SHAPES = {"matrix": (64, 48), "vector": (48,), "tiny": (3,), "scalar": (), "three ways": (2, 1, 5)}


@pytest.mark.parametrize("cautious", [False, True])
def test_adamw_equals_the_plain_one(random_matrix, group, cautious):
    config = TrainConfig(optimizer="adamw", cautious_weight_decay=cautious)
    weights = {name: random_matrix(*shape, seed=0) for name, shape in SHAPES.items()}
    trained = {name: weight.clone() for name, weight in weights.items()}
    multipliers = [0.5, 1.0, 0.25]
    gradients = [
        {name: random_matrix(*shape, seed=seed) for name, shape in SHAPES.items()}
        for seed in (1, 2, 3)
    ]
    optimizers = Optimizers([group("adamw", weight_decay=0.3, **trained)], config)
    for step, multiplier in zip(gradients, multipliers, strict=True):
        for name, weight in trained.items():
            weight.grad = step[name].clone()
        optimizers.step(multiplier)
    for name, weight in weights.items():
        expected = adamw(
            weight,
            [step[name] for step in gradients],
            [0.1 * multiplier for multiplier in multipliers],
            weight_decay=0.3,
            cautious=cautious,
        )
        torch.testing.assert_close(trained[name], expected)


def test_adamw_equals_that_of_torch_bit_for_bit(random_matrix, group):
    ours = {f"w{i}": random_matrix(8, i + 1, seed=i) for i in range(20)}
    theirs = [torch.nn.Parameter(weight.clone()) for weight in ours.values()]
    optimizers = Optimizers([group("adamw", **ours)], TrainConfig(optimizer="adamw"))
    torchs = torch.optim.AdamW(theirs, lr=0.1, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    for step in range(3):
        for i, (weight, twin) in enumerate(zip(ours.values(), theirs, strict=True)):
            weight.grad = random_matrix(8, i + 1, seed=100 * step + i)
            twin.grad = weight.grad.clone()
        optimizers.step(1.0)
        torchs.step()
    assert all(torch.equal(a, b) for a, b in zip(ours.values(), theirs, strict=True))


def test_groups_of_one_rate_and_decay_share_a_call_and_others_do_not(monkeypatch):
    from groundup.train.optimizers import adamw as module

    calls = []
    monkeypatch.setattr(
        module,
        "adamw",
        lambda tensors, *_, **options: calls.append(
            (len(tensors), options["lr"], options["weight_decay"])
        ),
    )
    rates = {"embeddings": (0.1, 0.0), "norms and biases": (0.1, 0.0), "other matrices": (0.1, 0.2)}
    groups = [
        ParameterGroup(name, {name: torch.zeros(3, 3)}, "adamw", *rate)
        for name, rate in rates.items()
    ]
    for group in groups:
        group.parameters[group.name].grad = torch.ones(3, 3)
    Optimizers(groups, TrainConfig(optimizer="adamw")).step(0.5)
    assert calls == [(2, 0.05, 0.0), (1, 0.05, 0.2)]


def test_a_tensor_without_gradient_stays_as_it_is(random_matrix, group):
    first, second = random_matrix(4, seed=0), random_matrix(4, seed=1)
    before = second.clone()
    optimizers = Optimizers([group("adamw", a=first, b=second)], TrainConfig(optimizer="adamw"))
    first.grad = torch.ones(4)
    optimizers.step(1.0)
    assert torch.equal(second, before)
    assert optimizers.state_dict()["b.step"] == 0
