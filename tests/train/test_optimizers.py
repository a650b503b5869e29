import pytest
import torch
from torch import nn

from groundup.train import TrainConfig
from groundup.train.optimizers import Optimizers, ParameterGroup, group_parameters


def group(tensor, optimizer, learning_rate=0.1, weight_decay=0.1):
    return ParameterGroup("block matrices", {"w": tensor}, optimizer, learning_rate, weight_decay)


def random_matrix(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def adamw(weight, gradients, rates, config, weight_decay):
    """Algorithm 2 of arXiv 1711.05101, with decay times the learning rate, as torch has it."""
    m, v = torch.zeros_like(weight), torch.zeros_like(weight)
    for t, (gradient, rate) in enumerate(zip(gradients, rates, strict=True), start=1):
        m = config.beta1 * m + (1 - config.beta1) * gradient
        v = config.beta2 * v + (1 - config.beta2) * gradient**2
        m_hat, v_hat = m / (1 - config.beta1**t), v / (1 - config.beta2**t)
        update = m_hat / (v_hat.sqrt() + config.eps)
        weight = weight - rate * weight_decay * weight - rate * update
    return weight


def muon(weight, gradients, rate, weight_decay, momentum=0.95):
    """Keller Jordan's Muon: Nesterov momentum, five quintic Newton–Schulz steps in bfloat16."""
    average = torch.zeros_like(weight)
    for gradient in gradients:
        average = momentum * average + (1 - momentum) * gradient
        x = (momentum * average + (1 - momentum) * gradient).bfloat16()
        x = x / x.norm()
        for _ in range(5):
            # Each fused multiply-and-add sums in float32 and rounds once.
            a = (x @ x.T).float()
            b = (-4.7750 * a + 2.0315 * a @ a).bfloat16().float()
            x = (3.4445 * x.float() + b @ x.float()).bfloat16()
        scale = max(1, weight.shape[0] / weight.shape[1]) ** 0.5
        weight = weight * (1 - rate * weight_decay) - rate * scale * x.float()
    return weight


def test_adamw_follows_the_published_update():
    config = TrainConfig(optimizer="adamw")
    weight = random_matrix(5, 3, seed=0)
    gradients = [random_matrix(5, 3, seed=seed) for seed in (1, 2, 3)]
    multipliers = [0.5, 1.0, 0.25]
    trained = weight.clone()
    optimizers = Optimizers([group(trained, "adamw")], config)
    for gradient, multiplier in zip(gradients, multipliers, strict=True):
        trained.grad = gradient.clone()
        optimizers.step(multiplier)
    rates = [0.1 * multiplier for multiplier in multipliers]
    torch.testing.assert_close(trained, adamw(weight, gradients, rates, config, 0.1))


@pytest.mark.parametrize("shape", [(4, 6), (6, 4)])
def test_muon_follows_the_published_update(shape):
    weight = random_matrix(*shape, seed=0)
    gradients = [random_matrix(*shape, seed=seed) for seed in (1, 2, 3)]
    trained = weight.clone()
    optimizers = Optimizers([group(trained, "muon")], TrainConfig())
    for gradient in gradients:
        trained.grad = gradient.clone()
        optimizers.step(1.0)
    expected = muon(weight, gradients, 0.1, 0.1)
    assert (trained - expected).norm() < 0.01 * (expected - weight).norm()


def test_muon_makes_every_direction_of_an_update_alike():
    weight = torch.zeros(16, 16)
    optimizers = Optimizers([group(weight, "muon", learning_rate=1.0)], TrainConfig())
    skewed = random_matrix(16, 16, seed=0) * torch.logspace(0, 1.5, 16)
    weight.grad = skewed
    optimizers.step(1.0)
    before, after = torch.linalg.svdvals(skewed), torch.linalg.svdvals(weight)
    assert before.max() > 50 * before.min()
    assert after.max() < 5 * after.min()
    assert after.mean() == pytest.approx(0.85, abs=0.2)


def test_every_parameter_is_in_one_group(tiny_model):
    model = tiny_model(tie_embeddings=False, bias=True)
    parameters = dict(model.named_parameters())
    groups = {g.name: g for g in group_parameters(model, parameters, TrainConfig())}
    assert set(groups) == {"embeddings", "block matrices", "norms and biases", "other matrices"}
    assert groups["embeddings"].parameters.keys() == {"token_embedding.weight"}
    assert groups["other matrices"].parameters.keys() == {"lm_head.weight"}
    assert groups["block matrices"].optimizer == "muon"
    assert all(t.ndim == 2 for t in groups["block matrices"].parameters.values())
    names = [name for g in groups.values() for name in g.parameters]
    assert sorted(names) == sorted(parameters)
    assert sum(g.num_parameters for g in groups.values()) == sum(
        tensor.numel() for tensor in parameters.values()
    )


def test_only_matrices_decay(tiny_model):
    model = tiny_model(architecture="gpt2")
    groups = group_parameters(
        model, dict(model.named_parameters()), TrainConfig(optimizer="adamw", weight_decay=0.3)
    )
    assert {g.name: g.weight_decay for g in groups} == {
        "embeddings": 0.0,
        "block matrices": 0.3,
        "norms and biases": 0.0,
    }
    assert {g.optimizer for g in groups} == {"adamw"}


def test_state_is_complete_before_the_first_step_and_changes_nothing():
    linear = nn.Linear(3, 4)
    before = linear.weight.detach().clone()
    for name in ("adamw", "muon"):
        state = Optimizers([group(linear.weight, name)], TrainConfig()).state_dict()
        assert all(not value.any() for value in state.values())
        assert torch.equal(linear.weight, before)
        assert linear.weight.grad is None
    assert state.keys() == {"w.momentum_buffer"}


def test_state_copied_into_a_new_optimizer_continues_the_same():
    config = TrainConfig()
    first = {"a": random_matrix(4, 4, seed=0), "b": random_matrix(4, seed=1)}
    second = {name: tensor.clone() for name, tensor in first.items()}

    def optimizers_of(tensors):
        return Optimizers(
            [
                ParameterGroup("m", {"a": tensors["a"]}, "muon", 0.1, 0.1),
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
